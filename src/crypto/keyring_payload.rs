//! What is sealed inside a keyring's file. [`super::keyring_format`] draws it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::key::{AuditKey, BackupKey, IndexKey, KEY_LEN, Kek};
use super::key_use::KeyUse;
use super::keyring::{
    CANARY_LEN, FixedKeys, KekInfo, KekSlot, KekState, Keyring, Tombstone, canary_opens,
    fingerprint,
};
use super::keyring_error::KeyringError;
use super::keyring_format::{mode_byte, mode_from};
use super::provider::Provider;
use super::random::Salts;
use super::reader::Reader;
use crate::model::{KekRef, Mode, VaultId};

const FIXED_LEN: usize = 1 + 2 + 8 + 3 * KEY_LEN + 2 + 4;
const KEK_LEN: usize = 22 + 1 + 8 + 8 + KEY_LEN + CANARY_LEN;
const TOMBSTONE_LEN: usize = 22 + 3 * 8;

/// The ring's keys as bytes, in one buffer that does not grow.
pub(super) fn payload(ring: &Keyring) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let keks = u16::try_from(ring.keks.len()).map_err(|_| KeyringError::TooLong)?;
    let tombstones = u32::try_from(ring.tombstones.len()).map_err(|_| KeyringError::TooLong)?;
    let len =
        FIXED_LEN + ring.keks.len() * KEK_LEN + ring.tombstones.len().saturating_mul(TOMBSTONE_LEN);
    let mut out = Zeroizing::new(Vec::with_capacity(len));

    out.push(mode_byte(ring.mode));
    out.extend_from_slice(&ring.bucket_count.to_be_bytes());
    out.extend_from_slice(&ring.min_store_sequence.to_be_bytes());
    let FixedKeys { index, audit, backup } = &*ring.fixed;
    for key in [index.expose(), audit.expose(), backup.expose()] {
        out.extend_from_slice(key);
    }
    out.extend_from_slice(&keks.to_be_bytes());
    for KekSlot { info, key, canary, .. } in &ring.keks {
        write_kek_ref(&mut out, &info.kek);
        out.push(state_byte(info.state));
        out.extend_from_slice(&info.created.as_millis().to_be_bytes());
        out.extend_from_slice(&info.wraps.to_be_bytes());
        out.extend_from_slice(key.expose());
        out.extend_from_slice(canary);
    }
    out.extend_from_slice(&tombstones.to_be_bytes());
    for tombstone in &ring.tombstones {
        write_kek_ref(&mut out, &tombstone.kek);
        let destroyed = tombstone.destroyed.as_millis();
        for number in [destroyed, tombstone.sequence, tombstone.records] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
    Ok(out)
}

impl Keyring {
    /// Whether `other` has the same keys in the same states. Their sequence numbers may differ.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        match (payload(self), payload(other)) {
            (Ok(ours), Ok(theirs)) => self.vault == other.vault && *ours == *theirs,
            (Err(_), _) | (_, Err(_)) => false,
        }
    }
}

/// Makes a ring of an opened payload and what the header said. Every KEK must open its canary.
pub(super) fn parse_payload(
    payload: &[u8],
    provider: Provider,
    mode: Mode,
    vault: VaultId,
    sequence: u64,
) -> Result<Keyring, KeyringError> {
    let mut rest = Reader(payload);
    let ring = parse_fields(&mut rest, provider, mode, vault, sequence)
        .ok_or(KeyringError::Malformed { what: "a field" })?;
    if !rest.0.is_empty() {
        return Err(KeyringError::Malformed { what: "its length" });
    }
    if !(1..=Keyring::BUCKETS_MAX).contains(&ring.bucket_count) {
        return Err(KeyringError::Malformed { what: "the bucket count" });
    }
    if ring.keks.windows(2).any(|pair| matches!(pair, [a, b] if a.place() >= b.place()))
        || ring.keks.iter().any(|slot| slot.info.kek.bucket >= ring.bucket_count)
    {
        return Err(KeyringError::Malformed { what: "the order of its KEKs" });
    }
    let primaries = ring.keks().filter(|info| info.state == KekState::Primary);
    if !primaries.map(|info| info.kek.bucket).eq(0..ring.bucket_count) {
        return Err(KeyringError::Malformed { what: "its primary KEKs" });
    }
    for KekSlot { info, key, canary, .. } in &ring.keks {
        if !canary_opens(provider, vault, info.kek, key, canary) {
            return Err(KeyringError::BrokenKek { kek: info.kek });
        }
    }
    Ok(ring)
}

fn parse_fields(
    rest: &mut Reader<'_>,
    provider: Provider,
    mode: Mode,
    vault: VaultId,
    sequence: u64,
) -> Option<Keyring> {
    rest.u8().and_then(mode_from).filter(|&sealed| sealed == mode)?;
    Some(Keyring {
        provider,
        vault,
        mode,
        sequence,
        bucket_count: rest.u16()?,
        min_store_sequence: rest.u64()?,
        fixed: Arc::new(FixedKeys {
            index: IndexKey::copied(rest.take()?),
            audit: AuditKey::copied(rest.take()?),
            backup: BackupKey::copied(rest.take()?),
        }),
        keks: (0..rest.u16()?).map(|_| parse_kek(rest, provider)).collect::<Option<_>>()?,
        tombstones: (0..rest.u32()?).map(|_| parse_tombstone(rest)).collect::<Option<_>>()?,
        salts: Arc::new(Salts::new()),
    })
}

fn parse_kek(rest: &mut Reader<'_>, provider: Provider) -> Option<KekSlot> {
    let kek = rest.kek()?;
    let state = state_from(rest.u8()?)?;
    let (created, wraps) = (rest.time()?, rest.u64()?);
    let key = Kek::copied(rest.take()?);
    let canary = rest.take::<CANARY_LEN>()?.as_slice().into();
    let fingerprint = fingerprint(provider, &key);
    let info = KekInfo { kek, state, created, wraps, fingerprint };
    Some(KekSlot { info, key: Arc::new(key), canary, used: KeyUse::since(wraps) })
}

fn parse_tombstone(rest: &mut Reader<'_>) -> Option<Tombstone> {
    Some(Tombstone {
        kek: rest.kek()?,
        destroyed: rest.time()?,
        sequence: rest.u64()?,
        records: rest.u64()?,
    })
}

fn write_kek_ref(out: &mut Vec<u8>, kek: &KekRef) {
    out.extend_from_slice(&kek.bucket.to_be_bytes());
    out.extend_from_slice(&kek.epoch.to_be_bytes());
    out.extend_from_slice(&kek.id);
}

fn state_byte(state: KekState) -> u8 {
    match state {
        KekState::Pending => 1,
        KekState::Primary => 2,
        KekState::Retiring => 3,
    }
}

fn state_from(byte: u8) -> Option<KekState> {
    [KekState::Pending, KekState::Primary, KekState::Retiring]
        .into_iter()
        .find(|&state| state_byte(state) == byte)
}

#[cfg(test)]
mod tests;
