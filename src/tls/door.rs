//! What is accepted at the moment: our certificate, the callers' authorities, what is revoked. It can be
//! exchanged while connections are open.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use zeroize::Zeroizing;

use crate::model::Timestamp;

use super::verifier::{ClientsOnly, expiry};

/// The files, as they were read: PEM.
pub struct Material {
    /// Our certificate, then those between it and its root.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Zeroizing<Vec<u8>>,
    /// The roots that vouch for callers.
    pub client_ca: Vec<u8>,
    /// What those and their intermediates have revoked.
    pub client_crl: Option<Vec<u8>>,
    /// Accept TLS 1.2 too.
    pub tls12: bool,
}

/// Where callers come in.
#[derive(Debug)]
pub struct Door {
    terms: RwLock<Arc<Terms>>,
    exchanges: AtomicU64,
}

/// What is accepted, as of one reading of the files.
#[derive(Debug)]
pub(super) struct Terms {
    /// Which reading it was, counting up.
    pub(super) epoch: u64,
    /// For new connections.
    pub(super) server: Arc<ServerConfig>,
    /// For new connections, and for calls on old ones.
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    expires: Option<Timestamp>,
}

impl Door {
    /// A door with the terms in `material`.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if a file is not what it should be, or they do not fit together.
    pub fn new(material: &Material) -> Result<Self, TlsError> {
        let terms = RwLock::new(Arc::new(Terms::new(material, 0)?));
        Ok(Self { terms, exchanges: AtomicU64::new(0) })
    }

    /// Accepts by `material` from now on; open connections are looked at again before their next call.
    ///
    /// # Errors
    ///
    /// [`TlsError`]; then all stays as it was.
    pub fn exchange(&self, material: &Material) -> Result<(), TlsError> {
        let epoch = self.exchanges.fetch_add(1, Ordering::Relaxed) + 1;
        let terms = Arc::new(Terms::new(material, epoch)?);
        *self.terms.write().unwrap_or_else(PoisonError::into_inner) = terms;
        Ok(())
    }

    /// The last moment at which our own certificate is valid.
    pub fn expires(&self) -> Option<Timestamp> {
        self.terms().expires
    }

    pub(super) fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.terms.read().unwrap_or_else(PoisonError::into_inner))
    }
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

impl Terms {
    fn new(material: &Material, epoch: u64) -> Result<Self, TlsError> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let chain = certificates("tls_cert", &material.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&material.key)
            .map_err(|_| TlsError::NotPem { setting: "tls_key" })?;
        let expires = chain.first().and_then(|own| expiry(own));
        let verifier = verifier(material, &provider)?;
        let versions = if material.tls12 { &VERSIONS[..] } else { &[&TLS13] };
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|_| TlsError::Provider)?
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::KeyOfAnother(error.to_string()))?;
        server.alpn_protocols = vec![b"h2".to_vec()];
        // A resumed session would not look at the certificate again. Connections live for minutes, so
        // whole handshakes cost little.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Self { epoch, server: Arc::new(server), verifier, expires })
    }
}

fn verifier(
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in certificates("client_ca", &material.client_ca)? {
        roots.add(root).map_err(|_| TlsError::NotCertificate { setting: "client_ca" })?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = match &material.client_crl {
        None => builder,
        Some(pem) => {
            let lists: Result<Vec<_>, _> =
                CertificateRevocationListDer::pem_slice_iter(pem).collect();
            let lists = lists.map_err(|_| TlsError::NotPem { setting: "client_crl" })?;
            if lists.is_empty() {
                // An empty file is a file that was cut off.
                return Err(TlsError::NotPem { setting: "client_crl" });
            }
            builder.with_crls(lists)
        }
    };
    let verifier =
        builder.build().map_err(|_| TlsError::NotCertificate { setting: "client_crl" })?;
    Ok(Arc::new(ClientsOnly(verifier)))
}

/// The last moment at which the first certificate in a PEM file is valid.
///
/// # Errors
///
/// [`TlsError`] if there is none.
pub fn certificate_expiry(pem: &[u8]) -> Result<Timestamp, TlsError> {
    let expires = certificates("tls_cert", pem)?.first().and_then(|first| expiry(first));
    expires.ok_or(TlsError::NotCertificate { setting: "tls_cert" })
}

fn certificates(
    setting: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(TlsError::NotPem { setting }),
    }
}

/// Why files cannot be used for TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// Nothing of the kind is in the file.
    #[error("listen.public.{setting}: the file is not whole PEM of the kind it should be")]
    NotPem {
        /// Which.
        setting: &'static str,
    },
    /// What is in the file cannot be used.
    #[error("listen.public.{setting}: what is in the file cannot be used")]
    NotCertificate {
        /// Which.
        setting: &'static str,
    },
    /// Certificate and key are not of one another.
    #[error("listen.public.tls_cert and tls_key do not belong together: {0}")]
    KeyOfAnother(String),
    /// The library lacks what TLS needs.
    #[error("the TLS library offers no suitable version")]
    Provider,
}
