//! TLS: only a certificate that is trusted, named right and in time.

use std::sync::Arc;

use facemap_vault::jumio::{HttpJumio, Jumio as _, JumioError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::{account, documents, execution, settings_for};
use crate::support::stub_jumio::{Reply, StubJumio};

/// A certificate authority that only a test trusts.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A server with a certificate for `name` that ends with `year`.
    async fn server(
        &self,
        name: &str,
        year: i32,
        versions: &[&'static SupportedProtocolVersion],
    ) -> StubJumio {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        StubJumio::with_tls(Some(TlsAcceptor::from(Arc::new(config))), |seen| {
            let status = documents::status("https://x", "ACQUIRED");
            seen.path.starts_with("/api").then(|| Reply::json(200, status))
        })
        .await
    }
}

async fn look(stub: &StubJumio, pem: Option<Vec<u8>>) -> Result<(), JumioError> {
    let mut settings = settings_for(&format!("https://localhost:{}", stub.address().port()));
    settings.extra_root_certificate_pem = pem;
    let jumio = HttpJumio::new(settings).unwrap();
    jumio.authentication(account(), execution()).await.map(drop)
}

const BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];
const CANNOT: Result<(), JumioError> = Err(JumioError::Unavailable { what: "cannot connect" });

#[tokio::test]
async fn a_trusted_server_is_spoken_to_in_tls_12_and_13() {
    let authority = Authority::new();
    for versions in [&BOTH[..], &BOTH[..1], &BOTH[1..]] {
        let stub = authority.server("localhost", 2090, versions).await;
        assert_eq!(look(&stub, Some(authority.pem())).await, Ok(()));
    }
}

#[tokio::test]
async fn a_server_that_is_not_who_it_says_hears_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let table = [
        ("not trusted", authority.server("localhost", 2090, &BOTH).await, None),
        ("of another authority", authority.server("localhost", 2090, &BOTH).await, Some(&other)),
        ("another's name", authority.server("other.test", 2090, &BOTH).await, Some(&authority)),
        ("expired", authority.server("localhost", 2021, &BOTH).await, Some(&authority)),
    ];
    for (what, stub, trusted) in table {
        assert_eq!(look(&stub, trusted.map(Authority::pem)).await, CANNOT, "{what}");
        assert!(stub.seen().is_empty(), "{what}");
    }
    let plain = StubJumio::start(|_| None).await;
    assert_eq!(look(&plain, Some(authority.pem())).await, CANNOT, "no TLS at all");
    assert!(plain.seen().is_empty());
}

#[tokio::test]
#[ignore = "run by the test of the environment, in an environment of its own"]
async fn a_call_over_tls_with_any_environment() {
    let authority = Authority::new();
    let stub = authority.server("localhost", 2090, &BOTH).await;
    assert_eq!(look(&stub, Some(authority.pem())).await, Ok(()));
}
