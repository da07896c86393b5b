//! The service that finds out what is wrong with the tenant: findings of the vault, as advice.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::model::Blocked;
use crate::proto::admin::v1;
use crate::proto::admin::v1::check::Outcome;
use crate::proto::admin::v1::doctor_service_server::DoctorService;
use crate::vault::{AccountFinding, Finding, Jumio, Settings, Store, Vault};

use super::answer::answer;
use super::catalogue::reason_name;
use super::convert::parse_enrollment_name;
use super::doctor_keys;
use super::doctor_process::{self, ProcessMemory};
use super::fields::Fields;
use super::status::blocked_reason;

/// See the module.
pub(super) struct Doctor<S, J> {
    vault: Arc<Vault<S, J>>,
    memory: fn() -> ProcessMemory,
}

impl<S: Store, J: Jumio> Doctor<S, J> {
    pub(super) fn new(vault: Arc<Vault<S, J>>, memory: fn() -> ProcessMemory) -> Self {
        Self { vault, memory }
    }
}

#[tonic::async_trait]
impl<S: Store, J: Jumio> DoctorService for Doctor<S, J> {
    async fn diagnose(
        &self,
        request: Request<v1::DiagnoseRequest>,
    ) -> Result<Response<v1::DiagnoseResponse>, Status> {
        answer("Diagnose", request, |request, _| async move {
            let account = match request.enrollment.is_empty() {
                true => None,
                false => {
                    let mut fields = Fields::default();
                    let name = &request.enrollment;
                    let account = parse_enrollment_name("enrollment", name, &mut fields);
                    Some(fields.finish(account)?)
                }
            };
            let findings = self.vault.diagnose(account).await;
            let settings = self.vault.settings();
            let mut checks: Vec<_> = findings.iter().map(|found| check(found, settings)).collect();
            checks.push(retention(settings));
            Ok(v1::DiagnoseResponse { checks })
        })
        .await
    }

    async fn inspect(
        &self,
        request: Request<v1::InspectRequest>,
    ) -> Result<Response<v1::InspectResponse>, Status> {
        answer("Inspect", request, |_, context| async move {
            let mut checks = vec![doctor_process::store(self.vault.look_at_store().await)];
            checks.push(doctor_keys::ages(&self.vault.keys(context.now), self.vault.settings()));
            let files = self.vault.look_at_keyring().await;
            checks.extend(files.map(doctor_keys::files));
            checks.extend(doctor_process::checks((self.memory)()));
            Ok(v1::InspectResponse { checks })
        })
        .await
    }
}

/// Clocks further apart than this make a warning: Jumio's tokens and deadlines are counted by its
/// clock, ours by ours.
const CLOCK_MAX: u64 = 5 * 60;

fn check(found: &Finding, settings: &Settings) -> v1::Check {
    let region = &settings.datacenter;
    let key = &settings.workflow_key;
    let token = || format!("Jumio access token ({region})");
    let retrieve = "permission to retrieve";
    let workflow = || format!("authentication workflow {key}");
    match found {
        Finding::TokenGiven => said(token(), Outcome::Ok, "given"),
        Finding::CredentialsRejected => said(token(), Outcome::Fail, "Jumio refuses the client id and secret")
            .next(format!(
                "check jumio.client_id and jumio.client_secret. If they are right, the client may \
                 belong to another region than {region}: set jumio.region to the region of the portal \
                 in which it was made (amer-1, emea-1 or apac-1)"
            )),
        Finding::RetrievalPermitted => said(retrieve, Outcome::Ok, "a question about an unknown execution was answered"),
        Finding::RetrievalForbidden => said(retrieve, Outcome::Fail, "Jumio answers 403 to a retrieval").next(
            "in the Jumio portal give the OAuth2 client the permission \"Retrieve & delete\", then run doctor again",
        ),
        Finding::JumioFailed(error) => said("Jumio", Outcome::Fail, format!("{error}")).next(
            "check the network to Jumio, its status page, and the addresses in the settings",
        ),
        Finding::ClockAhead(ahead) => clock(*ahead),
        Finding::WorkflowAccepted(at) => said(workflow(), Outcome::Ok, format!("taken by Jumio at {at}")),
        Finding::WorkflowRefused(at) => said(workflow(), Outcome::Fail, format!("refused by Jumio at {at}")).next(
            format!("send to Jumio: \"Please enable workflow {key} (Authentication On-Premises) for our tenant.\""),
        ),
        Finding::WorkflowUntested => said(
            workflow(),
            Outcome::Skip,
            "cannot be tested without opening an execution; start an authentication, then run doctor again",
        ),
        Finding::CapturesBlocked(why, count) => {
            blocked("blocked captures", *why, format!("{count} enrollments, {}", reason_name(blocked_reason(*why))))
        }
        Finding::NoAccount => said(
            "facemap download",
            Outcome::Skip,
            "give --account of a recently enrolled person to test it",
        ),
        Finding::Account(found) => account(found),
    }
}

