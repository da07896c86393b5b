//! The simulator, driven over HTTP, against the shapes and rules that Jumio's documents record.

mod accounts;
mod callbacks;
mod control;
mod deletion;
mod documents;
mod faults;
mod journeys;
mod oauth;
mod tls;
mod uploads;
mod validation;

use std::collections::BTreeSet;

use facemap_vault::sim::{Options, Running, Simulator};
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::{Value, json};

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body of a 200.
    fn ok(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, 200, "{text}");
        self.json()
    }
}

/// A simulator and a client of its first world.
struct Jumio {
    sim: Running,
    http: reqwest::Client,
    client_id: String,
    client_secret: String,
}

/// What an onboarding made by the control API is called.
#[derive(Clone)]
struct Onboarded {
    account: String,
    execution: String,
    sha256: String,
}

/// What an account call opened.
struct Opened {
    execution: String,
    token: String,
    slot: String,
    answer: Value,
}

impl Jumio {
    async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    async fn start_with(options: Options) -> Self {
        let sim = Simulator::start(options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().user_agent("Test Suite/1.0");
        let (client_id, client_secret) = (sim.client_id().into(), sim.client_secret().into());
        Self { sim, http: http.build().unwrap(), client_id, client_secret }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.url())
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, self.url(&format!("/__sim/{path}")));
        let request = request.header("client_id", &self.client_id).body(body.to_string());
        Answer::of(request.send().await.unwrap()).await
    }

    async fn tenant(&self, changes: Value) {
        self.control("PATCH", "tenant", changes).await.ok();
    }

    async fn advance(&self, by: &str) {
        self.control("POST", "clock", json!({ "advance": by })).await.ok();
    }

    async fn onboard(&self, how: Value) -> Onboarded {
        let answer = self.control("POST", "onboardings", how).await.ok();
        let made = &answer["onboardings"][0];
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Onboarded {
            account: text("account_id"),
            execution: text("workflow_execution_id"),
            sha256: text("facemap_sha256"),
        }
    }

    /// A valid access token.
    async fn access_token(&self) -> String {
        let request = self
            .http
            .post(self.url("/oauth2/token"))
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer = Answer::of(request.send().await.unwrap()).await.ok();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// An authorized call.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = if path.starts_with("http") { path.to_owned() } else { self.url(path) };
        let mut request = self.http.request(method, url).bearer_auth(self.access_token().await);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Answer::of(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    async fn details(&self, account: &str, execution: &str) -> Answer {
        self.get(&format!("/api/v1/accounts/{account}/workflow-executions/{execution}")).await
    }

    /// Opens an execution of 10071 on `account`.
    async fn open(&self, account: &str) -> Opened {
        let body = json!({
            "customerInternalReference": "vault-auth-000042",
            "workflowDefinition": { "key": 10071 },
        });
        self.open_with(account, body).await
    }

    async fn open_with(&self, account: &str, body: Value) -> Opened {
        let answer =
            self.call("PUT", &format!("/api/v1/accounts/{account}"), Some(body)).await.ok();
        let credentials = answer["workflowExecution"]["credentials"].as_array().unwrap();
        let slot = credentials.iter().find(|credential| credential.get("api").is_some()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Opened {
            execution: text(&answer["workflowExecution"]["id"]),
            token: text(&slot["api"]["token"]),
            slot: slot["api"]["parts"]["facemap"].as_str().unwrap_or_default().to_owned(),
            answer,
        }
    }

    async fn upload(&self, opened: &Opened, bytes: &[u8]) -> Answer {
        self.send("POST", &opened.slot, &opened.token, multipart("file", bytes)).await
    }

    async fn send(
        &self,
        method: &str,
        url: &str,
        token: &str,
        (kind, body): (String, Vec<u8>),
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, url).bearer_auth(token);
        let request = request.header("content-type", kind).body(body);
        Answer::of(request.send().await.unwrap()).await
    }

    async fn journey(&self, execution: &str, how: Value) -> Answer {
        self.control("POST", &format!("executions/{execution}/journey"), how).await
    }

    /// Downloads the facemap of an onboarding by its link.
    async fn download(&self, onboarded: &Onboarded) -> Answer {
        let details = self.details(&onboarded.account, &onboarded.execution).await.ok();
        let link = facemap_part(&details)["href"].as_str().unwrap().to_owned();
        self.get(&link).await
    }

    async fn violations(&self) -> Vec<String> {
        let listed = self.control("GET", "violations", json!({})).await.ok();
        let what = |entry: &Value| entry["what"].as_str().unwrap().to_owned();
        listed.as_array().unwrap().iter().map(what).collect()
    }
}

/// The FACEMAP part of the first FACEMAP credential in `details`.
fn facemap_part(details: &Value) -> &Value {
    let credentials = details["credentials"].as_array().unwrap();
    let facemap = credentials.iter().find(|found| found["category"] == "FACEMAP").unwrap();
    let parts = facemap["parts"].as_array().unwrap();
    parts.iter().find(|part| part["classifier"] == "FACEMAP").unwrap()
}

/// A form with one file, and its content type.
fn multipart(field: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    let head = format!(
        "--b0undary\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"facemap.bin\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, b"\r\n--b0undary--\r\n"].concat();
    ("multipart/form-data; boundary=b0undary".to_owned(), body)
}

/// The names of the fields of an object.
fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A set of names, to compare with [`keys`].
fn names<const N: usize>(names: [&'static str; N]) -> BTreeSet<&'static str> {
    BTreeSet::from(names)
}

/// SHA-256 as hexadecimal text.
fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

/// `template` with every string, number and boolean replaced by the name of its type, so that
/// shapes can be compared.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
    }
}
