//! The simulator in another process, behind TLS, with its rate limits off, as the vault and as a bare
//! client see it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use facemap_vault::jumio::{HttpJumio, Rates, Region, Settings};
use facemap_vault::model::{AccountId, ClientSecret, WorkflowExecutionId};
use reqwest::{Certificate, Client, redirect};
use serde_json::{Value, json};
use url::Url;

/// A running `fmvault sim`. It ends when this is dropped.
pub struct Simulator {
    process: Child,
    pub url: String,
    pub client_id: String,
    pub client_secret: String,
    pem: Vec<u8>,
    control: Client,
}

/// An account whose onboarding passed.
#[derive(Debug, Clone, Copy)]
pub struct Onboarded {
    pub account: AccountId,
    pub execution: WorkflowExecutionId,
}

impl Simulator {
    /// Starts one with a throw-away certificate, whose files are kept in `dir`.
    pub fn start(dir: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let pem = made.cert.pem().into_bytes();
        let (cert, key) = (dir.join("sim.crt"), dir.join("sim.key"));
        std::fs::write(&cert, &pem).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_fmvault"))
            .args(["sim", "--format", "json", "--tls-cert"])
            .arg(&cert)
            .arg("--tls-key")
            .arg(&key)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        Self {
            process,
            url: text("url"),
            client_id: text("client_id"),
            client_secret: text("client_secret"),
            control: client(&pem, usize::MAX),
            pem,
        }
    }

    /// Forgets everything, then onboards `count` accounts with facemaps of `len` bytes.
    pub async fn onboard(&self, count: usize, len: usize) -> Vec<Onboarded> {
        let body = json!({ "count": count, "facemap_size": len });
        let answer = self.post("onboardings", &body).await;
        let onboardings = answer["onboardings"].as_array().unwrap();
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        onboardings
            .iter()
            .map(|made| Onboarded {
                account: id(&made["account_id"]).parse().unwrap(),
                execution: id(&made["workflow_execution_id"]).parse().unwrap(),
            })
            .collect()
    }

    /// Forgets accounts and journal, so that it stays as fast as at its start.
    pub async fn reset(&self) {
        self.post("reset", &json!({})).await;
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.control.post(format!("{}/__sim/{path}", self.url));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// Jumio as the vault uses it. Our own call budgets are off too.
    pub fn jumio(&self) -> HttpJumio {
        let url: Url = self.url.parse().unwrap();
        let secret = ClientSecret::new(self.client_secret.clone());
        let agent = "ExampleBank bench/1.0".to_owned();
        let settings = Settings::for_region(Region::Amer1, self.client_id.clone(), secret, agent);
        HttpJumio::new(Settings {
            auth_url: url.clone(),
            account_url: url.clone(),
            api_url: url.clone(),
            retrieval_url: url,
            simulator: true,
            extra_root_certificate_pem: Some(self.pem.clone()),
            rates: Rates { token: None, account: None, retrieval: None, ..Rates::default() },
            ..settings
        })
        .unwrap()
    }

    /// Bare clients: one that uses its connections again, and one that does not.
    pub async fn bare(self: &Arc<Self>) -> Bare {
        let pooled = client(&self.pem, usize::MAX);
        let request = pooled
            .post(format!("{}/oauth2/token", self.url))
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer = request.send().await.unwrap().bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Bare { url: self.url.clone(), token, fresh: client(&self.pem, 0), pooled }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The client library that the vault uses, with the vault's settings, and nothing else of the vault.
#[derive(Clone)]
pub struct Bare {
    pub url: String,
    pub token: String,
    pub pooled: Client,
    /// As the vault downloads: a connection for each request.
    pub fresh: Client,
}

fn client(pem: &[u8], idle_connections: usize) -> Client {
    Client::builder()
        .user_agent("ExampleBank bench/1.0")
        .http1_only()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(idle_connections)
        .tls_certs_only([Certificate::from_pem(pem).unwrap()])
        .build()
        .unwrap()
}
