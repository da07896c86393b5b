//! Certificates, revocation and callers are read again while connections are open.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use super::{ask, is_handshake};
use crate::support::caller::{Caller, Told};
use crate::support::pki::{Leaf, channel, client};
use crate::support::secured::{BACKEND, Secured, eventually, server};

/// The time within which a certificate that was withdrawn is refused.
const WITHDRAWN: Duration = Duration::from_secs(1);

async fn reason(caller: &mut Caller) -> String {
    Told::by(&ask(caller).await).reason
}

/// A metric's value.
async fn metric(secured: &Secured, name: &str) -> Option<f64> {
    let url = format!("http://{}/metrics", secured.vault.http);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = http.get(url).send().await.unwrap().text().await.unwrap();
    let line = page.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_on_its_open_connection_within_a_second() {
    let secured = Secured::start("", &[]).await;
    let [good, bad] = [0, 1].map(|_| secured.authority.sign(&Leaf::uri(BACKEND)));
    let [mut stays, mut goes] = [&good, &bad].map(|who| Caller::new(secured.channel(who)));
    assert_eq!(reason(&mut stays).await, "ENROLLMENT_NOT_FOUND");
    assert_eq!(reason(&mut goes).await, "ENROLLMENT_NOT_FOUND");

    fs::write(secured.site.path("clients.crl"), secured.authority.revoked(&[bad.serial])).unwrap();
    let begun = Instant::now();
    eventually("the open connection is refused", async || {
        reason(&mut goes).await == "CALLER_UNAUTHENTICATED"
    })
    .await;
    assert!(begun.elapsed() < WITHDRAWN, "{:?}", begun.elapsed());
    assert_eq!(reason(&mut stays).await, "ENROLLMENT_NOT_FOUND");
    let status = ask(&mut Caller::new(secured.channel(&bad))).await;
    assert!(is_handshake(&status), "a new connection: {status:?}");
    secured.vault.stop().await;
}

#[tokio::test]
async fn a_broken_file_keeps_the_old_one_and_is_reported() {
    let secured = Secured::start("", &[]).await;
    let bad = secured.authority.sign(&Leaf::uri(BACKEND));
    let crl = secured.site.path("clients.crl");
    let success = "fmvault_config_reload_success";
    fs::write(&crl, secured.authority.revoked(&[bad.serial])).unwrap();
    eventually("it is revoked", async || {
        is_handshake(&ask(&mut Caller::new(secured.channel(&bad))).await)
    })
    .await;
    assert_eq!(metric(&secured, success).await, Some(1.0));
    for broken in ["", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "nonsense"] {
        fs::write(&crl, broken).unwrap();
        eventually("it is reported", async || metric(&secured, success).await == Some(0.0)).await;
        let status = ask(&mut Caller::new(secured.channel(&bad))).await;
        assert!(is_handshake(&status), "what was revoked still is, with {broken:?}");
        assert_eq!(reason(&mut secured.caller(BACKEND)).await, "ENROLLMENT_NOT_FOUND");
        fs::write(&crl, secured.authority.revoked(&[bad.serial])).unwrap();
        eventually("it is well again", async || metric(&secured, success).await == Some(1.0)).await;
    }
    secured.vault.stop().await;
}

#[tokio::test]
async fn a_new_certificate_of_the_vault_is_used_at_once_and_no_call_is_dropped() {
    let secured = Secured::start("", &[]).await;
    let mut old = secured.caller(BACKEND);
    assert_eq!(reason(&mut old).await, "ENROLLMENT_NOT_FOUND");
    let before = metric(&secured, "fmvault_tls_certificate_expiry_timestamp_seconds").await;
    assert!(before.is_some_and(|expiry| expiry > 3_000_000_000.0), "{before:?}");

    // The key of another certificate: it does not fit, and the old pair goes on.
    let (certificate, key) = server(&secured.authority).pem();
    fs::write(secured.site.path("server.crt"), &certificate).unwrap();
    let success = "fmvault_config_reload_success";
    eventually("half of a pair", async || metric(&secured, success).await == Some(0.0)).await;
    assert_eq!(reason(&mut secured.caller(BACKEND)).await, "ENROLLMENT_NOT_FOUND");

    fs::write(secured.site.path("server.key"), key).unwrap();
    eventually("the whole pair", async || metric(&secured, success).await == Some(1.0)).await;
    let who = secured.authority.sign(&Leaf::uri(BACKEND));
    let connector = client(&secured.root(), Some(&who));
    let stream = crate::support::pki::connect_tls(&secured.address(), &connector).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    use rustls_pki_types::pem::PemObject as _;
    let new = rustls_pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    assert_eq!(shown, new, "a new connection sees the new certificate");
    assert_eq!(reason(&mut old).await, "ENROLLMENT_NOT_FOUND", "the old connection goes on");
    secured.vault.stop().await;
}

#[tokio::test]
async fn a_caller_that_is_taken_out_of_the_settings_is_refused_at_once() {
    let x = r#"{ san = "spiffe://bank/x", permissions = ["read"] }"#;
    let secured = Secured::start(x, &[]).await;
    let mut caller = secured.caller("spiffe://bank/x");
    assert_eq!(reason(&mut caller).await, "ENROLLMENT_NOT_FOUND");
    let key = "listen.public.caller";
    let less = r#"[{ san = "spiffe://bank/x", permissions = ["erase"] }]"#;
    for (callers, want) in [(less, "PERMISSION_MISSING"), ("[]", "PERMISSION_MISSING")] {
        secured.vault.reload(Ok(secured.config(&[(key, callers)]))).await;
        assert_eq!(reason(&mut caller).await, want);
    }
    secured.vault.reload(Err("not TOML".to_owned())).await;
    assert_eq!(metric(&secured, "fmvault_config_reload_success").await, Some(0.0));
    assert_eq!(reason(&mut caller).await, "PERMISSION_MISSING", "all stays as it was");
    secured.vault.reload(Ok(secured.config(&[]))).await;
    assert_eq!(reason(&mut caller).await, "ENROLLMENT_NOT_FOUND");
    secured.vault.stop().await;
}

/// A connection ends at its age, gracefully: the caller notices nothing but that it connects anew.
#[tokio::test]
async fn an_old_connection_is_replaced_without_an_error() {
    let secured = Secured::start("", &[("listen.public.connection_age", "300ms")]).await;
    let who = secured.authority.sign(&Leaf::uri(BACKEND));
    let mut caller = Caller::new(channel(&secured.address(), &client(&secured.root(), Some(&who))));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1500) {
        assert_eq!(reason(&mut caller).await, "ENROLLMENT_NOT_FOUND");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    secured.vault.stop().await;
}

/// The authorities are exchanged: who was good is refused on its open connection, who was a stranger is
/// let in. A file that holds none changes nothing.
#[tokio::test]
async fn another_authority_is_believed_at_once_and_none_never() {
    let secured = Secured::start("", &[]).await;
    let other = crate::support::pki::Authority::root("another root");
    let root = secured.site.path("server-root.crt");
    fs::copy(secured.root(), &root).unwrap();
    let of = |authority: &crate::support::pki::Authority| {
        let who = authority.sign(&Leaf::uri(BACKEND));
        Caller::new(channel(&secured.address(), &client(&root, Some(&who))))
    };
    let mut standing = of(&secured.authority);
    assert_eq!(reason(&mut standing).await, "ENROLLMENT_NOT_FOUND");
    assert!(is_handshake(&ask(&mut of(&other)).await));

    let success = "fmvault_config_reload_success";
    fs::write(secured.root(), "no certificate at all").unwrap();
    eventually("it is reported", async || metric(&secured, success).await == Some(0.0)).await;
    assert_eq!(reason(&mut standing).await, "ENROLLMENT_NOT_FOUND");
    assert_eq!(reason(&mut of(&secured.authority)).await, "ENROLLMENT_NOT_FOUND");

    fs::write(secured.site.path("clients.crl"), other.revoked(&[])).unwrap();
    fs::write(secured.root(), other.pem()).unwrap();
    eventually("the stranger is let in", async || !is_handshake(&ask(&mut of(&other)).await)).await;
    assert_eq!(reason(&mut of(&other)).await, "ENROLLMENT_NOT_FOUND");
    eventually("the open connection is refused", async || {
        reason(&mut standing).await == "CALLER_UNAUTHENTICATED"
    })
    .await;
    assert!(is_handshake(&ask(&mut of(&secured.authority)).await));
    secured.vault.stop().await;
}
