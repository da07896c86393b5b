//! A Rust file cut into tokens: enough to tell code from comments and strings, and no more.

/// One file of `src/`.
pub(super) struct Source {
    /// Name relative to `src/`, such as `store/rocks.rs`.
    pub(super) name: String,
    /// Number of lines.
    pub(super) line_count: usize,
    /// The code, without comments.
    pub(super) tokens: Vec<Token>,
}

/// One piece of code.
#[derive(Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// The word, the punctuation, or what stands between a literal's quotes.
    pub(super) text: String,
    /// Counted from 1.
    pub(super) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// One character, or `::`.
    Mark,
    /// A string or character literal.
    Literal,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), line_count: text.lines().count(), tokens: tokens(text) }
    }

    /// The top module the file belongs to: `store` for `store/rocks.rs`, `serve` for `serve.rs`.
    pub(super) fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep the file is: 1 for `serve.rs` and `store/mod.rs`, 2 for
    /// `store/rocks.rs`.
    pub(super) fn depth(&self) -> usize {
        let folders = self.name.matches('/').count();
        if self.name.ends_with("/mod.rs") { folders } else { folders + 1 }
    }

    /// Whether the token at `at` is there and reads `text`, as code.
    pub(super) fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind != Kind::Literal && t.text == text)
    }

    /// The word at `at`, if there is one.
    pub(super) fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).filter(|t| t.kind == Kind::Word).map(|t| t.text.as_str())
    }

    /// The place of the brace that closes the one at `open`; the end if there is none.
    pub(super) fn closing(&self, open: usize) -> usize {
        let mut depth = 0;
        for at in open..self.tokens.len() {
            depth += usize::from(self.is(at, "{"));
            if self.is(at, "}") {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
        }
        self.tokens.len() - 1
    }

    /// A complaint about the token at `at`.
    pub(super) fn complain(&self, at: usize, what: &str) -> String {
        format!("src/{}:{}: {what}", self.name, self.tokens[at].line)
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < chars.len() {
        let (kind, end) = match piece(&chars, at) {
            (Some(kind), end) => (kind, end),
            (None, end) => {
                line += newlines(&chars[at..end]);
                at = end;
                continue;
            }
        };
        let text: String = chars[at..end].iter().collect();
        tokens.push(Token { kind, text, line });
        line += newlines(&chars[at..end]);
        at = end;
    }
    tokens
}

fn newlines(chars: &[char]) -> usize {
    chars.iter().filter(|c| **c == '\n').count()
}

/// What begins at `at`, and where it ends. `None`: space or a comment.
fn piece(chars: &[char], at: usize) -> (Option<Kind>, usize) {
    let next = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
    match chars[at] {
        '/' if next(1) == '/' => (None, until(chars, at, |c| c == '\n')),
        '/' if next(1) == '*' => (None, block_comment(chars, at)),
        c if c.is_whitespace() => (None, at + 1),
        '"' => (Some(Kind::Literal), quoted(chars, at, '"')),
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        '\'' if next(1) == '\\' || next(2) == '\'' => {
            (Some(Kind::Literal), quoted(chars, at, '\''))
        }
        'r' | 'b' | 'c' if prefix(chars, at).is_some() => {
            let (quote, hashes) = prefix(chars, at).unwrap();
            let end = match hashes {
                Some(hashes) => raw(chars, quote, hashes),
                None => quoted(chars, quote, chars[quote]),
            };
            (Some(Kind::Literal), end)
        }
        c if is_word(c) => (Some(Kind::Word), until(chars, at, |c| !is_word(c))),
        ':' if next(1) == ':' => (Some(Kind::Mark), at + 2),
        _ => (Some(Kind::Mark), at + 1),
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn until(chars: &[char], from: usize, stop: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|at| stop(chars[*at])).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], open: usize) -> usize {
    let (mut depth, mut at) = (1, open + 2);
    while at < chars.len() && depth > 0 {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// The end of a literal whose opening quote is at `open`.
fn quoted(chars: &[char], open: usize, quote: char) -> usize {
    let mut at = open + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// The quote and the number of `#` (`None`: not raw) of a literal such as `b"…"` or `br#"…"#`.
fn prefix(chars: &[char], at: usize) -> Option<(usize, Option<usize>)> {
    let letters = until(chars, at, |c| !matches!(c, 'r' | 'b' | 'c'));
    let quote = until(chars, letters, |c| c != '#');
    let is_raw = chars[letters - 1] == 'r';
    match chars.get(quote)? {
        '"' if is_raw => Some((quote, Some(quote - letters))),
        '"' | '\'' if quote == letters && chars[letters - 1] != 'r' => Some((quote, None)),
        _ => None,
    }
}

/// The end of a raw string whose opening quote is at `open`.
fn raw(chars: &[char], open: usize, hashes: usize) -> usize {
    (open + 1..chars.len())
        .find(|at| {
            chars[*at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes
        })
        .map_or(chars.len(), |at| at + 1 + hashes)
}

#[test]
fn comments_vanish_and_strings_stay_whole() {
    let text = "a::b // no\n/* no /* no */ no */ \"{ \\\" x\" 'y' '\\'' &'z r#\"q\"r\"# b\"w\" rb";

    let got: Vec<_> = tokens(text).into_iter().map(|t| (t.kind, t.text, t.line)).collect();

    let want = [
        (Kind::Word, "a", 1),
        (Kind::Mark, "::", 1),
        (Kind::Word, "b", 1),
        (Kind::Literal, "\"{ \\\" x\"", 2),
        (Kind::Literal, "'y'", 2),
        (Kind::Literal, "'\\''", 2),
        (Kind::Mark, "&", 2),
        (Kind::Mark, "'", 2),
        (Kind::Word, "z", 2),
        (Kind::Literal, "r#\"q\"r\"#", 2),
        (Kind::Literal, "b\"w\"", 2),
        (Kind::Word, "rb", 2),
    ];
    assert_eq!(got, want.map(|(kind, text, line)| (kind, text.to_owned(), line)));
}

#[test]
fn a_file_knows_its_module() {
    let table =
        [("serve.rs", "serve", 1), ("store/mod.rs", "store", 1), ("store/a.rs", "store", 2)];
    for (name, module, depth) in table {
        let source = Source::new(name, "");
        assert_eq!((source.module(), source.depth()), (module, depth), "{name}");
    }
}
