//! Randomness: the operating system's, asked anew each time, and nothing instead of it.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::chunked::Salt;

/// Fills `out` from the operating system.
///
/// # Errors
///
/// [`RandomError::Unavailable`]; `out` must then not be used.
pub(super) fn fill(out: &mut [u8]) -> Result<(), RandomError> {
    getrandom::fill(out).map_err(|_| RandomError::Unavailable)
}

/// `N` random bytes that are not secret. Keys are filled in place by [`fill`].
///
/// # Errors
///
/// As [`fill`].
pub(super) fn array<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

/// Hands out salts and remembers the newest [`Self::WINDOW`] of them.
///
/// A salt that comes twice means that the generator repeats itself (a broken one, or a machine set
/// back while running). What it would seal under a fresh key could then be undone by whoever holds
/// both ciphertexts, so we seal nothing more. Chance alone does this once in 2⁵⁴ salts.
pub(super) struct Salts(Mutex<Seen>);

/// The same salts twice: in the order in which they came, and to be found.
struct Seen {
    in_order: VecDeque<u64>,
    heads: HashSet<u64>,
}

impl Salts {
    /// How many salts are remembered.
    const WINDOW: usize = 1000;

    pub(super) fn new() -> Self {
        Self(Mutex::new(Seen {
            in_order: VecDeque::with_capacity(Self::WINDOW),
            heads: HashSet::with_capacity(Self::WINDOW),
        }))
    }

    /// A salt never handed out before.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub(super) fn fresh(&self) -> Result<Salt, RandomError> {
        let salt = array()?;
        self.admit(&salt)?;
        Ok(salt)
    }

    fn admit(&self, salt: &Salt) -> Result<(), RandomError> {
        let [a, b, c, d, e, f, g, h, ..] = *salt;
        let head = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen { in_order, heads } = &mut *seen;
        if !heads.insert(head) {
            return Err(RandomError::Repeats);
        }
        if in_order.len() == Self::WINDOW
            && let Some(oldest) = in_order.pop_front()
        {
            heads.remove(&oldest);
        }
        in_order.push_back(head);
        Ok(())
    }
}

/// Why there is no randomness. Nothing is sealed without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RandomError {
    /// The operating system has none for us.
    #[error("the operating system gives no randomness")]
    Unavailable,
    /// The same bytes came twice.
    #[error("the operating system's randomness repeats itself")]
    Repeats,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_that_repeats_is_noticed_within_the_window() {
        let salts = Salts::new();
        let numbered = |n: u64| {
            let mut salt = [0; 24];
            salt[..8].copy_from_slice(&n.to_ne_bytes());
            salt
        };
        for n in 0..1000 {
            salts.admit(&numbered(n)).unwrap();
        }
        assert_eq!(salts.admit(&numbered(0)), Err(RandomError::Repeats));
        assert_eq!(salts.admit(&numbered(999)), Err(RandomError::Repeats));
        salts.admit(&numbered(1000)).unwrap();
        assert_eq!(salts.admit(&numbered(0)), Ok(()), "forgotten: 1000 newer ones came");
    }

    #[test]
    fn the_operating_system_gives_different_salts() {
        let salts = Salts::new();
        assert_ne!(salts.fresh().unwrap(), salts.fresh().unwrap());
    }
}