fn account(found: &AccountFinding) -> v1::Check {
    let name = "facemap download";
    match found {
        AccountFinding::Downloadable => {
            said(name, Outcome::Ok, "the details can be read, and Jumio announces the facemap for download")
        }
        AccountFinding::NotEnrolled => said(name, Outcome::Skip, "the account is not enrolled here")
            .next("enroll it: fmvault enrollment register"),
        AccountFinding::Unreadable => said(name, Outcome::Fail, "the record of the account cannot be read")
            .next("look for the record in the log of the vault, and restore a backup if the disk is damaged"),
        AccountFinding::NotYet => said(
            name,
            Outcome::Warn,
            "Jumio has no result yet, or does not know the execution yet; the vault goes on trying",
        )
        .next("if this lasts, check that account and workflow execution are of this tenant and region"),
        AccountFinding::Blocked(why) => blocked(name, *why, reason_name(blocked_reason(*why)).to_owned()),
        AccountFinding::GoneButStored => {
            said(name, Outcome::Ok, "Jumio has deleted the facemap, and the vault has it")
        }
        AccountFinding::Gone => said(name, Outcome::Fail, "Jumio has deleted the facemap, and the vault does not have it")
            .next("onboard the person again"),
        AccountFinding::Forbidden => said(name, Outcome::Fail, "Jumio answers 403 to the details of this account").next(
            "check that the account is of this tenant; in the Jumio portal give the OAuth2 client the \
             permission \"Retrieve & delete\"",
        ),
        AccountFinding::JumioFailed(error) => {
            said(name, Outcome::Fail, format!("{error}")).next("run doctor again; if this lasts, tell Jumio")
        }
    }
}

/// What blocks, and the sentence for whoever can change it. That a person was not accepted is an
/// everyday matter; the others stop a whole tenant.
fn blocked(name: &str, why: Blocked, detail: String) -> v1::Check {
    match why {
        Blocked::DownloadNotEnabled => said(name, Outcome::Fail, detail).next(
            "send to Jumio: \"Please enable 'Allow download of facemap' for our tenant.\" Then: \
             fmvault enrollment retry --reason FACEMAP_DOWNLOAD_NOT_ENABLED",
        ),
        Blocked::LivenessUnsupported => said(name, Outcome::Fail, detail).next(
            "send to Jumio: \"Our onboardings use Jumio Liveness, whose facemaps cannot be downloaded. \
             Please switch our onboarding workflow to a liveness type whose facemap can be.\"",
        ),
        Blocked::OnboardingNotAccepted => said(name, Outcome::Warn, detail).next(
            "nothing, if the person was rejected; otherwise add the workflow to \
             capture.onboarding_workflow_keys, or onboard the person again",
        ),
        Blocked::TooLong => said(name, Outcome::Fail, detail)
            .next("raise capture.max_facemap_bytes, restart, then: fmvault enrollment retry --reason \
                   FACEMAP_TOO_LARGE"),
    }
}

fn clock(ahead: Option<i64>) -> v1::Check {
    let name = "clock";
    match ahead {
        None => said(name, Outcome::Skip, "no answer of Jumio's told the time"),
        Some(ahead) if ahead.unsigned_abs() > CLOCK_MAX => {
            said(name, Outcome::Warn, format!("Jumio's clock is {ahead} s ahead of this machine's"))
                .next("check the time service of this machine (timedatectl)")
        }
        Some(ahead) => {
            said(name, Outcome::Ok, format!("within {} s of Jumio's", ahead.abs().max(1)))
        }
    }
}

fn retention(settings: &Settings) -> v1::Check {
    let days = settings.retention.as_secs() / 86_400;
    said(
        "retention",
        Outcome::Note,
        format!(
            "configured {days} days; Jumio offers no way to read it, compare it with the contract"
        ),
    )
}

pub(super) fn said(
    name: impl Into<String>,
    outcome: Outcome,
    detail: impl Into<String>,
) -> v1::Check {
    let (name, detail) = (name.into(), detail.into());
    v1::Check { name, outcome: outcome.into(), detail, next: String::new() }
}

impl v1::Check {
    /// Says what to do.
    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }
}
