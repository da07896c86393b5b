//! The keyring in force, which a rotation replaces while requests are under way.
//!
//! A request takes the ring *before* it reads a record: then no key that the record may name is destroyed
//! until the request is done with it. A record that was wrapped anew after that names a key that only the
//! newer ring has; so [`Ring::open`] looks there as well. Whoever seals holds the ring until the record is
//! durable, so that a rotation can wait for the last one who may wrap under an old key:
//! [`Ring::wrappers`].

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use crate::crypto::{Keyring, OpenError};
use crate::model::KekRef;

/// See the module.
pub(super) struct Ring {
    now: RwLock<Arc<Keyring>>,
    replaced: Mutex<Vec<Weak<Keyring>>>,
}

impl Ring {
    pub(super) fn new(ring: Arc<Keyring>) -> Self {
        Self { now: RwLock::new(ring), replaced: Mutex::default() }
    }

    /// The ring in force. Whoever seals holds it until what was sealed is durable.
    pub(super) fn now(&self) -> Arc<Keyring> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From here on `next` is in force, unless a newer one is: changes may arrive out of order.
    pub(super) fn replace(&self, next: Keyring) -> Arc<Keyring> {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new(next.counting_with(&now));
        if next.sequence() <= now.sequence() {
            return next;
        }
        let old = std::mem::replace(&mut *now, Arc::clone(&next));
        drop(now);
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        replaced.retain(|ring| ring.strong_count() > 0);
        replaced.push(Arc::downgrade(&old));
        next
    }

    /// Opens something with `ring`, or, if that is too old to know the key, with the ring in force.
    ///
    /// # Errors
    ///
    /// Those of `open`.
    pub(super) fn open<T>(
        &self,
        ring: &Keyring,
        open: impl Fn(&Keyring) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        match open(ring) {
            Err(OpenError::UnknownKek(_)) => open(&self.now()),
            result => result,
        }
    }

    /// How many replaced rings somebody still holds in which one of `keks` wraps.
    pub(super) fn wrappers(&self, keks: &[KekRef]) -> usize {
        let replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        let rings = replaced.iter().filter_map(Weak::upgrade);
        let wraps = |ring: &Keyring, kek: &KekRef| {
            ring.primary(kek.bucket).is_some_and(|primary| primary.kek == *kek)
        };
        rings.filter(|ring| keks.iter().any(|kek| wraps(ring, kek))).count()
    }
}
