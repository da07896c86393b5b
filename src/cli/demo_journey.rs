//! The whole story in the terminal: captured, gone at Jumio, still here, used, never finalized.
//!
//! A check mark stands only where something was verified, by looking at the other side.

use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::model::RequestId;
use crate::proto::v1;
use crate::proto::v1::authentication::{Decision, State as AuthenticationState};
use crate::proto::v1::enrollment::State;
use crate::proto::v1::facemap_vault_service_client::FacemapVaultServiceClient;

use super::Session;
use super::demo_world::DemoWorld;
use super::exit::{Exit, Failure};

/// What the story is about.
struct Story<'a> {
    session: &'a Session,
    world: &'a DemoWorld,
    vault: FacemapVaultServiceClient<Channel>,
    steps: Vec<Value>,
}

/// The person of the story, as the simulator made her.
struct Alice {
    account: String,
    execution: String,
    facemap_sha256: String,
    facemap_size: u64,
}

/// Tells the story; fails at the first step that is not as promised.
pub(super) async fn run(session: &Session, world: &DemoWorld) -> Result<Exit, Failure> {
    let channel = world.certificates.connect(world.vault.grpc).await?;
    let vault = FacemapVaultServiceClient::new(channel);
    let mut story = Story { session, world, vault, steps: Vec::new() };
    story.session.output.say(crate::sim::BANNER);
    let grpc = world.vault.grpc;
    story.told(&format!("simulated Jumio at {}, vault at {grpc}", world.simulator.url()));

    let alice = story.onboard().await?;
    story.capture(&alice).await?;
    story.outlive(&alice).await?;
    story.authenticate(&alice, None, Decision::Passed).await?;
    story.authenticate(&alice, Some("mallory"), Decision::Rejected).await?;
    story.never_finalized().await?;

    let json = json!({ "ok": true, "steps": story.steps });
    if session.output.is_json() {
        session.output.value(&json, String::new);
    }
    session
        .output
        .say("\nThe facemap came in from Jumio and went out to Jumio, and nobody else saw it.");
    session.output.say("Next: fmvault demo   (keeps both running, for you to try)");
    Ok(Exit::Done)
}

