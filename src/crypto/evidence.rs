//! What the audit ledger needs of the keys: MACs, names that only this vault can make, and by which
//! account a lost row can be registered again.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::chunked;
use super::envelope::{OpenError, SealError};
use super::key::KEY_LEN;
use super::keyring::Keyring;
use crate::model::{AccountId, RowKey, WorkflowExecutionId};

/// Length in bytes of a sealed pair of account and onboarding.
pub const RECOVERY_LEN: usize = chunked::sealed_len(32);

/// The audit key at work: HMAC-SHA-256 of parts, one after the other.
pub type Auditor = dyn Fn(&[&[u8]]) -> [u8; 32] + Send + Sync;

impl Keyring {
    /// The audit key at work, without the rest of the ring: HMAC-SHA-256 of parts, one after the other.
    /// It is the same for all rings of a vault, and holds no KEK.
    pub fn auditor(&self) -> Arc<Auditor> {
        let (provider, fixed) = (self.provider, Arc::clone(&self.fixed));
        Arc::new(move |parts| provider.hmac_sha256(fixed.audit.expose(), parts))
    }

    /// The name under which the audit trail knows a caller.
    pub fn caller_hash(&self, name: &str) -> [u8; 16] {
        let mac = self.audit_mac(&[b"fmv1/caller\0", name.as_bytes()]);
        *mac.first_chunk().expect("16 of 32 bytes")
    }

    /// Seals whose row this is, for change `sequence` of it.
    ///
    /// # Errors
    ///
    /// [`SealError::Random`].
    pub fn seal_recovery(
        &self,
        row: RowKey,
        sequence: u64,
        account: AccountId,
        onboarding: WorkflowExecutionId,
    ) -> Result<[u8; RECOVERY_LEN], SealError> {
        let key = self.recovery_key();
        let (salt, context) = (self.salts.fresh()?, self.recovery_context(row, sequence));
        let message = [account.as_bytes(), onboarding.as_bytes()].map(|id| &id[..]).concat();
        let sealed = chunked::seal(self.provider, &key, &salt, &context, &message, 0);
        Ok(sealed.try_into().expect("sealed_len tells the length"))
    }

    /// Opens what [`Keyring::seal_recovery`] sealed for this change of this row.
    ///
    /// # Errors
    ///
    /// [`OpenError::Tampered`].
    pub fn open_recovery(
        &self,
        row: RowKey,
        sequence: u64,
        sealed: &[u8],
    ) -> Result<(AccountId, WorkflowExecutionId), OpenError> {
        let (key, context) = (self.recovery_key(), self.recovery_context(row, sequence));
        let opened = chunked::open(self.provider, &key, &context, sealed);
        let opened = opened.map_err(|_| OpenError::Tampered)?;
        let ids: &[u8; 32] = opened.as_slice().try_into().map_err(|_| OpenError::Tampered)?;
        let (account, onboarding) = ids.split_at(16);
        let id = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).expect("half of 32 bytes");
        Ok((AccountId::from_bytes(id(account)), WorkflowExecutionId::from_bytes(id(onboarding))))
    }

    /// Follows from the audit key, so that rotating or destroying KEKs does not blind the trail.
    fn recovery_key(&self) -> Zeroizing<[u8; KEY_LEN]> {
        Zeroizing::new(self.audit_mac(&[b"fmv1/recovery-key\0"]))
    }

    fn recovery_context(&self, row: RowKey, sequence: u64) -> Vec<u8> {
        [&b"fmv1/recovery\0"[..], &self.vault.0, &row.0, &sequence.to_be_bytes()].concat()
    }
}
