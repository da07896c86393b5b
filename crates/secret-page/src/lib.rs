//! Slots of 32 bytes for keys, in pages that the system neither swaps nor dumps.
//!
//! ```text
//! page, one of few: memfd_secret, else locked, else plain but never in a dump
//! +--------+--------+--------+-- - - --+--------+
//! | slot 0 | slot 1 | slot 2 |         |    127 |      a slot is one owner's, or on the free list
//! +--------+--------+--------+-- - - --+--------+      and then all zeros
//! ```
//!
//! This crate exists because no published one does both: keep many keys in one page, readable from any
//! thread without a system call, and make that page with `memfd_secret`, which takes it away even from the
//! kernel's own view. It holds all the `unsafe` of the vault, which is what its comments argue about;
//! mapping, locking and wiping are `memmap2` and `zeroize`.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use memmap2::{Advice, MmapMut, MmapOptions};
use zeroize::Zeroize;

/// Length of a slot in bytes.
pub const SLOT_LEN: usize = 32;
/// Length of a page in bytes; where the machine's pages are larger, the rest of one is not used.
const PAGE_LEN: usize = 4096;

/// How well a page is kept, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// Not in dumps, but may be swapped: the process may not lock memory.
    Plain,
    /// Locked into memory and not in dumps.
    Locked,
    /// `memfd_secret`: as locked, and no other process, root's included, can read it through the kernel.
    Secret,
}

/// 32 bytes in a page of their kind. Zero when made, wiped when dropped.
pub struct Slot(NonNull<[u8; SLOT_LEN]>);

// SAFETY: a slot is the only owner of its bytes, like a `Box`, and no thread keeps anything about them.
unsafe impl Send for Slot {}
// SAFETY: through `&Slot` the bytes can only be read; see `Send` for the rest.
unsafe impl Sync for Slot {}

impl Slot {
    /// A slot of zeros.
    pub fn zeroed() -> Self {
        POOL.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Deref for Slot {
    type Target = [u8; SLOT_LEN];

    fn deref(&self) -> &[u8; SLOT_LEN] {
        // SAFETY: it points to 32 initialised bytes of a page that is never unmapped, and nobody else has
        // this slot; `u8` has no alignment to keep.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Slot {
    fn deref_mut(&mut self) -> &mut [u8; SLOT_LEN] {
        // SAFETY: as for `deref`; the borrow of the only owner is exclusive.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.zeroize();
        let slot = Self(self.0);
        POOL.lock().unwrap_or_else(PoisonError::into_inner).free.push(ManuallyDrop::new(slot));
    }
}

/// How well keys are kept: the protection of the weakest page. Makes the first page if there is none.
pub fn protection() -> Protection {
    drop(Slot::zeroed());
    POOL.lock().unwrap_or_else(PoisonError::into_inner).weakest
}

static POOL: Mutex<Pool> = Mutex::new(Pool { free: Vec::new(), weakest: Protection::Secret });

/// The slots of all pages that nobody has. Pages stay until the process ends.
struct Pool {
    free: Vec<ManuallyDrop<Slot>>,
    weakest: Protection,
}

impl Pool {
    fn take(&mut self) -> Slot {
        loop {
            if let Some(slot) = self.free.pop() {
                return ManuallyDrop::into_inner(slot);
            }
            let (page, protection) = page();
            self.weakest = self.weakest.min(protection);
            let (slots, _) = page.as_chunks_mut::<SLOT_LEN>();
            // The pieces of one exclusive slice do not overlap, and it lasts as long as the process.
            self.free.extend(slots.iter_mut().map(|slot| ManuallyDrop::new(Slot(slot.into()))));
        }
    }
}

/// A page of zeros, kept as well as this process may.
fn page() -> (&'static mut [u8], Protection) {
    let (map, protection) = match (secret(), locked()) {
        (Ok(map), _) => (map, Protection::Secret),
        (Err(_), Ok(map)) => (map, Protection::Locked),
        (Err(_), Err(_)) => match plain() {
            Ok(map) => (map, Protection::Plain),
            // Without memory for a page the heap has to do.
            Err(_) => return (vec![0; PAGE_LEN].leak(), Protection::Plain),
        },
    };
    (leak(map), protection)
}

/// The map's bytes, for as long as the process lives.
fn leak(map: MmapMut) -> &'static mut [u8] {
    let mut map = ManuallyDrop::new(map);
    // SAFETY: the pages stay mapped, since the map is never dropped, and nobody else has it.
    unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr(), map.len()) }
}

fn secret() -> io::Result<MmapMut> {
    // SAFETY: the call takes flags and no pointers.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just made this descriptor for us.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    file.set_len(PAGE_LEN as u64)?;
    // SAFETY: what a map of a file must fear is that somebody else changes or cuts the file. This one has
    // no name, and its only descriptor is closed at the end of this function.
    unsafe { MmapOptions::new().len(PAGE_LEN).map_mut(&file) }
}

fn locked() -> io::Result<MmapMut> {
    let map = plain()?;
    map.lock()?;
    Ok(map)
}

fn plain() -> io::Result<MmapMut> {
    let map = MmapMut::map_anon(PAGE_LEN)?;
    map.advise(Advice::DontDump)?;
    Ok(map)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_slot_is_its_owners_alone_and_comes_back_as_zeros() {
        let work = |number: u8| {
            for round in 0..200 {
                let mut slots: Vec<_> = (0..50).map(|_| Slot::zeroed()).collect();
                assert!(slots.iter().all(|slot| **slot == [0; SLOT_LEN]), "round {round}");
                slots.iter_mut().for_each(|slot| slot.fill(number));
                thread::yield_now();
                assert!(slots.iter().all(|slot| **slot == [number; SLOT_LEN]), "round {round}");
            }
        };
        thread::scope(|scope| {
            for number in 1..=8 {
                scope.spawn(move || work(number));
            }
        });
    }

    #[test]
    fn every_kind_of_page_is_zero_and_can_be_written() {
        for (what, map) in [("secret", secret()), ("locked", locked()), ("plain", plain())] {
            let Ok(mut map) = map else {
                // The weakest kind needs no permission.
                assert_ne!(what, "plain");
                continue;
            };
            assert!(map.iter().all(|byte| *byte == 0), "{what}");
            map.fill(7);
            assert!(map.iter().all(|byte| *byte == 7), "{what}");
        }
    }

    #[test]
    fn the_weakest_page_counts() {
        let best = if secret().is_ok() { Protection::Secret } else { Protection::Plain };
        assert!(protection() >= best);
        assert!(Protection::Plain < Protection::Locked && Protection::Locked < Protection::Secret);
    }
}
