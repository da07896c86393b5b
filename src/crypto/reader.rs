//! Reads fixed-length fields, big-endian, and never past the end.

use crate::model::{KekRef, Timestamp};

/// What is left to read. Each method gives `None` if there is not enough.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(head)
    }
    pub(super) fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take().map(|&[byte]| byte)
    }
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take().copied().map(u16::from_be_bytes)
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().copied().map(u32::from_be_bytes)
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().copied().map(u64::from_be_bytes)
    }
    pub(super) fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp::from_millis)
    }
    pub(super) fn kek(&mut self) -> Option<KekRef> {
        Some(KekRef { bucket: self.u16()?, epoch: self.u32()?, id: *self.take()? })
    }
}
