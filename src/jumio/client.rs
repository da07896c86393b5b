//! Jumio over HTTPS.

use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Request};
use tokio::time::Instant;
use url::Url;

use super::access_token::{AccessTokens, bearer};
use super::answer::Answer;
use super::behalf::whose;
use super::budget::{Budget, Priority};
use super::call::{ACCOUNT, Call, DETAILS, FACEMAP, ONBOARDING, STATUS};
use super::fair::FairQueue;
use super::json::Json;
use super::links::Links;
use super::transport::{Connection, Failure, Transport};
use super::{
    AccountUpdate, AuthenticationDetails, ExecutionStatus, Jumio, JumioError, Limit,
    OnboardingDetails, PendingAuthentication, Settings, SettingsError, UploadSlot, download, wire,
};
use crate::metrics::Metrics;
use crate::model::{AccountId, CredentialId, Facemap, WorkflowExecutionId};

/// Jumio, over HTTPS, within the tenant's call budgets.
///
/// Every call ends in one `tracing` event with its `endpoint`, `outcome` and `millis`: what a metric
/// needs, and never an id, a link or a token.
pub struct HttpJumio {
    transport: Transport,
    links: Links,
    tokens: AccessTokens,
    account_budget: Budget,
    account_queue: FairQueue,
    look_queue: FairQueue,
    retrieval_budget: Budget,
    /// Jumio publishes no limit for uploads; this one only keeps the pause of a 429.
    upload_budget: Budget,
    metrics: Arc<Metrics>,
    workflow_key: String,
}

/// Of so many retrieval calls per second, those that callers may use to ask how an authentication stands.
/// The rest is left to captures, whose deadlines do not wait for a caller that asks without end.
fn looks(rate: f64) -> f64 {
    rate * 0.7
}