impl Story<'_> {
    async fn onboard(&mut self) -> Result<Alice, Failure> {
        let body = json!({ "retention": "30d", "person": "alice" });
        let answer = self.sim(self.world.remote.post("onboardings", &body).await)?;
        let made = answer.pointer("/onboardings/0").cloned().unwrap_or_default();
        let text = |key: &str| made.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let alice = Alice {
            account: text("account_id"),
            execution: text("workflow_execution_id"),
            facemap_sha256: text("facemap_sha256"),
            facemap_size: made.get("facemap_size").and_then(Value::as_u64).unwrap_or(0),
        };
        self.told(&format!(
            "Alice is onboarded at Jumio: account {}, facemap of {} bytes, deleted after {}",
            short(&alice.account),
            alice.facemap_size,
            text("deleted_at"),
        ));
        Ok(alice)
    }

    async fn capture(&mut self, alice: &Alice) -> Result<(), Failure> {
        let enrollment = v1::Enrollment {
            account_id: alice.account.clone(),
            workflow_execution_id: alice.execution.clone(),
            ..v1::Enrollment::default()
        };
        let request = v1::CreateEnrollmentRequest {
            enrollment: Some(enrollment),
            wait: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
            ..v1::CreateEnrollmentRequest::default()
        };
        let answer = self.vault.create_enrollment(request).await?.into_inner();
        let stored = answer.enrollment.unwrap_or_default();
        let whole = u64::try_from(stored.facemap_size_bytes) == Ok(alice.facemap_size);
        self.verified(
            stored.state == i32::from(State::Active) && whole,
            &format!(
                "CreateEnrollment: the vault captured it, {} bytes, sealed under key {}",
                stored.facemap_size_bytes, stored.key_version
            ),
        )
    }

    async fn outlive(&mut self, alice: &Alice) -> Result<(), Failure> {
        let (account, execution) = (&alice.account, &alice.execution);
        let path = format!("/api/v1/accounts/{account}/workflow-executions/{execution}");
        let (_, details) = self.sim(self.world.remote.retrieve(&path).await)?;
        let credential = facemap_credential(&details);
        let part = format!("/api/v1/accounts/{account}/credentials/{credential}/parts/FACEMAP");
        let (before, _) = self.sim(self.world.remote.retrieve(&part).await)?;
        self.verified(
            before == 200,
            &format!("Jumio still has it: GET on the part answers {before}"),
        )?;

        self.sim(self.world.remote.post("clock", &json!({ "advance": "31d" })).await)?;
        self.told("31 days pass, one more than Jumio keeps it");
        let (after, _) = self.sim(self.world.remote.retrieve(&part).await)?;
        self.verified(
            after == 404,
            &format!("Jumio has deleted it: GET on the part answers {after}"),
        )?;

        let name = format!("enrollments/{account}");
        let answer = self.vault.get_enrollment(v1::GetEnrollmentRequest { name }).await?;
        let stored = answer.into_inner().enrollment.unwrap_or_default();
        self.verified(
            stored.state == i32::from(State::Active),
            "GetEnrollment: the vault still has it, state ACTIVE",
        )
    }

    async fn authenticate(
        &mut self,
        alice: &Alice,
        impostor: Option<&str>,
        want: Decision,
    ) -> Result<(), Failure> {
        let request = v1::StartAuthenticationRequest {
            enrollment: format!("enrollments/{}", alice.account),
            request_id: RequestId::generate().hyphenated(),
            customer_internal_reference: "demo-login".to_owned(),
            ..v1::StartAuthenticationRequest::default()
        };
        let answer = self.vault.start_authentication(request).await?.into_inner();
        let started = answer.authentication.unwrap_or_default();
        let tokens = answer.client_session.unwrap_or_default();
        let path = format!("executions/{}", started.workflow_execution_id);
        let seen = self.sim(self.world.remote.get(&path).await)?;
        let is =
            |pointer: &str, want: &str| seen.pointer(pointer).and_then(Value::as_str) == Some(want);
        self.verified(
            is("/definition_key", "10071")
                && is("/uploads/0/sha256", &alice.facemap_sha256)
                && !tokens.sdk_token.is_empty()
                && !tokens.web_href.is_empty(),
            "StartAuthentication: workflow 10071, the same bytes uploaded, SDK token and web link handed out",
        )?;

        let who = impostor.unwrap_or("Alice");
        let body = json!({ "outcome": "complete", "person": impostor.unwrap_or("alice") });
        self.sim(self.world.remote.post(&format!("{path}/journey"), &body).await)?;
        let request = v1::GetAuthenticationRequest {
            name: started.name,
            wait: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
        };
        let answer = self.vault.get_authentication(request).await?.into_inner();
        let ended = answer.authentication.unwrap_or_default();
        let decision = Decision::try_from(ended.decision).unwrap_or_default();
        self.verified(
            ended.state == i32::from(AuthenticationState::Processed) && decision == want,
            &format!(
                "{who} looks into the camera: {} ({})",
                decision.as_str_name().trim_start_matches("DECISION_"),
                ended.decision_label
            ),
        )
    }

    async fn never_finalized(&mut self) -> Result<(), Failure> {
        let violations = self.sim(self.world.remote.get("violations").await)?;
        let journal = self.sim(self.world.remote.get("journal?since=0").await)?;
        let entries = journal.get("entries").and_then(Value::as_array);
        let requests = entries.map_or(0, Vec::len);
        let none = violations.as_array().is_some_and(Vec::is_empty);
        self.verified(
            none && requests > 0,
            &format!("finalize was never called: no violation in {requests} requests to Jumio"),
        )
    }

    /// A step that happened.
    fn told(&mut self, what: &str) {
        self.steps.push(json!({ "what": what, "verified": false }));
        self.session.output.say(&format!("  {what}"));
    }

    /// A step that was checked against the other side.
    fn verified(&mut self, ok: bool, what: &str) -> Result<(), Failure> {
        if !ok {
            return Err(Failure::unexpected(format!("not as promised: {what}")));
        }
        self.steps.push(json!({ "what": what, "verified": true }));
        let green = anstyle::AnsiColor::Green.on_default().bold();
        self.session.output.say(&format!("{green}\u{2713}{green:#} {what}"));
        Ok(())
    }

    fn sim<T>(&self, answer: Result<T, String>) -> Result<T, Failure> {
        answer.map_err(Failure::unexpected)
    }
}

/// The FACEMAP credential in an execution's details.
fn facemap_credential(details: &Value) -> String {
    let credentials = details.get("credentials").and_then(Value::as_array);
    let is_facemap = |c: &&Value| c.get("category").and_then(Value::as_str) == Some("FACEMAP");
    let facemap = credentials.into_iter().flatten().find(is_facemap);
    facemap.and_then(|c| c.get("id")).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn short(id: &str) -> String {
    id.chars().take(8).chain("..".chars()).collect()
}
