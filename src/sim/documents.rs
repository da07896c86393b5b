//! Jumio's documents about an execution: status, details, steps.

use serde_json::{Map, Value, json};

use super::{
    capabilities::capabilities,
    decision::{Status, Verdict},
    execution::{Execution, Role},
    hosts::Bases,
    json::put,
    tenant::{ExpiredDetails, Tenant},
};

/// The answer of the status call.
pub(super) fn status(execution: &Execution, bases: &Bases) -> Value {
    let base = bases.retrieval();
    let (account, id) = (execution.account, execution.id);
    json!({
        "account": { "id": account, "href": format!("{base}/api/v1/accounts/{account}") },
        "workflowExecution": {
            "id": id,
            "href": format!("{base}/api/v1/workflow-executions/{id}"),
            "definitionKey": execution.key,
            "status": execution.status.name(),
        },
    })
}

/// The answer of the details call. Until there is a decision it has none, and neither steps nor
/// capabilities; Jumio publishes no sample of that.
pub(super) fn details(execution: &Execution, tenant: &Tenant, bases: &Bases) -> Value {
    let mut workflow = json!({
        "id": execution.id,
        "status": execution.status.name(),
        "definitionKey": execution.key,
        "customerInternalReference": execution.reference,
    });
    let mut document = json!({
        "account": { "id": execution.account },
        "createdAt": execution.created.to_string(),
        "credentials": credentials(execution, tenant, bases),
    });
    if let Some(reference) = &execution.user_reference {
        put(&mut workflow, "userReference", reference.clone());
    }
    put(&mut document, "workflow", workflow);
    let times = [
        ("startedAt", execution.started),
        ("completedAt", execution.completed),
        ("wipedOutAt", execution.wiped),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            put(&mut document, name, time.to_string());
        }
    }
    if execution.status.is_terminal() {
        let (base, account, id) = (bases.retrieval(), execution.account, execution.id);
        let steps = format!("{base}/api/v1/accounts/{account}/workflow-executions/{id}/steps");
        put(&mut document, "steps", json!({ "href": steps }));
        put(&mut document, "decision", decision(execution, tenant));
        let wiped = execution.wiped.is_some();
        let results = if wiped { json!({}) } else { capabilities(execution, bases) };
        put(&mut document, "capabilities", results);
    }
    document
}

/// The overall decision: its type and its label.
pub(super) fn verdict(execution: &Execution, tenant: &Tenant) -> (Verdict, &'static str) {
    match (execution.status, execution.outcome) {
        (Status::SessionExpired | Status::TokenExpired, _) | (_, None) => {
            match tenant.expired_details {
                ExpiredDetails::Rejected => (Verdict::Rejected, Verdict::Rejected.name()),
                ExpiredDetails::NotExecuted | ExpiredDetails::Unavailable => {
                    (Verdict::NotExecuted, execution.status.name())
                }
            }
        }
        (_, Some(outcome)) => (outcome.decision, outcome.decision.name()),
    }
}

fn decision(execution: &Execution, tenant: &Tenant) -> Value {
    let (verdict, label) = verdict(execution, tenant);
    json!({
        "type": verdict.name(),
        "details": { "label": label },
        "risk": { "score": verdict.score() },
    })
}

fn credentials(execution: &Execution, tenant: &Tenant, bases: &Bases) -> Vec<Value> {
    let show = |role: &Role| {
        let mut shown = Map::new();
        shown.insert("id".to_owned(), execution.credential(*role).to_string().into());
        shown.insert("category".to_owned(), role.category().into());
        let parts = execution.parts(*role);
        if !parts.is_empty() {
            let part = |part: &&'static str| self::part(execution, *role, part, tenant, bases);
            shown.insert("parts".to_owned(), parts.iter().map(part).collect());
        }
        Value::Object(shown)
    };
    execution.flow.roles_in_details().iter().map(show).collect()
}

/// A part, with a link unless it is a facemap that may not be downloaded.
fn part(
    execution: &Execution,
    role: Role,
    classifier: &str,
    tenant: &Tenant,
    bases: &Bases,
) -> Value {
    let closed = match role {
        Role::NewFacemap => classifier == "FACEMAP" && !execution.downloadable(tenant),
        Role::StoredFacemap => true,
        Role::Selfie | Role::Id => false,
    };
    if closed {
        return json!({ "classifier": classifier });
    }
    json!({ "classifier": classifier, "href": part_url(execution, role, classifier, bases) })
}

/// The URL of a part.
pub(super) fn part_url(
    execution: &Execution,
    role: Role,
    classifier: &str,
    bases: &Bases,
) -> String {
    let (base, account) = (bases.retrieval(), execution.account);
    let credential = execution.credential(role);
    format!("{base}/api/v1/accounts/{account}/credentials/{credential}/parts/{classifier}")
}

/// The answer of the steps call: one step, none while there is no result.
pub(super) fn steps(execution: &Execution) -> Value {
    let Some(outcome) = execution.outcome else { return json!({ "steps": [] }) };
    let authenticates = execution.flow.authenticates();
    let (name, category) =
        if authenticates { ("AUTHENTICATION", "authentication") } else { ("ID_IV", "liveness") };
    let capability = execution.derive(&format!("capability/{category}"));
    let verdict = outcome.decision.name();
    let mut decision = json!({ "type": verdict, "details": { "label": verdict } });
    if authenticates && outcome.decision == Verdict::Rejected {
        // Jumio publishes no label for the face of another person; this one is ours.
        put(&mut decision, "reasons", json!([{ "label": "FACE_NO_MATCH", "type": verdict }]));
    }
    json!({ "steps": [{
        "id": execution.derive("step"),
        "name": name,
        "decision": decision,
        "capabilities": [{ "id": capability, "category": category }],
        "capabilityIds": [capability],
    }] })
}
