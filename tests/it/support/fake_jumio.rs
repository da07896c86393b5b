//! The second implementation of [`Jumio`]: accounts in memory, failures on demand, a journal of what
//! it served and received, and gates at which a test can hold calls.
//!
//! A clone is the same Jumio, so it outlives a vault that crashes. It checks by itself what must hold
//! in every test: only bytes it served for an account come back for that account, once per slot and
//! with the slot's token. [`FakeJumio::complaints`] tells.

mod accounts;
mod gates;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, DecisionType, ExecutionStatus, Jumio, JumioError,
    OnboardingDetails, PendingAuthentication, UploadSlot,
};
use facemap_vault::model::{
    AccountId, CredentialId, Facemap, SdkToken, Timestamp, UploadToken, WebLink,
    WorkflowExecutionId,
};
use zeroize::Zeroizing;

pub(crate) use accounts::Onboarded;
use accounts::{Account, Started};
use gates::Gates;

use super::wobbly::Wobble;

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct FakeJumio {
    state: Arc<Mutex<State>>,
    gates: Arc<Gates>,
    pub(crate) wobble: Wobble,
}

/// The calls of [`Jumio`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Onboarding,
    Download,
    Update,
    Upload,
    Authentication,
}

/// An account update that Jumio received: it opened an execution, whatever its answer was.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) account: AccountId,
    pub(crate) execution: WorkflowExecutionId,
    pub(crate) update: AccountUpdate,
}

/// An upload that Jumio received as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) account: AccountId,
    pub(crate) execution: WorkflowExecutionId,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Default)]
struct State {
    accounts: HashMap<AccountId, Account>,
    failing: HashMap<Call, VecDeque<JumioError>>,
    calls: HashMap<Call, usize>,
    updates: Vec<Update>,
    uploads: Vec<Upload>,
    downloads: Vec<AccountId>,
    complaints: Vec<String>,
    expires: Option<Timestamp>,
}

impl FakeJumio {
    /// An onboarding was completed at `completed` and gave `facemap`; everything is as it should be.
    pub(crate) fn onboard(
        &self,
        account: AccountId,
        completed: Timestamp,
        facemap: &[u8],
    ) -> WorkflowExecutionId {
        let execution = WorkflowExecutionId::generate();
        let onboarded = Onboarded::good(completed, facemap);
        self.account(account, |account| account.onboardings.insert(execution, onboarded));
        execution
    }

    /// Changes what Jumio says about an onboarding.
    pub(crate) fn change(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
        change: impl FnOnce(&mut Onboarded),
    ) {
        self.account(account, |account| change(account.onboardings.get_mut(&execution).unwrap()));
    }

    /// The person's device brings an authentication to its end.
    pub(crate) fn end(&self, execution: WorkflowExecutionId, decision: DecisionType) {
        let mut state = self.state();
        let mut started = state.accounts.values_mut().filter_map(|a| a.started.get_mut(&execution));
        let started = started.next().expect("the execution was opened");
        started.details.status = ExecutionStatus::Processed;
        started.details.decision = Some(decision);
    }

    /// Changes what Jumio says about an authentication.
    pub(crate) fn change_authentication(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
        change: impl FnOnce(&mut AuthenticationDetails),
    ) {
        self.account(account, |a| change(&mut a.started.get_mut(&execution).unwrap().details));
    }

    /// The next `count` calls of this kind fail like this; zero ends it.
    pub(crate) fn fail_next(&self, call: Call, count: usize, error: JumioError) {
        self.state().failing.insert(call, std::iter::repeat_n(error, count).collect());
    }

    /// Tokens of authentications started from now on end at this moment.
    pub(crate) fn tokens_end(&self, at: Timestamp) {
        self.state().expires = Some(at);
    }

    /// Calls of this kind wait from now on, before they do anything.
    pub(crate) fn hold(&self, call: Call) {
        self.gates.hold(call);
    }

    /// Lets the waiting calls go.
    pub(crate) fn release(&self, call: Call) {
        self.gates.release(call);
    }

    /// Waits until `count` calls of this kind have come since the beginning.
    pub(crate) async fn arrived(&self, call: Call, count: usize) {
        self.gates.arrived(call, count).await;
    }

