//! Starting an authentication: the account update, its answer, and the upload.

use std::time::Duration;

use facemap_vault::jumio::{
    AccountUpdate, Consent, Jumio as _, JumioError, Obtained, PendingAuthentication, UploadSlot,
    Web,
};
use facemap_vault::model::{Facemap, Timestamp, UploadToken};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::documents::{self, DEVICE, STORED};
use super::{account, base, client, credential, execution, settings_for, unexpected, update};
use crate::support::stub_jumio::{Reply, StubJumio};

/// Makes a document a little different.
type Edit = fn(&mut Value);

/// Starts one whose answer is the recorded one after `edit`.
async fn started(edit: fn(&mut Value)) -> Result<PendingAuthentication, JumioError> {
    let stub = StubJumio::start(move |seen| {
        let mut document = documents::started(&seen.base());
        edit(&mut document);
        (seen.method == "PUT").then(|| Reply::json(200, document))
    })
    .await;
    client(&stub).update_account(account(), &update()).await
}

fn slot() -> UploadSlot {
    UploadSlot {
        account: account(),
        execution: execution(),
        credential: credential(STORED),
        token: UploadToken::new("upload-token-1".to_owned()),
    }
}

fn facemap(bytes: &[u8]) -> Facemap {
    Facemap::new(Zeroizing::new(bytes.to_vec())).unwrap()
}

#[tokio::test]
async fn the_answer_gives_the_tokens_and_the_slot() {
    let pending = started(|_| {}).await.unwrap();
    assert_eq!(pending.execution, execution());
    assert_eq!(pending.sdk_token.expose(), "sdk-token-1");
    assert!(pending.web_link.unwrap().expose().starts_with("https://bank.web.amer-1.jumio.ai/"));
    assert_eq!(pending.expires, None);
    assert_eq!(pending.slot.credential, credential(STORED));
    assert_eq!(pending.slot.token.expose(), "upload-token-1");
}

#[tokio::test]
async fn the_slot_is_chosen_by_its_channel_and_never_by_its_position() {
    let table: [(&str, Edit); 6] = [
        ("ours first", |c| c.as_array_mut().unwrap().swap(0, 1)),
        ("ours last", |c| c.as_array_mut().unwrap().swap(1, 2)),
        ("also for other channels", |c| c[1]["allowedChannels"] = json!(["WEB", "API"])),
        ("an api object without a part, beside it", |c| {
            c[0]["allowedChannels"] = json!(["API"]);
            c[0]["api"] = json!({"token": "other", "parts": {}});
        }),
        ("another FACEMAP with a link, but not for the API", |c| {
            c[0]["api"] = c[1]["api"].clone();
        }),
        ("a SELFIE for the API", |c| {
            c[2]["allowedChannels"] = json!(["API"]);
            c[2]["api"] = json!({"token": "other", "parts": {"facemap": "x"}});
        }),
    ];
    for (what, edit) in table {
        let stub = StubJumio::start(move |seen| {
            let mut document = documents::started(&seen.base());
            edit(&mut document["workflowExecution"]["credentials"]);
            (seen.method == "PUT").then(|| Reply::json(201, document))
        })
        .await;
        let pending = client(&stub).update_account(account(), &update()).await.unwrap();
        assert_eq!(pending.slot.credential, credential(STORED), "{what}");
    }
}

