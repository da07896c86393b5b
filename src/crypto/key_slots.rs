//! All slots of a keyring, and their bytes. [`super::keyring_format`] draws them.

use super::key::{RootKey, SlotKey};
use super::key_slot::{
    KeySlot, OpenedSlot, SEALED_ROOT_LEN, SlotKind, SlotLock, SlotSecret, open_root,
};
use super::keyring_error::KeyringError;
use super::passphrase::KdfCost;
use super::provider::Provider;
use super::reader::Reader;
use super::slot_error::SlotError;
use crate::model::{Timestamp, VaultId};

/// The ways into a keyring, in the order of their numbers; at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySlots(pub(super) Vec<KeySlot>);

/// Longest label of a slot, in bytes.
const LABEL_LEN_MAX: usize = 64;

impl KeySlots {
    /// Most slots of a keyring. Bounds how long a start tries a passphrase.
    pub const COUNT_MAX: usize = 16;

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &KeySlot> {
        self.0.iter()
    }

    /// Whether they are of a keyring of format version 1.
    pub fn is_of_version_1(&self) -> bool {
        self.iter().any(|slot| slot.sealed.is_none())
    }

    /// The slot of that number.
    pub fn get(&self, id: u16) -> Option<&KeySlot> {
        self.0.iter().find(|slot| slot.id == id)
    }

    /// Opens the first slot that `secret` opens. `tried` decides whether a slot really opens.
    ///
    /// # Errors
    ///
    /// [`SlotError`], telling a wrong secret of the right kind from one of a kind that no slot has.
    pub(super) fn open(
        &self,
        secret: &SlotSecret,
        open: impl Fn(&KeySlot, &SlotKey) -> Option<RootKey>,
    ) -> Result<OpenedSlot, SlotError> {
        let kind = secret.kind();
        let of_kind: Vec<_> = self.iter().filter(|slot| slot.lock.kind() == kind).collect();
        if of_kind.is_empty() {
            let have = self.iter().map(|slot| slot.lock.kind()).collect();
            return Err(SlotError::NoneOfKind { wanted: kind, have });
        }
        let mut altered = None;
        for slot in &of_kind {
            let Some(key) = slot.key(secret)? else { continue };
            match open(slot, &key) {
                Some(root) => return Ok(OpenedSlot { slot: slot.id, root, key }),
                None if kind == SlotKind::Passphrase => {}
                None => altered = Some(SlotError::Altered { slot: slot.id }),
            }
        }
        Err(altered.unwrap_or_else(|| match kind {
            SlotKind::Passphrase => SlotError::WrongPassphrase { slots: of_kind.len() },
            SlotKind::KeyFile | SlotKind::Recovery | SlotKind::Program | SlotKind::Token => {
                let want = of_kind.iter().filter_map(|slot| slot.lock.fingerprint());
                let found = secret.fingerprints();
                SlotError::WrongKey {
                    kind,
                    want: want.map(hex::encode).collect(),
                    found: found.into_iter().map(hex::encode).collect(),
                }
            }
        }))
    }

    /// Appends the slots as the header of a keyring has them.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), KeyringError> {
        let count = u8::try_from(self.0.len()).map_err(|_| KeyringError::TooLong)?;
        out.push(count);
        for slot in &self.0 {
            if let SlotLock::Passphrase { cost, .. } = slot.lock {
                cost.check()?;
            }
            out.extend_from_slice(&slot.place());
            out.extend_from_slice(slot.sealed.as_ref().ok_or(KeyringError::Damaged)?);
        }
        Ok(())
    }

    /// Reads what [`Self::write`] wrote. Costs are checked before anything is computed with them.
    pub(super) fn parse(rest: &mut Reader<'_>) -> Result<Self, KeyringError> {
        let count = usize::from(rest.u8().ok_or(KeyringError::Damaged)?);
        if !(1..=Self::COUNT_MAX).contains(&count) {
            return Err(KeyringError::Damaged);
        }
        let slots: Vec<_> = (0..count).map(|_| parse_slot(rest)).collect::<Result<_, _>>()?;
        if slots.windows(2).any(|pair| matches!(pair, [a, b] if a.id >= b.id)) {
            return Err(KeyringError::Damaged);
        }
        Ok(Self(slots))
    }
}

