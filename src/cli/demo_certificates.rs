//! Throw-away certificates of the demo: an authority, and what it signs for the vault and for one
//! backend. Made anew at every start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::model::Timestamp;

use super::demo_world::write_private;
use super::exit::Failure;

/// What the backend's certificate says, and the demo's settings let in.
pub(super) const BACKEND: &str = "spiffe://fmvault.demo/backend";

/// The authority's certificate, for both sides.
pub(super) const CA: &str = "ca.pem";
/// The vault's certificate.
pub(super) const VAULT: &str = "vault.pem";
/// The vault's key.
pub(super) const VAULT_KEY: &str = "vault-key.pem";
/// The backend's certificate.
const BACKEND_CERT: &str = "backend.pem";
/// The backend's key.
const BACKEND_KEY: &str = "backend-key.pem";

/// How long they are good for.
const LIFE: Duration = Duration::from_secs(30 * 86_400);
/// Clocks may differ by this much.
const SKEW: Duration = Duration::from_secs(3600);

/// A folder with the demo's certificates.
pub(super) struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Makes them, and writes them into `dir`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// If they cannot be made or written.
    pub(super) fn make(dir: PathBuf, now: Timestamp) -> Result<Self, Failure> {
        std::fs::create_dir_all(&dir).map_err(|error| {
            Failure::unexpected(format!("{} cannot be made: {error}", dir.display()))
        })?;
        let files = signed(now).map_err(|error| {
            Failure::unexpected(format!("the demo's certificates cannot be made: {error}"))
        })?;
        for (name, pem) in files {
            write_private(&dir.join(name), &pem)?;
        }
        Ok(Self { dir })
    }

    /// Where they are.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of one of them.
    pub(super) fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// A connection to the vault at `address`, as the backend.
    ///
    /// # Errors
    ///
    /// If the files are not there, or the vault does not answer.
    pub(super) async fn connect(&self, address: SocketAddr) -> Result<Channel, Failure> {
        let tls = TlsConnector::from(Arc::new(self.client()?));
        let connect = service_fn(move |_| {
            let tls = tls.clone();
            async move {
                let stream = TcpStream::connect(address).await?;
                tls.connect(ServerName::from(address.ip()), stream).await.map(TokioIo::new)
            }
        });
        // The address is never used: the connector knows where to go.
        let vault = Endpoint::from_static("http://fmvault.invalid");
        vault
            .connect_with_connector(connect)
            .await
            .map_err(|error| Failure::unexpected(format!("the vault does not answer: {error}")))
    }

    fn client(&self) -> Result<ClientConfig, Failure> {
        let failed = |error: &dyn std::error::Error| {
            Failure::unexpected(format!("the demo's certificates cannot be used: {error}"))
        };
        let read = |name| CertificateDer::from_pem_file(self.dir.join(name));
        let mut roots = RootCertStore::empty();
        roots.add(read(CA).map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
        let certificate = read(BACKEND_CERT).map_err(|error| failed(&error))?;
        let key = PrivateKeyDer::from_pem_file(self.dir.join(BACKEND_KEY))
            .map_err(|error| failed(&error))?;
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)
            .map_err(|error| failed(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

/// The files and what is in them. The authority's key is not among them: it signs nothing more.
fn signed(now: Timestamp) -> Result<[(&'static str, String); 5], rcgen::Error> {
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let today = date_time_ymd(1970, 1, 1) + Duration::from_millis(now.as_millis());
        params.not_before = today - SKEW;
        params.not_after = today + LIFE;
        params
    };
    let mut authority = params("fmvault demo, throw-away");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut vault = params("fmvault demo");
    vault.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    ];
    vault.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let vault_key = KeyPair::generate()?;

    let mut backend = params("backend of the demo");
    backend.subject_alt_names = vec![SanType::URI(BACKEND.try_into()?)];
    backend.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let backend_key = KeyPair::generate()?;

    Ok([
        (CA, authority.pem()),
        (VAULT, vault.signed_by(&vault_key, &authority)?.pem()),
        (VAULT_KEY, vault_key.serialize_pem()),
        (BACKEND_CERT, backend.signed_by(&backend_key, &authority)?.pem()),
        (BACKEND_KEY, backend_key.serialize_pem()),
    ])
}
