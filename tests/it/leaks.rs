//! Nothing secret is where it does not belong: a whole journey with recognisable secrets, logged at
//! TRACE with all dependencies, and then a search through logs, output and every file.

mod injection;
mod operators;
mod panics;
mod paths;
mod search;
mod secured;

use facemap_vault::proto::v1::{ClientSession, GetAuthenticationRequest, GetEnrollmentRequest};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::caller::{Caller, Told, enroll, start};
use crate::support::pki::Authority;
use crate::support::rng::Rng;
use crate::support::secured::{TLS, write_certificates};
use crate::support::site::{CLIENT_ID, CLIENT_SECRET, Person, Site, write_private};
use search::{Pattern, Search};

const PASSPHRASE: &str = "marker-passphrase pelican orbit candle seven";
const ACCESS_TOKEN: &str = "marker-access-token-1f9d5ac07be2";
const UPLOAD_TOKEN: &str = "marker-upload-token-60c2b7715dd4";
const SDK_TOKEN: &str = "marker-sdk-token-b31e9a77c05f";
const WEB_TOKEN: &str = "marker-web-token-99d0446ea1c8";
const PATH_SECRET: &str = "marker-path-secret-0f1e2d3c4b5a69788796a5b4";
const INTERNAL_REFERENCE: &str = "marker-internal-reference-52c1";
const USER_REFERENCE: &str = "marker-user-reference-a90d";
const USER_IP: &str = "203.0.113.241";
const SUCCESS_URL: &str = "https://marker-success.example.com/landing";
const ERASURE_REASON: &str = "marker-erasure-reason-31c5";
const CLOSE_REASON: &str = "marker-close-reason-77e0";
/// How many different things are looked for, at the least.
const CANARIES: usize = 40;

