//! A store that fails on demand and a Jumio that gives everybody a facemap: enough for errors that no
//! healthy machine raises.

use std::sync::{Arc, Mutex};

use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, DecisionType, ExecutionStatus, FacemapPart, Jumio,
    JumioError, Liveness, OnboardingDetails, PendingAuthentication, UploadSlot,
};
use facemap_vault::model::{
    AccountId, CredentialId, Facemap, RowKey, SealedBody, SealedRecord, Timestamp,
    WorkflowExecutionId,
};
use facemap_vault::store::{Applied, Change, Due, Scanned, Store, StoreError};
use facemap_vault::vault::{AdmissionPolicy, Settings};
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

pub(super) fn settings() -> Settings {
    let day = std::time::Duration::from_secs(86_400);
    Settings {
        admission: AdmissionPolicy {
            workflow_keys: vec!["10011".to_owned()],
            accept_warning: false,
            try_liveness_link: false,
        },
        retention: 30 * day,
        captures_per_second: 5.0,
        warning: 14 * day,
        critical: 2 * day,
        facemap_len_max: 1 << 20,
        background_captures_max: 16,
        workflow_key: "10071".to_owned(),
        token_lifetime: day / 48,
        supersede: false,
        consent_max_age: 1095 * day,
        datacenter: "amer-1".to_owned(),
    }
}
