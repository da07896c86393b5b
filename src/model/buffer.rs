//! Memory for facemaps and their ciphertext, used again and again.
//!
//! A buffer is wiped when it is dropped, and then it is zeros: whoever takes it next need not zero it
//! before writing into it, and the system need not find pages for it. Safe Rust asks for one of the two.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

/// Bytes that are wiped on drop, and then kept for the next one who needs as many.
///
/// Not `Clone`, not comparable, without `Debug`: it may hold a facemap in the clear.
pub struct Buffer {
    /// Zeros from `len` on.
    room: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// How many bytes are kept for the next ones, at most: 64 MiB. Ours: enough for 64 callers with
    /// facemaps of 1 MiB, which is three times the largest seen in public.
    pub const KEPT_MAX: usize = 64 << 20;

    /// `len` bytes, all of them zero.
    pub fn zeros(len: usize) -> Self {
        let class = class(len);
        let room = kept().take(class).unwrap_or_else(|| vec![0; class]);
        Self { room, len }
    }

    /// Shortens it to `len` bytes; what is cut off is wiped.
    pub fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.room.get_mut(len..self.len) {
            rest.fill(0);
            self.len = len;
        }
    }
}

/// Bytes from elsewhere, which are wiped all the same.
impl From<Zeroizing<Vec<u8>>> for Buffer {
    fn from(mut bytes: Zeroizing<Vec<u8>>) -> Self {
        let room = std::mem::take(&mut *bytes);
        let len = room.len();
        Self { room, len }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.room.get_mut(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // Whoever takes it next can see it, so this is no write that a compiler may leave out.
        self.fill(0);
        let room = std::mem::take(&mut self.room);
        let surplus = if room.len() == class(room.len()) { kept().give(room) } else { Some(room) };
        if let Some(surplus) = surplus {
            // As spare room `Zeroizing` wipes it as a whole, and not byte by byte.
            Zeroizing::new(surplus).clear();
        }
    }
}

/// How large a buffer for `len` bytes is: one of eight sizes between a power of two and the next, so that
/// few sizes serve all facemaps and little is wasted.
fn class(len: usize) -> usize {
    len.next_multiple_of((len.next_power_of_two() / 8).max(1))
}

/// Buffers that nobody uses, all of them zeros.
struct Kept {
    /// By their size. The one that was used last is taken first: the processor still knows it.
    rooms: BTreeMap<usize, Vec<Vec<u8>>>,
    len: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { rooms: BTreeMap::new(), len: 0 });

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    fn take(&mut self, class: usize) -> Option<Vec<u8>> {
        let room = self.rooms.get_mut(&class)?.pop()?;
        self.len -= room.len();
        Some(room)
    }

    /// Gives it back if there is enough already.
    fn give(&mut self, room: Vec<u8>) -> Option<Vec<u8>> {
        if room.is_empty() || self.len + room.len() > Buffer::KEPT_MAX {
            return Some(room);
        }
        self.len += room.len();
        self.rooms.entry(room.len()).or_default().push(room);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length that no other test uses, so that what is kept of it is ours.
    const LEN: usize = 3_333_333;

    #[test]
    fn what_is_kept_is_zeros_and_serves_the_next() {
        let mut first = Buffer::zeros(LEN);
        first.fill(0x6d);
        let place = first.as_ptr();
        drop(first);
        let second = Buffer::zeros(LEN - 1);
        assert_eq!(second.as_ptr(), place, "the same memory");
        assert_eq!(second.len(), LEN - 1);
        assert!(second.room.iter().all(|&byte| byte == 0), "wiped");
    }

    #[test]
    fn a_shortened_buffer_has_nothing_behind_its_end() {
        let mut buffer = Buffer::zeros(100);
        buffer.fill(0x6d);
        buffer.truncate(40);
        buffer.truncate(60);
        assert_eq!(*buffer, [0x6d; 40]);
        assert!(buffer.room.iter().skip(40).all(|&byte| byte == 0));
    }

    #[test]
    fn no_more_is_kept_than_said() {
        let mut kept = Kept { rooms: BTreeMap::new(), len: 0 };
        let room = || vec![0; Buffer::KEPT_MAX / 2];
        assert!(kept.give(room()).is_none());
        assert!(kept.give(room()).is_none());
        assert!(kept.give(vec![0]).is_some(), "64 MiB are kept already");
        assert!(kept.take(Buffer::KEPT_MAX / 2).is_some());
        assert!(kept.give(vec![0]).is_none(), "there is room again");
    }

    #[test]
    fn a_size_wastes_at_most_a_quarter_and_is_its_own_size() {
        for len in (0..70_000).chain([355_367, 1 << 20, (1 << 20) + 1, 16 << 20]) {
            let class = class(len);
            assert!(class >= len && class - len <= len / 4, "{class} bytes for {len}");
            assert_eq!(super::class(class), class);
        }
    }
}