/// Each row: what is wrong, and the place that the error names.
#[tokio::test]
async fn an_answer_without_exactly_one_slot_is_refused() {
    let credentials = "/workflowExecution/credentials";
    let table: [(String, Edit); 13] = [
        (credentials.into(), |d| d["workflowExecution"]["credentials"] = json!([])),
        (credentials.into(), |d| {
            d["workflowExecution"]["credentials"].as_array_mut().unwrap().remove(1);
        }),
        (credentials.into(), |d| {
            d["workflowExecution"]["credentials"][1]["allowedChannels"] = json!(["WEB"]);
        }),
        (credentials.into(), |d| d["workflowExecution"]["credentials"][1]["api"] = Value::Null),
        (credentials.into(), |d| {
            d["workflowExecution"]["credentials"][1]["category"] = "SELFIE".into();
        }),
        (format!("{credentials}/1"), |d| {
            let mut second = d["workflowExecution"]["credentials"][1].clone();
            second["id"] = documents::id(DEVICE).into();
            second["api"]["parts"]["facemap"] =
                second["api"]["parts"]["facemap"].as_str().unwrap().into();
            d["workflowExecution"]["credentials"][0] =
                d["workflowExecution"]["credentials"][1].clone();
            d["workflowExecution"]["credentials"][1] = second;
        }),
        (format!("{credentials}/1/api/token"), |d| {
            d["workflowExecution"]["credentials"][1]["api"]["token"] = Value::Null;
        }),
        (format!("{credentials}/1/api/token"), |d| {
            d["workflowExecution"]["credentials"][1]["api"]["token"] = "a\r\nb".into();
        }),
        (format!("{credentials}/1/allowedChannels"), |d| {
            d["workflowExecution"]["credentials"][1]["allowedChannels"] = "API".into();
        }),
        ("/account/id".into(), |d| d["account"]["id"] = documents::id(9).into()),
        ("/workflowExecution/id".into(), |d| d["workflowExecution"]["id"] = "x".into()),
        ("/sdk/token".into(), |d| d["sdk"]["token"] = "".into()),
        ("/sdk".into(), |d| d["sdk"] = Value::Null),
    ];
    for (pointer, edit) in table {
        assert_eq!(started(edit).await.err(), Some(unexpected(&pointer)));
    }
}

#[tokio::test]
async fn a_tenant_without_a_web_link_is_served() {
    assert!(started(|d| d["web"] = Value::Null).await.unwrap().web_link.is_none());
    assert!(started(|d| d["web"] = json!({})).await.unwrap().web_link.is_none());
}

