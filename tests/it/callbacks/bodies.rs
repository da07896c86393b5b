//! Bodies that are no callbacks, by RPC and over HTTP.

use facemap_vault::proto::v1::ingest_callback_response::Outcome;
use tonic_types::StatusExt as _;

use super::{Run, SECRET, World, callback, id};

/// Each with the status that the receiver answers.
fn table(run: &Run) -> Vec<(&'static str, Vec<u8>, u16)> {
    let real = callback(run, "PROCESSED", "2026-10-19T11:34:19.803Z").to_string();
    let with = |what: &str, with: &str| real.replace(what, with).into_bytes();
    let account = format!("\"{}\"", run.account);
    let nested = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let padded = |len: usize| format!("{real}{}", " ".repeat(len - real.len())).into_bytes();
    vec![
        ("nothing", Vec::new(), 400),
        ("cut off", real.as_bytes()[..real.len() - 1].to_vec(), 400),
        ("twice", format!("{real}{real}").into_bytes(), 400),
        ("too deep", with("\"user-1\"", &nested), 400),
        ("16 KiB and a byte", padded(16 * 1024 + 1), 413),
        ("32 KiB", padded(32 * 1024), 413),
        ("null", b"null".to_vec(), 400),
        ("a list", b"[]".to_vec(), 400),
        ("no account", with("\"account\"", "\"acount\""), 400),
        ("account null", with(&account, "null"), 400),
        ("account a number", with(&account, "7"), 400),
        ("account a list", with(&account, "[\"a\"]"), 400),
        ("account with NUL", with(&account, "\"7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a1\\u0000\""), 400),
        ("account of another form", with(&account, "\"{7b1f0c7e2d544b639a0e5c1d8e2f4a10}\""), 400),
        ("a raw NUL", with("user-1", "\0"), 400),
        ("a raw line feed", with("user-1", "\n"), 400),
        ("a lone surrogate", with("user-1", "\\ud800"), 400),
        ("not UTF-8", [real.as_bytes(), b"\xff"].concat(), 400),
        ("a byte order mark", [b"\xef\xbb\xbf", real.as_bytes()].concat(), 400),
        ("a key twice", with("userReference", "callbackSentAt"), 400),
    ]
}

#[tokio::test]
async fn what_is_no_callback_is_refused_and_harms_nothing() {
    let world = World::start().await;
    let run = world.captured().await;
    for (what, body, status) in table(&run) {
        let request = world.http.post(world.callback_url(SECRET)).body(body.clone());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert!(answer.bytes().await.unwrap().is_empty(), "{what}");

        let refused = world.try_hear(body, "").await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{what}");
        assert_eq!(refused.metadata().get("fmvault-reason").unwrap(), "FIELD_INVALID", "{what}");
        let details = refused.get_details_bad_request().unwrap();
        let fields: Vec<_> = details.field_violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["body"], "{what}");
    }
    assert_eq!(world.looks(&run.execution).await, 1);
    world.stop().await;
}

/// What decides nothing may be anything.
#[tokio::test]
async fn odd_callbacks_are_heard() {
    let world = World::start().await;
    let run = world.captured().await;
    let mut body = callback(&run, "PROCESSED", "yesterday");
    assert_eq!(world.hear(&body).await, Outcome::Ignored);
    for value in [serde_json::json!({ "a": [1.5e300] }), serde_json::json!(null), id().into()] {
        body["workflowExecution"]["status"] = value.clone();
        body["account"]["href"] = value.clone();
        body["callbackSentAt"] = value;
        let heard = world.hear(&body).await;
        assert!(matches!(heard, Outcome::Ignored | Outcome::Duplicate), "{body}");
    }
    let real = callback(&run, "PROCESSED", "2026-10-19T11:34:19.803Z").to_string();
    let longest = format!("{real}{}", " ".repeat(16 * 1024 - real.len()));
    assert_eq!(world.try_hear(longest.into_bytes(), "::1").await.unwrap(), Outcome::Duplicate);

    let refused = world.try_hear(real.into_bytes(), "localhost").await.unwrap_err();
    let details = refused.get_details_bad_request().unwrap();
    assert_eq!(details.field_violations[0].field, "source_ip");
    world.stop().await;
}
