//! The `capabilities` of a finished execution.

use serde_json::{Map, Value, json};

use super::{
    decision::{Status, Verdict},
    documents::part_url,
    execution::{Execution, Flow, Role},
    hosts::Bases,
    json::put,
    tenant::Tenant,
};

/// All capabilities of `execution`.
pub(super) fn capabilities(execution: &Execution, bases: &Bases) -> Value {
    let mut all = Map::new();
    all.insert("usability".to_owned(), usability(execution).into());
    let face = if execution.flow.authenticates() { "authentication" } else { "liveness" };
    all.insert(face.to_owned(), json!([live_face(execution, face, bases)]));
    if execution.flow == Flow::Onboarding {
        for (name, result) in document_checks(execution) {
            all.insert(name.to_owned(), json!([result]));
        }
    }
    Value::Object(all)
}

/// One result: what it is about, and its decision.
fn result(
    execution: &Execution,
    name: &str,
    about: &[Role],
    (verdict, label): (Verdict, &str),
) -> Value {
    let credential =
        |role: &Role| json!({ "id": execution.credential(*role), "category": role.category() });
    json!({
        "id": execution.derive(&format!("capability/{name}")),
        "credentials": about.iter().map(credential).collect::<Vec<_>>(),
        "decision": { "type": verdict.name(), "details": { "label": label } },
    })
}

/// Usability of each credential. Of an expired execution the documents show only the missing new
/// facemap.
fn usability(execution: &Execution) -> Vec<Value> {
    let expired = matches!(execution.status, Status::SessionExpired | Status::TokenExpired);
    let roles: &[Role] = match execution.flow {
        _ if expired => &[Role::NewFacemap],
        Flow::OnPremises => &[Role::StoredFacemap, Role::Selfie, Role::NewFacemap],
        Flow::Authentication | Flow::Liveness => &[Role::NewFacemap, Role::Selfie],
        Flow::Onboarding => &[Role::Id, Role::NewFacemap, Role::Selfie],
    };
    let one = |role: &Role| {
        let missing = execution.parts(*role).is_empty();
        let verdict = match missing {
            true => (Verdict::NotExecuted, "NOT_UPLOADED"),
            false => (Verdict::Passed, "OK"),
        };
        let name = format!("usability/{}", execution.credential(*role));
        result(execution, &name, &[*role], verdict)
    };
    roles.iter().map(one).collect()
}

/// Liveness of an onboarding, or authentication.
fn live_face(execution: &Execution, name: &str, bases: &Bases) -> Value {
    let verdict = execution.outcome.map_or(Verdict::NotExecuted, |outcome| outcome.face);
    let authenticates = execution.flow.authenticates();
    let label = match verdict {
        Verdict::Passed => "OK",
        Verdict::Warning => "BAD_QUALITY",
        Verdict::Rejected if authenticates => "FAILED",
        Verdict::Rejected => "LIVENESS_UNDETERMINED",
        Verdict::NotExecuted => "PRECONDITION_NOT_FULFILLED",
    };
    let about: &[Role] =
        if authenticates { &[Role::NewFacemap] } else { &[Role::Selfie, Role::NewFacemap] };
    let mut shown = result(execution, name, about, (verdict, label));
    if verdict == Verdict::NotExecuted {
        return shown;
    }
    let mut data = json!({ "type": execution.liveness_type });
    if !authenticates {
        put(&mut data, "predictedAge", 37);
        put(&mut data, "ageConfidenceRange", "28-46");
    }
    put(&mut shown, "data", data);
    let reusable = !Tenant::is_jumio_liveness(&execution.liveness_type);
    if verdict == Verdict::Passed && reusable {
        let url = part_url(execution, Role::NewFacemap, "FACEMAP", bases);
        put(&mut shown, "validFaceMapForAuthentication", url);
    }
    shown
}

/// What an onboarding with an identity document says besides. The person in it is made up.
fn document_checks(execution: &Execution) -> Vec<(&'static str, Value)> {
    let outcome = execution.outcome.filter(|outcome| outcome.decision != Verdict::NotExecuted);
    let simple = if outcome.is_some() {
        (Verdict::Passed, "OK")
    } else {
        (Verdict::NotExecuted, "PRECONDITION_NOT_FULFILLED")
    };
    // A decision that the live face does not explain is explained by similarity.
    let (verdict, label) = match outcome.map(|outcome| outcome.decision) {
        Some(decision) if outcome.is_some_and(|outcome| outcome.face == decision) => match decision
        {
            Verdict::NotExecuted => simple,
            Verdict::Passed | Verdict::Warning | Verdict::Rejected => (Verdict::Passed, "MATCH"),
        },
        Some(Verdict::Passed) => (Verdict::Passed, "MATCH"),
        Some(Verdict::Warning) => (Verdict::Warning, "NOT_POSSIBLE"),
        Some(Verdict::Rejected) => (Verdict::Rejected, "NO_MATCH"),
        Some(Verdict::NotExecuted) | None => simple,
    };
    let faces = [Role::Selfie, Role::Id];
    let mut similarity = result(execution, "similarity", &faces, (verdict, label));
    let mut extraction = result(execution, "extraction", &[Role::Id], simple);
    let mut image_checks = result(execution, "imageChecks", &faces, simple);
    if outcome.is_some() {
        put(&mut similarity, "data", json!({ "similarity": label }));
        put(
            &mut extraction,
            "data",
            json!({
                "type": "PASSPORT",
                "subType": "E_PASSPORT",
                "issuingCountry": "AUT",
                "firstName": "SIMONE",
                "lastName": "SIMULATED",
                "dateOfBirth": "1989-05-14",
                "expiryDate": "2031-01-31",
                "documentNumber": "X0000000",
            }),
        );
        put(
            &mut image_checks,
            "data",
            json!({ "faceSearchFindings": { "status": "DONE", "findings": [] } }),
        );
    }
    vec![
        ("similarity", similarity),
        ("extraction", extraction),
        ("dataChecks", result(execution, "dataChecks", &[Role::Id], simple)),
        ("imageChecks", image_checks),
    ]
}
