//! What opens slots without being guessed at: 32 random bytes, in a file, on paper, or computed.

use std::fmt::Write;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use zeroize::Zeroizing;

use super::key::{KEY_LEN, Key, kind};
use super::random::{self, RandomError};
use super::slot_error::SlotError;

/// 32 bytes that open a slot: not guessed, so not stretched.
pub type Bytes32 = Key<kind::Brought>;

/// The bytes of a key file: exactly 32, random.
#[derive(Debug)]
pub struct KeyFile(pub(super) Bytes32);

/// A recovery key: 32 random bytes in a form that people can type.
///
/// In text it is bech32m (BIP 350) with the prefix `fmvr`: no letters that look alike, and a checksum
/// that finds any four mistyped characters.
#[derive(Debug)]
pub struct RecoveryKey(pub(super) Bytes32);

/// Begins the text of every recovery key.
const PREFIX: Hrp = Hrp::parse_unchecked("fmvr");
/// Characters in a group, for people who read and type.
const GROUP_LEN: usize = 4;
/// Length of the text without spaces: prefix, `1`, 52 characters of the key, 6 of the checksum.
const TEXT_LEN: usize = 4 + 1 + 52 + 6;

impl Bytes32 {
    /// Takes bytes that somebody brought. The caller wipes its own copy.
    ///
    /// # Errors
    ///
    /// [`SlotError::NotAKey`] unless there are exactly 32, not all the same: 32 zeros are a mistake,
    /// not a key.
    pub fn brought(bytes: &[u8]) -> Result<Self, SlotError> {
        let not_a_key = SlotError::NotAKey { len: bytes.len() };
        let exact: &[u8; KEY_LEN] = bytes.try_into().map_err(|_| not_a_key.clone())?;
        if exact.iter().all(|byte| Some(byte) == exact.first()) {
            return Err(not_a_key);
        }
        Ok(Self::copied(exact))
    }
}

impl KeyFile {
    /// Takes a key file's bytes. The caller wipes its own copy.
    ///
    /// # Errors
    ///
    /// [`SlotError::NotAKey`], as [`Bytes32::brought`].
    pub fn new(bytes: &[u8]) -> Result<Self, SlotError> {
        Bytes32::brought(bytes).map(Self)
    }

    /// The content of a new key file: 32 random bytes.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub fn fresh() -> Result<Zeroizing<[u8; KEY_LEN]>, RandomError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        random::fill(&mut *bytes)?;
        Ok(bytes)
    }
}

impl RecoveryKey {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub fn fresh() -> Result<Self, RandomError> {
        Bytes32::random().map(Self)
    }

    /// Reads what [`Self::text`] wrote. Spaces, hyphens and line ends do not matter, nor does case.
    ///
    /// # Errors
    ///
    /// [`SlotError::NotARecoveryKey`] if a character is wrong, missing or too many.
    pub fn parse(text: &str) -> Result<Self, SlotError> {
        let wrong = |_| SlotError::NotARecoveryKey;
        let mut plain = Zeroizing::new(String::with_capacity(TEXT_LEN));
        for c in text.chars().filter(|c| !(c.is_whitespace() || *c == '-')) {
            if plain.len() == TEXT_LEN || !c.is_ascii() {
                return Err(SlotError::NotARecoveryKey);
            }
            plain.push(c);
        }
        let checked = CheckedHrpstring::new::<Bech32m>(&plain).map_err(wrong)?;
        if checked.hrp() != PREFIX {
            return Err(SlotError::NotARecoveryKey);
        }
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        let mut read = checked.byte_iter();
        for byte in bytes.iter_mut() {
            *byte = read.next().ok_or(SlotError::NotARecoveryKey)?;
        }
        match read.next() {
            None => Bytes32::brought(&*bytes).map(Self),
            Some(_) => Err(SlotError::NotARecoveryKey),
        }
    }

    /// The key in groups of four characters.
    pub fn text(&self) -> Zeroizing<String> {
        // As long as it gets, so that no copy is left behind in freed memory.
        let mut plain = Zeroizing::new(String::with_capacity(TEXT_LEN));
        bech32::encode_lower_to_fmt::<Bech32m, _>(&mut *plain, PREFIX, self.0.expose())
            .expect("32 bytes are not too long for bech32, and a string takes all of it");
        let mut grouped = Zeroizing::new(String::with_capacity(TEXT_LEN * 2));
        for (at, c) in plain.chars().enumerate() {
            if at > 0 && at % GROUP_LEN == 0 {
                grouped.push(' ');
            }
            grouped.write_char(c).expect("a string takes all of it");
        }
        grouped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RecoveryKey {
        RecoveryKey(Bytes32::copied(&std::array::from_fn(|i| i as u8)))
    }

    #[test]
    fn a_recovery_key_comes_back_however_it_is_typed() {
        let text = key().text();
        assert_eq!(text.len(), TEXT_LEN + TEXT_LEN / GROUP_LEN);
        assert!(text.starts_with("fmvr 1qqq "), "{}", *text);
        let forms = [
            text.to_string(),
            text.replace(' ', ""),
            text.replace(' ', "-"),
            text.to_uppercase(),
            format!("  {}\n", text.replace(' ', "\n")),
        ];
        for form in forms {
            let read = RecoveryKey::parse(&form).unwrap();
            assert_eq!(read.0.expose(), key().0.expose(), "{form:?}");
        }
        let fresh = RecoveryKey::fresh().unwrap();
        let read = RecoveryKey::parse(&fresh.text()).unwrap();
        assert_eq!(read.0.expose(), fresh.0.expose());
    }

    #[test]
    fn every_mistyped_character_and_every_swap_is_noticed() {
        let text: Vec<char> = key().text().replace(' ', "").chars().collect();
        let refused = |text: &[char]| {
            let text: String = text.iter().collect();
            assert_eq!(
                RecoveryKey::parse(&text).unwrap_err(),
                SlotError::NotARecoveryKey,
                "{text}"
            );
        };
        for at in 0..text.len() {
            for c in "qpzry9x8gf2tvdw0s3jn54khce6mua7lbio1ß".chars().filter(|c| *c != text[at]) {
                let mut typed = text.clone();
                typed[at] = c;
                refused(&typed);
            }
            refused(&text[..at]);
            if at > 0 && text[at] != text[at - 1] {
                let mut typed = text.clone();
                typed.swap(at, at - 1);
                refused(&typed);
            }
        }
        refused(&[&text[..], &['q']].concat());
        refused(&[]);
    }

    #[test]
    fn what_is_brought_has_32_bytes_and_is_not_constant() {
        for bytes in [&[1; 31][..], &[1; 33], &[0; 32], &[7; 32], &[]] {
            let not_a_key = SlotError::NotAKey { len: bytes.len() };
            assert_eq!(Bytes32::brought(bytes).map(|_| ()), Err(not_a_key));
        }
        assert!(KeyFile::new(&*KeyFile::fresh().unwrap()).is_ok());
    }
}
