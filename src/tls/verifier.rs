//! Which certificates of callers are accepted.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::model::Timestamp;

/// What webpki checks (chain, times, revocation), and that the certificate says it is for clients.
/// webpki accepts a certificate that says nothing about its use.
#[derive(Debug)]
pub(super) struct ClientsOnly(pub(super) Arc<dyn ClientCertVerifier>);

/// Certificates that a caller may send. A path has a leaf, and seldom more than one intermediate.
const CHAIN_MAX: usize = 8;

impl ClientCertVerifier for ClientsOnly {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Who asks without a certificate of ours need not learn whose would do.
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if intermediates.len() >= CHAIN_MAX {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        }
        let verified = self.0.verify_client_cert(leaf, intermediates, now)?;
        match is_for_clients(leaf) {
            true => Ok(verified),
            false => Err(Error::InvalidCertificate(CertificateError::InvalidPurpose)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

pub(super) fn is_for_clients(leaf: &[u8]) -> bool {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else { return false };
    matches!(leaf.extended_key_usage(), Ok(Some(usage)) if usage.value.client_auth)
}

/// The last moment at which a certificate, in DER, is valid.
pub(super) fn expiry(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    Some(Timestamp::from_millis(seconds.checked_mul(1000)?))
}