impl HttpJumio {
    /// A client for one tenant. Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// [`SettingsError`], by what is wrong with the settings first.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let transport = Transport::new(&settings)?;
        let links = Links::new(&settings);
        let rates = settings.rates;
        let reserve = rates.reserve_for_authentication;
        let budget = |limit, rate, reserve| {
            Budget::new(limit, rate, reserve, &rates).counted(&settings.metrics)
        };
        Ok(Self {
            account_budget: budget(Limit::Account, rates.account, 0.0),
            account_queue: FairQueue::new(rates.account, rates.wait_max),
            look_queue: FairQueue::new(rates.retrieval.map(looks), rates.wait_max),
            retrieval_budget: budget(Limit::Retrieval, rates.retrieval, reserve),
            upload_budget: budget(Limit::Upload, None, 0.0),
            metrics: Arc::clone(&settings.metrics),
            workflow_key: settings.workflow_key.clone(),
            tokens: AccessTokens::new(settings, transport.clone(), links.token()),
            transport,
            links,
        })
    }

    /// Reads JSON from the retrieval service.
    async fn read(&self, call: &Call, url: Url) -> Result<Json, JumioError> {
        let mut request = Request::new(Method::GET, url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.authorised(call, request).await?.map_err(|failure| failure.of_read())?;
        match answer.status() {
            200 | 201 => answer.json().await.map_err(|failure| failure.of_read()),
            _ => Err(answer.refusal(call.what)),
        }
    }

    /// Sends `request` with the access token, and once more with a new one if Jumio refuses it. The
    /// outer error is one before the request was sent, or one that says it had no effect.
    async fn authorised(
        &self,
        call: &Call,
        request: Request,
    ) -> Result<Result<Answer, Failure>, JumioError> {
        let budget = match call.limit {
            Limit::Account => &self.account_budget,
            Limit::Retrieval | Limit::Token | Limit::Upload => &self.retrieval_budget,
        };
        for again in [false, true] {
            let token = self.tokens.current().await?;
            budget.take(call.priority).await?;
            let mut attempt = request.try_clone().expect("the body is in memory, or none");
            attempt.headers_mut().insert(AUTHORIZATION, bearer(token.expose())?);
            let head_max = self.transport.head_max();
            let sent = self.transport.send(call.endpoint, attempt, call.connection, head_max).await;
            let answer = match sent {
                Ok(answer) => answer,
                Err(failure) => return Ok(Err(failure)),
            };
            match answer.status() {
                401 if again => return Err(self.tokens.refused_again()),
                401 if self.tokens.refused(&token) => {}
                401 => return Err(JumioError::CredentialsRejected),
                429 => return Err(budget.pause(answer.pause())),
                _ => return Ok(Ok(answer)),
            }
        }
        Err(JumioError::CredentialsRejected)
    }

    /// Reports the end of a call.
    fn ended<T>(
        &self,
        endpoint: &'static str,
        start: Instant,
        result: Result<T, JumioError>,
    ) -> Result<T, JumioError> {
        let took = start.elapsed();
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let outcome = result.as_ref().err().map_or("ok", JumioError::name);
        tracing::debug!(endpoint, outcome, millis, "jumio call");
        self.metrics.jumio_call(endpoint, outcome, took);
        result
    }

    async fn download(
        &self,
        account: AccountId,
        credential: CredentialId,
        len_max: usize,
    ) -> Result<Facemap, JumioError> {
        let mut request = Request::new(Method::GET, self.links.facemap(account, credential));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
        let sent = self.authorised(&FACEMAP, request).await?;
        let answer = sent.map_err(|failure| failure.of_read())?;
        match answer.status() {
            200 => download::facemap(answer, len_max).await,
            _ => Err(answer.refusal(FACEMAP.what)),
        }
    }

    async fn update(
        &self,
        account: AccountId,
        update: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        let turn = self.account_queue.turn(&update.on_behalf_of).await;
        turn.map_err(|wait| JumioError::Throttled {
            retry_after: Some(wait),
            limit: Limit::Account,
        })?;
        let mut request = Request::new(Method::PUT, self.links.account(account));
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(Body::from(wire::request(update, &self.workflow_key)));
        let answer = self.authorised(&ACCOUNT, request).await?.map_err(outcome)?;
        match answer.status() {
            200 | 201 => {
                let json = answer.json().await.map_err(outcome)?;
                wire::started(&json, &self.links, account, update)
            }
            400 => Err(match answer.json().await {
                Ok(json) if wire::is_about_workflow(&json) => JumioError::WorkflowNotEnabled,
                Ok(_) | Err(_) => JumioError::Refused { status: 400 },
            }),
            // 503 is a service's or a balancer's refusal to begin. The other faults can come after
            // the execution was opened.
            408 | 503 => Err(JumioError::Unavailable { what: "jumio takes no request just now" }),
            500..=599 => {
                Err(JumioError::OutcomeUnknown { what: "jumio reports a fault of its own" })
            }
            _ => Err(answer.refusal(ACCOUNT.what)),
        }
    }

    async fn upload(&self, slot: &UploadSlot, facemap: Facemap) -> Result<(), JumioError> {
        let interrupted = |what| JumioError::UploadInterrupted { what };
        self.upload_budget.take(Priority::Authentication).await?;
        let url = self.links.upload(slot.account, slot.execution, slot.credential);
        let request = self.transport.form_upload(url, facemap, bearer(slot.token.expose())?)?;
        let total = self.transport.total_max();
        let sent = self.transport.send("upload", request, Connection::Pooled, total).await;
        let answer = sent.map_err(|failure| match failure {
            Failure::NotSent(what) | Failure::Broken(what) => interrupted(what),
            Failure::Timeout(_) => interrupted("it took too long"),
            Failure::TooLong { .. } | Failure::Unexpected(_) => failure.of_read(),
        })?;
        match answer.status() {
            200..=299 => Ok(()),
            401 => Err(interrupted("jumio no longer accepts the upload token")),
            404 => Err(interrupted("jumio no longer has the upload slot")),
            408 | 409 | 500..=599 => Err(interrupted("jumio did not take it")),
            429 => Err(self.upload_budget.pause(answer.pause())),
            _ => Err(answer.refusal("upload of the facemap")),
        }
    }

    /// Waits for the turn of whoever asks how an authentication stands.
    async fn turn_to_look(&self) -> Result<(), JumioError> {
        let turn = self.look_queue.turn(&whose()).await;
        turn.map_err(|wait| JumioError::Throttled {
            retry_after: Some(wait),
            limit: Limit::Retrieval,
        })
    }

    async fn decision(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        self.turn_to_look().await?;
        let json = self.read(&STATUS, self.links.status(account, execution)).await?;
        let details = wire::status(&json, account, execution)?;
        // The details of another workflow have another shape; its key says what it is.
        let is_authentication =
            [self.workflow_key.as_str(), "16"].contains(&&*details.workflow_key);
        if details.status != ExecutionStatus::Processed || !is_authentication {
            return Ok(details);
        }
        self.turn_to_look().await?;
        let json = self.read(&DETAILS, self.links.details(account, execution)).await?;
        wire::processed(&json, account, execution)
    }

    async fn details(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        let json = self.read(&ONBOARDING, self.links.details(account, execution)).await?;
        wire::onboarding(&json, &self.links, account, execution)
    }
}

impl Jumio for HttpJumio {
    async fn onboarding(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        self.ended("onboarding", Instant::now(), self.details(account, execution).await)
    }

    async fn download_facemap(
        &self,
        account: AccountId,
        credential: CredentialId,
        len_max: usize,
    ) -> Result<Facemap, JumioError> {
        self.ended("facemap", Instant::now(), self.download(account, credential, len_max).await)
    }

    async fn update_account(
        &self,
        account: AccountId,
        update: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        self.ended("account", Instant::now(), self.update(account, update).await)
    }

    async fn upload_facemap(&self, slot: &UploadSlot, facemap: Facemap) -> Result<(), JumioError> {
        self.ended("upload", Instant::now(), self.upload(slot, facemap).await)
    }

    async fn authentication(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        self.ended("authentication", Instant::now(), self.decision(account, execution).await)
    }

    fn clock_ahead(&self) -> Option<i64> {
        self.transport.clock_ahead()
    }
}

/// What a failure means for the update of an account, which opens an execution if it was received.
fn outcome(failure: Failure) -> JumioError {
    match failure {
        Failure::NotSent(what) => JumioError::Unavailable { what },
        Failure::Broken(what) => JumioError::OutcomeUnknown { what },
        Failure::Timeout(_) => JumioError::OutcomeUnknown { what: "no answer in time" },
        Failure::TooLong { .. } | Failure::Unexpected(_) => failure.of_read(),
    }
}
