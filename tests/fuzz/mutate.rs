//! Inputs by chance that can be repeated: everything follows from seed, target and number.

use crate::corpus::Corpus;

/// Pieces that readers of text and of numbers treat specially.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"[[[[[[[[",
    b"{\"a\":",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e400",
    b"18446744073709551616",
    b"\xff",
    b"\xc3\x28",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x98\x80",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\x00\x00\x00\x01",
    b"../",
    b"%2f",
    b"@",
    b"#",
    b"?",
    b"//",
    b"https://",
    b"http://",
    b"xn--",
    b"PASSED",
    b"PROCESSED",
    b"FACEMAP",
    b"API",
    b" = ",
    b"'''",
    b"\"\"\"",
    b"1d",
    b"GMT",
    b"+0000",
    b"99999999999",
];

/// Makes one input.
pub(crate) struct Mutator(u64);

impl Mutator {
    /// For input `n` of `target` under `seed`.
    pub(crate) fn new(seed: u64, target: &str, n: u64) -> Self {
        let mut state = seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in target.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(state)
    }

    /// A file of the corpus with one to eight changes, of at most `len_max` bytes. Few changes are the
    /// most likely: with many, nothing gets past the first check.
    pub(crate) fn input(&mut self, corpus: &Corpus, len_max: usize) -> Vec<u8> {
        let mut input = self.file(corpus).to_vec();
        loop {
            self.change(&mut input, corpus);
            if self.below(8) < 4 {
                break;
            }
        }
        input.truncate(len_max);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &Corpus) {
        let at = self.below(input.len() + 1);
        match self.below(11) {
            0 | 1 => self.alter(input, |byte, chance| byte ^ (1 << (chance % 8))),
            2 => self.alter(input, |_, chance| chance as u8),
            3 => self.alter(input, |byte, chance| byte.wrapping_add([1, 255][chance as usize % 2])),
            4 => input.truncate(at),
            5 => {
                let (from, to) = self.range(input.len());
                input.drain(from..to);
            }
            6 => {
                let (from, to) = self.range(input.len());
                let piece = input[from..to].to_vec();
                insert(input, at, &piece);
            }
            7 => insert(input, at, PIECES[self.below(PIECES.len())]),
            8 => {
                let piece = PIECES[self.below(PIECES.len())];
                let end = input.len().min(at + piece.len());
                input.splice(at..end, piece.iter().copied());
            }
            9 => {
                let other = self.file(corpus);
                let (from, to) = self.range(other.len());
                insert(input, at, &other[from..to]);
            }
            _ => {
                let other = self.file(corpus);
                input.truncate(at);
                input.extend_from_slice(&other[self.below(other.len() + 1)..]);
            }
        }
    }

    /// Alters one byte, if there is one.
    fn alter(&mut self, input: &mut [u8], how: impl Fn(u8, u64) -> u8) {
        if !input.is_empty() {
            let (at, chance) = (self.below(input.len()), self.next());
            input[at] = how(input[at], chance);
        }
    }

    fn file<'a>(&mut self, corpus: &'a Corpus) -> &'a [u8] {
        corpus.bytes(self.below(corpus.len()))
    }

    fn range(&mut self, len: usize) -> (usize, usize) {
        let (a, b) = (self.below(len + 1), self.below(len + 1));
        (a.min(b), a.max(b))
    }

    /// Less than `end`.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}
