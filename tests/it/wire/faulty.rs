//! A store that fails on demand and a Jumio that gives everybody a facemap: enough for errors that no
//! healthy machine raises.

use std::sync::{Arc, Mutex};

use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, DecisionType, ExecutionStatus, FacemapPart, Jumio,
    JumioError, Liveness, OnboardingDetails, PendingAuthentication, UploadSlot,
};
use facemap_vault::model::{
    AccountId, BodyPrefix, CredentialId, Facemap, RowKey, SealedBody, SealedRecord, Timestamp,
    WorkflowExecutionId,
};
use facemap_vault::store::{Applied, Change, Due, Note, NoteName, Scanned, Store, StoreError};
use zeroize::Zeroizing;

use crate::support::mem_store::MemStore;

pub(super) type Fault = fn() -> StoreError;

/// A store that fails as told.
#[derive(Clone, Default)]
pub(super) struct Faulty {
    pub(super) store: MemStore,
    pub(super) reads: Arc<Mutex<Option<Fault>>>,
    pub(super) writes: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    fn check(fault: &Mutex<Option<Fault>>) -> Result<(), StoreError> {
        let fault = *fault.lock().unwrap();
        fault.map_or(Ok(()), |fault| Err(fault()))
    }
}

impl Store for Faulty {
    async fn record(&self, row: RowKey) -> Result<Option<SealedRecord>, StoreError> {
        Self::check(&self.reads)?;
        self.store.record(row).await
    }

    async fn record_with_body(
        &self,
        row: RowKey,
    ) -> Result<Option<(SealedRecord, Option<SealedBody>)>, StoreError> {
        Self::check(&self.reads)?;
        self.store.record_with_body(row).await
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        Self::check(&self.writes)?;
        self.store.commit(change).await
    }

    async fn commit_batch(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        Self::check(&self.writes)?;
        self.store.commit_batch(changes).await
    }

    async fn commit_noted(
        &self,
        changes: Vec<Change>,
        note: Note,
    ) -> Result<Vec<Applied>, StoreError> {
        match Self::check(&self.writes) {
            // A note alone is compared with nothing.
            Err(StoreError::Conflict) if changes.is_empty() => {}
            result => result?,
        }
        self.store.commit_noted(changes, note).await
    }

    async fn note(&self, name: NoteName) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.note(name).await
    }

    async fn body_prefixes(
        &self,
        rows: Vec<RowKey>,
    ) -> Result<Vec<Option<BodyPrefix>>, StoreError> {
        self.store.body_prefixes(rows).await
    }

    async fn drop_replaced(&self) -> Result<(), StoreError> {
        self.store.drop_replaced().await
    }

    async fn due(
        &self,
        after: Option<Due>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.store.due(after, before, limit).await
    }

    async fn records(
        &self,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<Scanned>, StoreError> {
        self.store.records(after, limit).await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.store.size().await
    }
}

const CREDENTIAL: CredentialId = CredentialId::from_bytes([5; 16]);

/// A Jumio that has everybody's facemap and starts nothing.
pub(super) struct Generous;

impl Jumio for Generous {
    async fn onboarding(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        Ok(OnboardingDetails {
            status: ExecutionStatus::Processed,
            workflow_key: "10011".to_owned(),
            completed: Some(Timestamp::from_millis(1_700_000_000_000)),
            deleted: None,
            decision: Some(DecisionType::Passed),
            liveness: vec![Liveness {
                decision: DecisionType::Passed,
                liveness_type: "IPROOV_STANDARD".to_owned(),
                credentials: vec![CREDENTIAL],
                valid_facemap: Some(CREDENTIAL),
            }],
            facemaps: vec![FacemapPart { credential: CREDENTIAL, downloadable: true }],
        })
    }

    async fn download_facemap(
        &self,
        _: AccountId,
        _: CredentialId,
        _: usize,
    ) -> Result<Facemap, JumioError> {
        Ok(Facemap::new(Zeroizing::new(b"a facemap, as far as anyone here knows".to_vec()))
            .unwrap())
    }

    async fn update_account(
        &self,
        _: AccountId,
        _: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        Err(JumioError::Unavailable { what: "it starts nothing" })
    }

    async fn upload_facemap(&self, _: &UploadSlot, _: Facemap) -> Result<(), JumioError> {
        Err(JumioError::UploadInterrupted { what: "nothing was started" })
    }

    async fn authentication(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        panic!("a defect, for once on purpose")
    }
}
