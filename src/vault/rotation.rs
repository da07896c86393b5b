//! What must be remembered of an open rotation, so that it goes on after a crash.

use crate::crypto::{KekState, Keyring};
use crate::model::{KekRef, RewrapId, RowKey, Timestamp};

/// What an operator wants done with the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPlan {
    /// Make new keys first. Without, only what earlier rotations left is rewrapped.
    pub new_keys: bool,
    /// Bring the records under the new keys and destroy the old ones.
    pub rewrap: bool,
    /// Seal the facemaps anew as well, under new data keys: after a key became known to others.
    pub seal_anew: bool,
    /// One shred bucket; all if none.
    pub bucket: Option<u16>,
    /// Of the old keys only those of this epoch; all if none.
    pub epoch: Option<u32>,
    /// Most records in a second; as many as possible if none.
    pub rate: Option<u32>,
}

impl RotationPlan {
    /// Everything: new keys, all records under them, the old keys destroyed.
    pub const ROTATE: Self = Self {
        new_keys: true,
        rewrap: true,
        seal_anew: false,
        bucket: None,
        epoch: None,
        rate: None,
    };
    /// What earlier rotations left.
    pub const REWRAP: Self = Self { new_keys: false, ..Self::ROTATE };

    /// Most records to look at in a second, when all are looked at before a key is destroyed. Where facemaps
    /// are sealed anew the rate is theirs, and a look reads less than a hundredth of one.
    pub fn look_rate(&self) -> Option<u32> {
        self.rate.map(|rate| if self.seal_anew { rate.saturating_mul(100) } else { rate })
    }
}

/// A rotation as the store remembers it. It is written before the first key is made, and forgotten once
/// the last one is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rotation {
    pub(super) id: RewrapId,
    pub(super) plan: RotationPlan,
    pub(super) phase: Phase,
    /// When it began: also when its new keys were made.
    pub(super) started: Timestamp,
    /// The last row that was looked at.
    pub(super) cursor: Option<RowKey>,
}

/// How far a rotation is, as far as a restart must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// New keys are being made.
    Preparing,
    /// They are in force; records are being rewrapped.
    Rewrapping,
    /// No record names an old key. They are being destroyed, and nothing can be cancelled.
    Retiring,
}

const VERSION: u8 = 1;
const NEW_KEYS: u8 = 1;
const REWRAP: u8 = 2;
const SEAL_ANEW: u8 = 4;
/// No bucket, no rate: numbers that neither can be.
const ALL: u16 = u16::MAX;

impl Rotation {
    pub(super) fn new(plan: RotationPlan, now: Timestamp) -> Self {
        let phase = if plan.new_keys { Phase::Preparing } else { Phase::Rewrapping };
        Self { id: RewrapId::generate(), plan, phase, started: now, cursor: None }
    }

    /// The buckets it is about.
    pub(super) fn buckets(&self, ring: &Keyring) -> Vec<u16> {
        match self.plan.bucket {
            Some(bucket) => vec![bucket],
            None => (0..ring.bucket_count()).collect(),
        }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let RotationPlan { new_keys, rewrap, seal_anew, bucket, epoch, rate } = self.plan;
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(new_keys, NEW_KEYS) | flag(rewrap, REWRAP) | flag(seal_anew, SEAL_ANEW);
        let phase = match self.phase {
            Phase::Preparing => 1,
            Phase::Rewrapping => 2,
            Phase::Retiring => 3,
        };
        let mut out = vec![VERSION, phase, flags];
        out.extend_from_slice(&bucket.unwrap_or(ALL).to_be_bytes());
        out.extend_from_slice(&epoch.unwrap_or_default().to_be_bytes());
        out.extend_from_slice(&rate.unwrap_or_default().to_be_bytes());
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(&self.started.as_millis().to_be_bytes());
        out.extend(self.cursor.iter().flat_map(|cursor| cursor.0));
        out
    }

    /// `None` if no version of us wrote that.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION, phase, flags], rest) = bytes.split_first_chunk()? else { return None };
        let (bucket, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (rate, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (started, rest) = rest.split_first_chunk()?;
        let cursor = match rest {
            [] => None,
            row => Some(RowKey(row.try_into().ok()?)),
        };
        let phase = match phase {
            1 => Phase::Preparing,
            2 => Phase::Rewrapping,
            3 => Phase::Retiring,
            _ => return None,
        };
        let plan = RotationPlan {
            new_keys: flags & NEW_KEYS != 0,
            rewrap: flags & REWRAP != 0,
            seal_anew: flags & SEAL_ANEW != 0,
            bucket: Some(u16::from_be_bytes(*bucket)).filter(|&bucket| bucket != ALL),
            epoch: Some(u32::from_be_bytes(*epoch)).filter(|&epoch| epoch != 0),
            rate: Some(u32::from_be_bytes(*rate)).filter(|&rate| rate != 0),
        };
        let started = Timestamp::from_millis(u64::from_be_bytes(*started));
        Some(Self { id: RewrapId::from_bytes(*id), plan, phase, started, cursor })
    }

    /// The keys of `ring` to get rid of: those that wrap nothing new.
    pub(super) fn old_keys(&self, ring: &Keyring) -> Vec<KekRef> {
        let wanted = |kek: &KekRef| {
            self.plan.bucket.is_none_or(|bucket| kek.bucket == bucket)
                && self.plan.epoch.is_none_or(|epoch| kek.epoch == epoch)
        };
        let retiring = ring.keks().filter(|info| info.state == KekState::Retiring);
        retiring.map(|info| info.kek).filter(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_remembered_comes_back(
            flags: [bool; 3],
            bucket in proptest::option::of(0..256_u16),
            epoch in proptest::option::of(1..u32::MAX),
            rate in proptest::option::of(1..u32::MAX),
            phase in proptest::sample::select(vec![Phase::Preparing, Phase::Rewrapping, Phase::Retiring]),
            id: [u8; 16],
            started: u64,
            cursor: Option<[u8; 32]>,
        ) {
            let [new_keys, rewrap, seal_anew] = flags;
            let plan = RotationPlan { new_keys, rewrap, seal_anew, bucket, epoch, rate };
            let id = RewrapId::from_bytes(id);
            let started = Timestamp::from_millis(started);
            let rotation = Rotation { id, plan, phase, started, cursor: cursor.map(RowKey) };
            let bytes = rotation.to_bytes();
            prop_assert_eq!(Rotation::parse(&bytes), Some(rotation));
            prop_assert_eq!(Rotation::parse(&bytes[..bytes.len() - 1]), None);
        }
    }
}
