//! From the configuration to the settings of each part.

use std::sync::Arc;

use url::Url;

use crate::audit::LedgerSettings;
use crate::config::{Config, CryptoProvider, Mode as ConfigMode, OnInProgress};
use crate::crypto::Provider;
use crate::jumio::{Rates, Region, Settings as JumioSettings, Timeouts};
use crate::metrics::Metrics;
use crate::model::{ClientSecret, Mode};
use crate::vault::{AdmissionPolicy, Settings};

use super::StartError;

/// Whether facemaps are real.
pub(super) fn mode(config: &Config) -> Mode {
    match config.mode {
        ConfigMode::Production => Mode::Production,
        ConfigMode::Simulator => Mode::Simulator,
    }
}

/// Who computes the sealing.
pub(super) fn provider(config: &Config) -> Provider {
    match config.crypto.provider {
        CryptoProvider::AwsLc => Provider::AwsLc,
        CryptoProvider::RustCrypto => Provider::RustCrypto,
    }
}

/// How the audit trail is kept.
pub(super) fn ledger(config: &Config) -> LedgerSettings {
    LedgerSettings {
        reserve: config.audit.reserve.bytes(),
        write_timeout: config.audit.write_timeout.duration(),
        ..LedgerSettings::new(config.audit.dir.clone())
    }
}

/// The rules of the vault.
pub(super) fn vault(config: &Config) -> Settings {
    let capture = &config.capture;
    let keys = capture.onboarding_workflow_keys.iter().map(|key| key.as_str().to_owned());
    let facemap_len_max = usize::try_from(capture.max_facemap_bytes.bytes()).unwrap_or(usize::MAX);
    Settings {
        admission: AdmissionPolicy {
            workflow_keys: keys.collect(),
            accept_warning: capture.accept_warning,
            try_liveness_link: capture.try_liveness_link,
        },
        retention: config.jumio.retention.duration(),
        warning: capture.warning.duration(),
        critical: capture.critical.duration(),
        facemap_len_max,
        captures_per_second: captures_per_second(config),
        background_captures_max: usize::from(capture.background_max),
        workflow_key: config.jumio.workflow_key.as_str().to_owned(),
        token_lifetime: config.authentication.token_lifetime.duration(),
        supersede: config.authentication.on_in_progress == OnInProgress::Supersede,
        consent_max_age: config.authentication.consent_max_age.duration(),
        key_max_age: config.keys.max_age.duration(),
        datacenter: config.jumio.region.name().to_owned(),
    }
}

/// A capture is two calls of the retrieval service: the details, and the facemap.
fn captures_per_second(config: &Config) -> f64 {
    let limits = &config.jumio.limits;
    limits.retrieval_per_second * (1.0 - limits.reserve_for_authentication) / 2.0
}

/// The client of Jumio. Reads the client's secret.
///
/// # Errors
///
/// [`StartError::Secret`], [`StartError::File`] for the root certificate.
pub(super) fn jumio(config: &Config, metrics: &Arc<Metrics>) -> Result<JumioSettings, StartError> {
    let jumio = &config.jumio;
    let secret = jumio.client_secret.read()?;
    let region: Region = jumio.region.name().parse()?;
    let defaults = JumioSettings::for_region(
        region,
        jumio.client_id.read()?,
        ClientSecret::new(secret.to_string()),
        jumio.user_agent.clone(),
    );
    let base = |given: &Option<crate::config::BaseUrl>, region: Url| {
        given.as_ref().map_or(region, |url| url.url().clone())
    };
    let certificate = jumio.root_certificate.as_ref().map(|path| {
        std::fs::read(path).map_err(|source| StartError::File { path: path.clone(), source })
    });
    let limits = &jumio.limits;
    Ok(JumioSettings {
        auth_url: base(&jumio.auth_url, defaults.auth_url.clone()),
        account_url: base(&jumio.account_url, defaults.account_url.clone()),
        api_url: base(&jumio.api_url, defaults.api_url.clone()),
        retrieval_url: base(&jumio.retrieval_url, defaults.retrieval_url.clone()),
        workflow_key: jumio.workflow_key.as_str().to_owned(),
        simulator: mode(config) == Mode::Simulator,
        extra_root_certificate_pem: certificate.transpose()?,
        proxy: jumio.proxy.as_ref().map(|url| url.url().clone()),
        rates: Rates {
            token: Some(limits.token_per_second),
            account: Some(limits.account_per_second),
            retrieval: Some(limits.retrieval_per_second),
            reserve_for_authentication: limits.reserve_for_authentication,
            ..Rates::default()
        },
        timeouts: Timeouts::default(),
        metrics: Arc::clone(metrics),
        ..defaults
    })
}