#[tokio::test]
async fn nothing_secret_is_written_anywhere() {
    let callers = secured::callers();
    let settings = [
        ("listen.public.caller", callers.as_str()),
        ("keys.key_file", ""),
        ("keys.passphrase", "file:{dir}/passphrase"),
        ("log.level", "trace"),
        ("capture.max_facemap_bytes", "64KiB"),
        ("listen.callback.enabled", "true"),
        ("listen.callback.address", "127.0.0.1:0"),
        ("listen.callback.path_secret", "file:{dir}/path-secret"),
    ];
    let site = Site::start(&[&TLS[..], &settings].concat()).await;
    let authority = Authority::root("callers' root");
    write_certificates(&site, &authority);
    write_private(&site.path("passphrase"), PASSPHRASE.as_bytes());
    write_private(&site.path("path-secret"), PATH_SECRET.as_bytes());
    let recovery = site.path("recovery").display().to_string();
    let init = site.run(&["keys", "init", "--recovery-file", &recovery]).await;
    init.ok();
    let server = site.serve(&["-v"]).await;
    let mut caller = secured::caller(&site, &authority, server.told("grpc"));
    let mark: [u8; 64] = Rng::new(0xfaceface).bytes(64).try_into().unwrap();

    let person = onboarded(&site, &mark, 200).await;
    caller.create_enrollment(enroll(&person, 10)).await.unwrap();
    let session = a_login(&site, &mut caller, &person).await;
    let others = failures(&site, &mut caller, &mark, &person).await;
    let mut told = paths::every_rpc(&mut caller, &person, &others).await;
    told.extend(paths::callbacks(server.told("callback"), &person).await);
    let mut printed = operators::look(&site, &person).await;
    printed.extend(operators::act(&site, &others).await);
    printed.extend(operators::keys(&site).await);
    printed.extend(operators::audit(&site, &person).await);
    operators::assert_every_rpc_was_called(&site).await;
    told.push(paths::page(server.told("http"), "metrics").await);
    told.push(paths::page(server.told("http"), "readyz").await);
    let (rest, ended) = server.stop(Signal::TERM).await;
    assert_eq!(ended.code(), Some(0));

    let log = site.log();
    assert!(log.contains("\"level\":\"TRACE\"") && log.contains("hyper"), "not at TRACE with all");
    assert!(log.contains("UploadInterrupted") || log.contains("interrupted"), "no failure logged");

    let web = session.web_href.split("authorizationToken=").nth(1).unwrap_or(&session.web_href);
    let mut patterns = vec![
        Pattern::text("passphrase", PASSPHRASE),
        Pattern::text("client secret", CLIENT_SECRET),
        Pattern::base64("client credentials", format!("{CLIENT_ID}:{CLIENT_SECRET}").as_bytes()),
        Pattern::text("access token", ACCESS_TOKEN),
        Pattern::text("upload token", UPLOAD_TOKEN),
        Pattern::text("SDK token", SDK_TOKEN),
        Pattern::text("SDK token of the session", &session.sdk_token),
        Pattern::text("web token", WEB_TOKEN),
        Pattern::text("web token of the session", web),
    ];
    patterns.extend([
        Pattern::text("path secret of callbacks", PATH_SECRET),
        Pattern::text("internal reference", INTERNAL_REFERENCE),
        Pattern::text("user reference", USER_REFERENCE),
        Pattern::text("person's address", USER_IP),
        Pattern::text("where the browser goes", SUCCESS_URL),
        Pattern::base64("passphrase", PASSPHRASE.as_bytes()),
        Pattern::hex("passphrase", PASSPHRASE.as_bytes()),
        Pattern::base64("client secret", CLIENT_SECRET.as_bytes()),
        Pattern::hex("client secret", CLIENT_SECRET.as_bytes()),
        Pattern::base64("access token", ACCESS_TOKEN.as_bytes()),
        Pattern::base64("upload token", UPLOAD_TOKEN.as_bytes()),
        Pattern::base64("SDK token", SDK_TOKEN.as_bytes()),
        Pattern::text("reason of a closing", CLOSE_REASON),
        Pattern::text("reason of an erasure", ERASURE_REASON),
    ]);
    let recovery = std::fs::read_to_string(recovery).unwrap();
    patterns.extend([
        Pattern::text("recovery key", recovery.trim()),
        Pattern::text("recovery key, upper case", &recovery.trim().to_uppercase()),
        Pattern::text("recovery key, without hyphens", &recovery.trim().replace('-', "")),
    ]);
    patterns.extend(secured::patterns(&site));
    patterns.extend(operators::canaries(&site));
    patterns.extend(Pattern::facemap(&mark));
    for account in [&person, &others].into_iter().map(|person| &person.account) {
        patterns.extend(Pattern::id(account));
    }
    assert!(patterns.len() >= CANARIES, "only {} canaries", patterns.len());
    let own = ["client-secret", "passphrase", "path-secret", "server.key", "recovery"];
    let own = [&own[..], &operators::FILES].concat();
    let mut search = Search::in_files(site.dir.path(), &own);
    search.add("output", [rest, init.stdout, init.stderr].concat().into_bytes());
    // Whoever names an account is told about it; operators see the reasons that they gave.
    let but = |words: &[&str]| -> Vec<Pattern> {
        let is_known = |p: &&Pattern| !words.iter().any(|word| p.what.starts_with(word));
        patterns.iter().filter(is_known).cloned().collect()
    };
    let known_to_operators = but(&["account", "reason"]);
    let known_to_callers = but(&["account", "internal reference"]);
    let shown = Search::in_texts("printed by commands", printed);
    shown.assert_clean(&known_to_operators);
    let told = Search::in_texts("told to callers", told);
    told.assert_clean(&known_to_callers);
    search.assert_finds(&patterns);
    search.assert_clean(&patterns);
}

/// Somebody whose facemap is `mark` over and over.
async fn onboarded(site: &Site, mark: &[u8], times: usize) -> Person {
    use base64::Engine as _;
    let facemap = base64::prelude::BASE64_STANDARD.encode(mark.repeat(times));
    site.onboard(json!({ "facemap_base64": facemap })).await
}

