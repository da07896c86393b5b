//! Throw-away certificates: an authority, what it signs and revokes, and a caller that connects with one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// An authority that signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates between what it signs and the root, its own first.
    above: Vec<CertificateDer<'static>>,
    pub(crate) serial: u64,
}

/// A certificate, those above it but for the root, and its key.
#[derive(Clone)]
pub(crate) struct Certified {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: String,
    pub(crate) serial: u64,
}

/// What a certificate says. The usual one is good for a caller.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) uris: Vec<Vec<u8>>,
    pub(crate) domains: Vec<Vec<u8>>,
    pub(crate) common_name: String,
    pub(crate) usages: Vec<ExtendedKeyUsagePurpose>,
    /// First and last year.
    pub(crate) years: (i32, i32),
    pub(crate) is_ca: bool,
}

impl Leaf {
    /// A caller's certificate with one URI.
    pub(crate) fn uri(uri: impl AsRef<[u8]>) -> Self {
        Self { uris: vec![uri.as_ref().to_vec()], ..Self::default() }
    }
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            uris: Vec::new(),
            domains: Vec::new(),
            common_name: "somebody".to_owned(),
            usages: vec![ExtendedKeyUsagePurpose::ClientAuth],
            years: (2020, 2090),
            is_ca: false,
        }
    }
}

fn next_serial() -> u64 {
    static SERIAL: AtomicU64 = AtomicU64::new(1000);
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

fn ca_params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(serial.into());
    params
}

impl Authority {
    /// A root.
    pub(crate) fn root(name: &str) -> Self {
        let serial = next_serial();
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(ca_params(name, serial), key).unwrap();
        Self { issuer, above: Vec::new(), serial }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let serial = next_serial();
        let (params, key) = (ca_params(name, serial), KeyPair::generate().unwrap());
        let issuer = CertifiedIssuer::signed_by(params, key, &self.issuer).unwrap();
        let above = std::iter::once(issuer.der().clone()).chain(self.above.clone()).collect();
        Self { issuer, above, serial }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs what `leaf` says.
    pub(crate) fn sign(&self, leaf: &Leaf) -> Certified {
        let (key, serial) = (KeyPair::generate().unwrap(), next_serial());
        let der = params(leaf, serial).signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = std::iter::once(der).chain(self.above.clone()).collect();
        Certified { chain, key: key.serialize_pem(), serial }
    }

    /// Its list of what it has revoked.
    pub(crate) fn revoked(&self, serials: &[u64]) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(next_serial()),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// A certificate that nobody but itself vouches for.
pub(crate) fn self_signed(leaf: &Leaf) -> Certified {
    let (key, serial) = (KeyPair::generate().unwrap(), next_serial());
    let der = params(leaf, serial).self_signed(&key).unwrap().der().clone();
    Certified { chain: vec![der], key: key.serialize_pem(), serial }
}

fn params(leaf: &Leaf, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, leaf.common_name.as_str());
    params.not_before = date_time_ymd(leaf.years.0, 1, 1);
    params.not_after = date_time_ymd(leaf.years.1, 1, 1);
    params.extended_key_usages.clone_from(&leaf.usages);
    params.serial_number = Some(serial.into());
    if leaf.is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    // By hand, since no library would write some of the names.
    let name = |tag: u8| move |name: &Vec<u8>| der(tag, name);
    let names = leaf.uris.iter().map(name(0x86)).chain(leaf.domains.iter().map(name(0x82)));
    let names: Vec<u8> = names.flatten().collect();
    if !names.is_empty() {
        let extension = CustomExtension::from_oid_content(&[2, 5, 29, 17], der(0x30, &names));
        params.custom_extensions.push(extension);
    }
    params
}

/// A value behind its tag and length, as DER wants it.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    let head = match value.len() {
        0..0x80 => vec![tag, length[3]],
        0x80..0x1_0000 => vec![tag, 0x82, length[2], length[3]],
        _ => vec![tag, 0x84, length[0], length[1], length[2], length[3]],
    };
    [&head[..], value].concat()
}

impl Certified {
    /// Of files: one certificate, and its key.
    pub(crate) fn read(certificate: &Path, key: &Path) -> Self {
        let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
        Self { chain, key: std::fs::read_to_string(key).unwrap(), serial: 0 }
    }

    /// Certificate and key as files; those above it stand below it.
    pub(crate) fn pem(&self) -> (String, String) {
        let chain = self.chain.iter().map(|der| {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
        });
        (chain.collect(), self.key.clone())
    }
}

/// The client side of TLS: trusts what is in the file `ca`, and shows `who`.
pub(crate) fn client(ca: &Path, who: Option<&Certified>) -> TlsConnector {
    client_of(ca, who, ALL_VERSIONS)
}

/// As [`client`], with these versions of TLS only.
pub(crate) fn client_of(
    ca: &Path,
    who: Option<&Certified>,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(ca).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match who {
        None => builder.with_no_client_auth(),
        Some(who) => {
            let key = PrivateKeyDer::from_pem_slice(who.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(who.chain.clone(), key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A connection to `address` over TLS. That it is there does not mean that the vault likes it: in
/// TLS 1.3 the refusal of a certificate is read with the first answer.
pub(crate) async fn connect_tls(
    address: &str,
    connector: &TlsConnector,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// A channel of gRPC over [`connect_tls`].
pub(crate) fn channel(address: &str, connector: &TlsConnector) -> Channel {
    let (address, connector) = (address.to_owned(), connector.clone());
    let connect = service_fn(move |_| {
        let (address, connector) = (address.clone(), connector.clone());
        async move { connect_tls(&address, &connector).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://vault.invalid").connect_with_connector_lazy(connect)
}
