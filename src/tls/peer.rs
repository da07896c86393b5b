//! Who is at the other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls_pki_types::{CertificateDer, UnixTime};

use crate::model::Timestamp;

use super::verifier::expiry;
use super::{Door, Identity, NoIdentity};

/// The other end of a connection. It is bound to the certificate of its handshake.
#[derive(Debug)]
pub struct Peer {
    door: Arc<Door>,
    address: SocketAddr,
    chain: Vec<CertificateDer<'static>>,
    identity: Result<Identity, NoIdentity>,
    expires: Option<Timestamp>,
    /// By which terms the chain was found good.
    good_by: AtomicU64,
}

/// Why a peer that once connected may not call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Its certificate names nobody.
    #[error(transparent)]
    NoIdentity(#[from] NoIdentity),
    /// Its certificate has expired meanwhile.
    #[error("the certificate has expired")]
    Expired,
    /// Its certificate, or one above it, is no longer accepted.
    #[error("the certificate is no longer accepted")]
    Withdrawn,
}

impl Peer {
    pub(super) fn new(
        door: Arc<Door>,
        epoch: u64,
        address: SocketAddr,
        chain: Vec<CertificateDer<'static>>,
    ) -> Self {
        let leaf = chain.first();
        let identity = leaf.map_or(Err(NoIdentity::Unreadable), |leaf| Identity::of(leaf));
        let expires = leaf.and_then(|leaf| expiry(leaf));
        Self { door, address, chain, identity, expires, good_by: AtomicU64::new(epoch) }
    }

    /// From where it connected.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who it is, at `now`. After the files were read anew its certificates are verified anew.
    ///
    /// # Errors
    ///
    /// [`Unacceptable`]: nothing it asks may be done.
    pub fn identity(&self, now: Timestamp) -> Result<&Identity, Unacceptable> {
        if self.expires.is_none_or(|expires| expires < now) {
            return Err(Unacceptable::Expired);
        }
        let terms = self.door.terms();
        if self.good_by.load(Ordering::Acquire) != terms.epoch {
            let (leaf, above) = self.chain.split_first().ok_or(Unacceptable::Withdrawn)?;
            terms
                .verifier
                .verify_client_cert(leaf, above, UnixTime::now())
                .map_err(|_| Unacceptable::Withdrawn)?;
            self.good_by.store(terms.epoch, Ordering::Release);
        }
        self.identity.as_ref().map_err(|none| Unacceptable::NoIdentity(*none))
    }
}