/// A login that succeeds; what the device was given.
async fn a_login(site: &Site, caller: &mut Caller, person: &Person) -> ClientSession {
    let started = caller.start_authentication(paths::telling(&person.account)).await;
    let started = started.unwrap().into_inner();
    let authentication = started.authentication.unwrap();
    let execution = &authentication.workflow_execution_id;
    assert_eq!(site.uploads(execution).await, std::slice::from_ref(&person.sha256));
    site.remote.post(&format!("executions/{execution}/journey"), &json!({})).await.unwrap();
    let wait = Some(prost_types::Duration { seconds: 10, nanos: 0 });
    let request = GetAuthenticationRequest { name: authentication.name, wait };
    caller.get_authentication(request).await.unwrap();
    started.client_session.unwrap()
}

/// Requests that fail in every part of the vault, each with something secret at hand. Gives another
/// person, who was too large to capture and is erased.
async fn failures(site: &Site, caller: &mut Caller, mark: &[u8], person: &Person) -> Person {
    let refused = async |caller: &mut Caller, person: &Person| {
        let mut request = start(&person.account);
        request.on_in_progress = 2;
        Told::by(&caller.start_authentication(request).await.unwrap_err()).reason
    };
    let large = onboarded(site, mark, 2000).await;
    caller.create_enrollment(enroll(&large, 10)).await.unwrap();
    assert_eq!(refused(caller, &large).await, "FACEMAP_TOO_LARGE");

    // Jumio hands out marked tokens; the upload with one of them is refused.
    site.fault(json!({ "method": "PUT", "action": {
        "status": 200, "body": marked_answer(site, &person.account).await } }))
        .await;
    assert_eq!(refused(caller, person).await, "UPLOAD_INTERRUPTED");
    for action in
        [json!({ "status": 500 }), json!({ "reset": true }), json!({ "drop_answer": true })]
    {
        site.fault(json!({ "method": "POST", "path": "/parts/", "action": action })).await;
        assert_eq!(refused(caller, person).await, "UPLOAD_INTERRUPTED");
    }
    // A download that is cut in the middle of the facemap.
    let cut = onboarded(site, mark, 300).await;
    let fault = json!({ "path": "/parts/FACEMAP$", "action": { "cut_after_bytes": 10_000 } });
    site.fault(fault).await;
    caller.create_enrollment(enroll(&cut, 10)).await.unwrap();

    let name = "enrollments/../../etc".to_owned();
    caller.get_enrollment(GetEnrollmentRequest { name }).await.unwrap_err();

    // An access token that Jumio refuses, then credentials that it refuses.
    site.remote.post("revoke", &json!({})).await.unwrap();
    let body = json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600 });
    let action = json!({ "status": 200, "body": body,
        "headers": { "content-type": "application/json" } });
    site.fault(json!({ "path": "/oauth2/token", "times": 9, "action": action })).await;
    assert_eq!(refused(caller, person).await, "JUMIO_CREDENTIALS_REJECTED");
    cut
}

/// Jumio's answer to an update of `account`, with tokens that can be recognised.
async fn marked_answer(site: &Site, account: &str) -> Value {
    let http = reqwest::Client::builder().no_proxy().user_agent("test/1.0").build().unwrap();
    let token = http
        .post(format!("{}/oauth2/token", site.sim.url()))
        .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let read = async |request: reqwest::RequestBuilder| -> Value {
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
    };
    let token = read(token).await["access_token"].as_str().unwrap().to_owned();
    let update =
        json!({ "customerInternalReference": "x", "workflowDefinition": { "key": 10071 } });
    let request = http
        .put(format!("{}/api/v1/accounts/{account}", site.sim.url()))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(update.to_string());
    let mut answer = read(request).await;
    let real = answer["sdk"]["token"].as_str().unwrap().to_owned();
    let with = |value: &Value, token: &str| -> Value {
        serde_json::from_str(&value.to_string().replace(&real, token)).unwrap()
    };
    answer["sdk"] = with(&answer["sdk"], SDK_TOKEN);
    answer["web"] = with(&answer["web"], WEB_TOKEN);
    with(&answer, UPLOAD_TOKEN)
}