    /// How many calls of this kind there were, failed ones too.
    pub(crate) fn calls(&self, call: Call) -> usize {
        self.state().calls.get(&call).copied().unwrap_or_default()
    }

    /// All account updates received.
    pub(crate) fn updates(&self) -> Vec<Update> {
        self.state().updates.clone()
    }

    /// Whose facemaps were downloaded, in this order.
    pub(crate) fn downloads(&self) -> Vec<AccountId> {
        self.state().downloads.clone()
    }

    /// All uploads received as a whole.
    pub(crate) fn uploads(&self) -> Vec<Upload> {
        self.state().uploads.clone()
    }

    /// What came in that must never come in.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.state().complaints.clone()
    }

    fn account<T>(&self, account: AccountId, act: impl FnOnce(&mut Account) -> T) -> T {
        act(self.state().accounts.entry(account).or_default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What every call begins with. Gives the failure it is to end with.
    async fn begin(&self, call: Call) -> Option<JumioError> {
        self.gates.pass(call).await;
        self.wobble.give_way().await;
        let mut state = self.state();
        *state.calls.entry(call).or_default() += 1;
        state.failing.get_mut(&call).and_then(VecDeque::pop_front)
    }
}

impl Jumio for FakeJumio {
    async fn onboarding(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        if let Some(error) = self.begin(Call::Onboarding).await {
            return Err(error);
        }
        self.account(account, |account| account.onboarding(execution))
    }

    async fn download_facemap(
        &self,
        account: AccountId,
        credential: CredentialId,
        len_max: usize,
    ) -> Result<Facemap, JumioError> {
        if let Some(error) = self.begin(Call::Download).await {
            return Err(error);
        }
        let bytes = self.account(account, |account| account.serve(credential, len_max))?;
        self.state().downloads.push(account);
        self.wobble.give_way().await;
        Ok(Facemap::new(Zeroizing::new(bytes)).unwrap())
    }

    async fn update_account(
        &self,
        account: AccountId,
        update: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        let failure = self.begin(Call::Update).await;
        if let Some(error) = failure.as_ref().filter(|error| !opens_an_execution(error)) {
            return Err(error.clone());
        }
        let (execution, credential) = (WorkflowExecutionId::generate(), CredentialId::generate());
        let started = Started::new(update, credential);
        self.account(account, |account| account.started.insert(execution, started));
        let expires = {
            let mut state = self.state();
            state.updates.push(Update { account, execution, update: update.clone() });
            state.expires
        };
        self.wobble.give_way().await;
        match failure {
            Some(error) => Err(error),
            None => Ok(PendingAuthentication {
                execution,
                sdk_token: SdkToken::new(format!("sdk {}", execution.hyphenated())),
                web_link: Some(WebLink::new(format!("web {}", execution.hyphenated()))),
                expires,
                slot: UploadSlot {
                    account,
                    execution,
                    credential,
                    token: UploadToken::new(format!("upload {}", execution.hyphenated())),
                },
            }),
        }
    }

    async fn upload_facemap(&self, slot: &UploadSlot, facemap: Facemap) -> Result<(), JumioError> {
        let failure = self.begin(Call::Upload).await;
        let UploadSlot { account, execution, .. } = *slot;
        let bytes = facemap.expose().to_vec();
        let complaint = self.account(account, |account| account.receive(slot, &bytes));
        self.state().complaints.extend(complaint);
        if let Some(error) = failure {
            return Err(error);
        }
        self.wobble.give_way().await;
        self.state().uploads.push(Upload { account, execution, bytes });
        Ok(())
    }

    async fn authentication(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        if let Some(error) = self.begin(Call::Authentication).await {
            return Err(error);
        }
        self.account(account, |account| account.authentication(execution))
    }
}

/// Whether Jumio took the update although the caller is told otherwise.
fn opens_an_execution(error: &JumioError) -> bool {
    matches!(
        error,
        JumioError::OutcomeUnknown { .. }
            | JumioError::ResponseUnexpected { .. }
            | JumioError::UrlRejected { .. }
    )
}