impl KeySlot {
    /// The slot's bytes up to the sealed root key, which they are the context of.
    pub(super) fn place(&self) -> Vec<u8> {
        let mut out = self.id.to_be_bytes().to_vec();
        let (number, parameters) = lock_bytes(&self.lock);
        out.push(number);
        out.extend_from_slice(&self.created.as_millis().to_be_bytes());
        let label = self.label.as_bytes();
        out.push(u8::try_from(label.len()).expect("a label has at most 64 bytes"));
        out.extend_from_slice(label);
        let len = u16::try_from(parameters.len()).expect("parameters have at most 40 bytes");
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&parameters);
        out
    }

    /// The root key, if `key` opens this slot of a keyring of `vault`.
    pub(super) fn open(
        &self,
        provider: Provider,
        vault: VaultId,
        key: &SlotKey,
    ) -> Option<RootKey> {
        open_root(provider, vault, &self.place(), key, self.sealed.as_ref()?)
    }
}

/// Refuses labels that do not fit, or that could play tricks on a terminal.
pub(super) fn check_label(label: &str) -> Result<(), SlotError> {
    match label.len() <= LABEL_LEN_MAX && !label.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(SlotError::Label),
    }
}

fn parse_slot(rest: &mut Reader<'_>) -> Result<KeySlot, KeyringError> {
    fn fields<'a>(rest: &mut Reader<'a>) -> Option<(u16, u8, KeySlotTail<'a>)> {
        let (id, number, created) = (rest.u16()?, rest.u8()?, rest.time()?);
        let len = usize::from(rest.u8()?);
        let label = std::str::from_utf8(rest.slice(len)?).ok()?;
        check_label(label).ok()?;
        let len = usize::from(rest.u16()?);
        let parameters = rest.slice(len)?;
        let sealed = rest.take::<SEALED_ROOT_LEN>()?;
        Some((id, number, KeySlotTail { created, label, parameters, sealed }))
    }
    let (id, number, tail) = fields(rest).ok_or(KeyringError::Damaged)?;
    let lock = parse_lock(number, tail.parameters)?;
    let KeySlotTail { created, label, sealed, .. } = tail;
    Ok(KeySlot { id, created, label: label.to_owned(), lock, sealed: Some(*sealed) })
}

struct KeySlotTail<'a> {
    created: Timestamp,
    label: &'a str,
    parameters: &'a [u8],
    sealed: &'a [u8; SEALED_ROOT_LEN],
}

/// The number of a lock's kind, and its parameters.
fn lock_bytes(lock: &SlotLock) -> (u8, Vec<u8>) {
    match lock {
        SlotLock::Passphrase { salt, cost } => {
            let costs = [cost.memory_kib, cost.passes, cost.lanes].map(u32::to_be_bytes);
            (1, [&salt[..], costs.as_flattened()].concat())
        }
        SlotLock::KeyFile { fingerprint } => (2, fingerprint.to_vec()),
        SlotLock::Recovery { fingerprint } => (3, fingerprint.to_vec()),
        SlotLock::Program { fingerprint } => (4, fingerprint.to_vec()),
        SlotLock::Token { salt, fingerprint } => (5, [&salt[..], fingerprint].concat()),
    }
}

/// Reads what [`lock_bytes`] wrote; in format version 1 the first two are the root providers.
pub(super) fn parse_lock(number: u8, parameters: &[u8]) -> Result<SlotLock, KeyringError> {
    let mut rest = Reader(parameters);
    let parsed = match number {
        1 => parse_passphrase(&mut rest),
        2 => rest.take().map(|fingerprint| SlotLock::KeyFile { fingerprint: *fingerprint }),
        3 => rest.take().map(|fingerprint| SlotLock::Recovery { fingerprint: *fingerprint }),
        4 => rest.take().map(|fingerprint| SlotLock::Program { fingerprint: *fingerprint }),
        5 => parse_token(&mut rest),
        number => return Err(KeyringError::Newer { what: "key slot kind", number }),
    };
    let lock = parsed.filter(|_| rest.0.is_empty()).ok_or(KeyringError::Damaged)?;
    if let SlotLock::Passphrase { cost, .. } = lock {
        cost.check()?;
    }
    Ok(lock)
}

fn parse_passphrase(rest: &mut Reader<'_>) -> Option<SlotLock> {
    let salt = *rest.take()?;
    let cost = KdfCost { memory_kib: rest.u32()?, passes: rest.u32()?, lanes: rest.u32()? };
    Some(SlotLock::Passphrase { salt, cost })
}

fn parse_token(rest: &mut Reader<'_>) -> Option<SlotLock> {
    Some(SlotLock::Token { salt: *rest.take()?, fingerprint: *rest.take()? })
}
