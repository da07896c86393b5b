//! The keyring in force, which a rotation replaces while requests are under way.
//!
//! A request takes the ring *before* it reads a record: then no key that the record may name is destroyed
//! until the request is done with it. A record that was wrapped anew after that names a key that only the
//! newer ring has; so [`Ring::open`] looks there as well. Whoever seals holds the ring until the record is
//! durable.

use std::sync::{Arc, PoisonError, RwLock};

use crate::crypto::{Keyring, OpenError};

/// See the module.
pub(super) struct Ring(RwLock<Arc<Keyring>>);

impl Ring {
    pub(super) fn new(ring: Arc<Keyring>) -> Self {
        Self(RwLock::new(ring))
    }

    /// The ring in force. Whoever seals holds it until what was sealed is durable.
    pub(super) fn now(&self) -> Arc<Keyring> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From here on `next` is in force.
    pub(super) fn replace(&self, next: Arc<Keyring>) {
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        next.count_on_from(&now);
        *now = next;
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
}
