//! The real Jumio client against a local server that says whatever a test wants.

mod budgets;
mod deciding;
mod documents;
mod framing;
mod hostile;
mod mutations;
mod reading;
mod settings;
mod starting;
mod timeouts;
mod tls;
mod tokens;

use std::time::Duration;

use facemap_vault::jumio::{AccountUpdate, HttpJumio, JumioError, Rates, Settings, Timeouts};
use facemap_vault::model::{AccountId, ClientSecret, CredentialId, Id, WorkflowExecutionId};
use url::Url;

use crate::support::stub_jumio::StubJumio;

/// The account of these tests.
fn account() -> AccountId {
    Id::from_bytes([0xa1; 16])
}

/// The execution of these tests.
fn execution() -> WorkflowExecutionId {
    Id::from_bytes([0xe2; 16])
}

/// A credential of these tests, by number.
fn credential(n: u8) -> CredentialId {
    Id::from_bytes([n; 16])
}

/// Settings for a simulator at `address`, without budgets.
fn settings_for(base: &str) -> Settings {
    let url = Url::parse(base).unwrap();
    Settings {
        auth_url: url.clone(),
        account_url: url.clone(),
        api_url: url.clone(),
        retrieval_url: url,
        client_id: "client-1".to_owned(),
        client_secret: ClientSecret::new("s3cret".to_owned()),
        user_agent: "ExampleBank fmvault/1.0".to_owned(),
        workflow_key: "10071".to_owned(),
        simulator: true,
        extra_root_certificate_pem: None,
        proxy: None,
        rates: no_rates(),
        timeouts: Timeouts::default(),
        metrics: std::sync::Arc::default(),
    }
}

fn no_rates() -> Rates {
    Rates { token: None, account: None, retrieval: None, ..Rates::default() }
}

/// Where `stub` is, as a base without the slash at its end.
fn base(stub: &StubJumio) -> String {
    format!("http://{}", stub.address())
}

/// A client of `stub` without budgets.
fn client(stub: &StubJumio) -> HttpJumio {
    HttpJumio::new(settings_for(&base(stub))).unwrap()
}

/// The same with timeouts short enough to wait for.
fn impatient_client(stub: &StubJumio) -> HttpJumio {
    let mut settings = settings_for(&base(stub));
    settings.timeouts = Timeouts {
        connect: Duration::from_millis(150),
        head: Duration::from_millis(150),
        idle: Duration::from_millis(150),
        total: Duration::from_millis(600),
    };
    HttpJumio::new(settings).unwrap()
}

/// The smallest update.
fn update() -> AccountUpdate {
    AccountUpdate {
        customer_internal_reference: "vault-auth-1".to_owned(),
        ..AccountUpdate::default()
    }
}

fn unexpected(pointer: &str) -> JumioError {
    JumioError::ResponseUnexpected { pointer: pointer.to_owned() }
}

fn url_rejected(pointer: &str) -> JumioError {
    JumioError::UrlRejected { pointer: pointer.to_owned() }
}