#[tokio::test]
async fn the_request_says_what_was_asked_in_jumios_words() {
    let stub = StubJumio::start(|seen| {
        (seen.method == "PUT").then(|| Reply::json(200, documents::started(&seen.base())))
    })
    .await;
    let full = AccountUpdate {
        on_behalf_of: "backend-that-jumio-is-not-told-of".into(),
        customer_internal_reference: "vault-auth-1".into(),
        user_reference: Some("person-1".into()),
        token_lifetime: Some(Duration::from_secs(1800)),
        callback_url: Some("https://vault.example.test/done?s=1".into()),
        web: Some(Web {
            success_url: Some("https://app.example.test/ok".into()),
            error_url: None,
            locale: Some("en-GB".into()),
        }),
        consent: Some(Consent {
            user_ip: Some("203.0.113.24".into()),
            country: "USA".into(),
            state: Some("IL".into()),
            obtained: Some(Obtained::Yes(Timestamp::parse("2026-03-02T09:14:55Z").unwrap())),
        }),
    };
    let jumio = client(&stub);
    let pending = jumio.update_account(account(), &full).await.unwrap();
    assert_eq!(pending.expires, Timestamp::parse("2026-10-19T12:00:00.412Z"));
    jumio.update_account(account(), &update()).await.unwrap();
    let sent = stub.seen_at(&documents::account_path());
    assert_eq!(
        sent[0].json(),
        json!({
            "customerInternalReference": "vault-auth-1",
            "userReference": "person-1",
            "workflowDefinition": {"key": 10071},
            "callbackUrl": "https://vault.example.test/done?s=1",
            "tokenLifetime": "30m",
            "web": {"successUrl": "https://app.example.test/ok", "locale": "en-GB"},
            "userConsent": {
                "userIp": "203.0.113.24",
                "userLocation": {"country": "USA", "state": "IL"},
                "consent": {"obtained": "yes", "obtainedAt": "2026-03-02T09:14:55.000Z"},
            },
        })
    );
    let small = json!({
        "customerInternalReference": "vault-auth-1", "workflowDefinition": {"key": 10071},
    });
    assert_eq!(sent[1].json(), small);
    assert_eq!(sent[1].header("content-type"), Some("application/json"));
    assert_eq!(sent[1].header("authorization"), Some("Bearer token-1"));
    assert_eq!(sent[1].header("user-agent"), Some("ExampleBank fmvault/1.0"));
    let token = &stub.seen_at("/oauth2/token")[0];
    assert_eq!(token.header("authorization"), Some("Basic Y2xpZW50LTE6czNjcmV0"));
    assert_eq!(token.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(token.body, b"grant_type=client_credentials");

    let mut settings = settings_for(&base(&stub));
    settings.workflow_key = "AUTH_BANK".into();
    let jumio = facemap_vault::jumio::HttpJumio::new(settings).unwrap();
    jumio.update_account(account(), &update()).await.unwrap();
    let sent = stub.seen_at(&documents::account_path());
    assert_eq!(sent[2].json()["workflowDefinition"]["key"], "AUTH_BANK");
}

#[tokio::test]
async fn an_upload_is_one_multipart_file_with_its_length() {
    let stub = StubJumio::start(|seen| {
        (seen.method == "POST" && seen.path.ends_with("/parts/FACEMAP"))
            .then(|| Reply::json(200, json!({"api": {"parts": {}}})))
    })
    .await;
    let bytes: Vec<u8> = (0..355_367_u32).flat_map(|n| (n % 251).to_le_bytes()).collect();
    client(&stub).upload_facemap(&slot(), facemap(&bytes)).await.unwrap();
    let seen = stub.seen();
    let [upload] = &seen[..] else { panic!("one request: {}", seen.len()) };
    assert_eq!(format!("{}{}", base(&stub), upload.path), documents::slot(&base(&stub), STORED));
    assert_eq!(upload.header("authorization"), Some("Bearer upload-token-1"));
    assert_eq!(upload.header("user-agent"), Some("ExampleBank fmvault/1.0"));
    let kind = upload.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"facemap.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let want = [head.as_bytes(), &bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    assert!(upload.body == want, "the file is the facemap, byte for byte");
}

#[tokio::test]
async fn any_success_ends_an_upload_whatever_it_says() {
    for reply in [
        Reply::json(200, "{}"),
        Reply::json(201, "not json"),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{").stall(),
        Reply::raw("HTTP/1.1 200 OK\r\n\r\n").close(),
    ] {
        let stub = StubJumio::start(move |_| Some(reply.clone())).await;
        client(&stub).upload_facemap(&slot(), facemap(b"opaque")).await.unwrap();
    }
}

#[tokio::test]
async fn what_refusals_of_an_upload_mean() {
    let interrupted = "upload_interrupted";
    let table: [(u16, &str); 13] = [
        (400, "refused"),
        (401, interrupted),
        (403, "permission_missing"),
        (404, interrupted),
        (405, "refused"),
        (409, interrupted),
        (413, "refused"),
        (415, "refused"),
        (422, "refused"),
        (429, "throttled"),
        (500, interrupted),
        (503, interrupted),
        (307, "url_rejected"),
    ];
    for (status, want) in table {
        let stub = StubJumio::start(move |_| Some(Reply::json(status, "{}"))).await;
        let error = client(&stub).upload_facemap(&slot(), facemap(b"opaque")).await.unwrap_err();
        assert_eq!(error.name(), want, "{status}");
        assert_eq!(stub.seen().len(), 1, "{status}: never twice into one slot");
    }
}

#[tokio::test]
async fn a_lost_answer_to_an_upload_is_an_interruption() {
    for reply in [
        Reply::raw("").close(),
        Reply::raw("HTTP/1.1 2").close(),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Le").close(),
        Reply::raw("nonsense\r\n\r\n").close(),
    ] {
        let stub = StubJumio::start(move |_| Some(reply.clone())).await;
        let error = client(&stub).upload_facemap(&slot(), facemap(b"opaque")).await.unwrap_err();
        assert_eq!(error.name(), "upload_interrupted");
        assert_eq!(stub.seen().len(), 1);
    }
}
