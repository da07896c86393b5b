//! The certificates that a stranger may bring. None of them gets anything done.

use rcgen::ExtendedKeyUsagePurpose;
use tonic::Code;

use super::{ask, is_handshake};
use crate::support::caller::{Caller, Told};
use crate::support::pki::{
    Authority, Certified, Leaf, channel, client, client_of, connect_tls, self_signed,
};
use crate::support::secured::{BACKEND, Secured};

/// How one is refused.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Refused {
    /// Before a byte of HTTP/2 is read.
    Handshake,
    /// The certificate is good, and names nobody.
    Unauthenticated,
    /// It names somebody who may do nothing.
    NotPermitted,
}

async fn how(secured: &Secured, who: Option<&Certified>) -> Refused {
    let mut caller = Caller::new(channel(&secured.address(), &client(&secured.root(), who)));
    let status = ask(&mut caller).await;
    if is_handshake(&status) {
        return Refused::Handshake;
    }
    let told = Told::by(&status);
    match told.what() {
        (Code::Unauthenticated, "CALLER_UNAUTHENTICATED") => Refused::Unauthenticated,
        (Code::PermissionDenied, "PERMISSION_MISSING") => Refused::NotPermitted,
        other => panic!("it got an answer: {other:?}"),
    }
}

#[tokio::test]
async fn none_of_fourteen_certificates_gets_anything_done() {
    use Refused::{Handshake, NotPermitted, Unauthenticated};
    let secured = Secured::start("", &[]).await;
    let root = &secured.authority;
    let good = || Leaf::uri(BACKEND);
    let revoked = root.sign(&good());
    let below = root.below("intermediate");
    let gone = root.below("intermediate that is revoked");
    let lists =
        [root.revoked(&[revoked.serial, gone.serial]), below.revoked(&[]), gone.revoked(&[])];
    std::fs::write(secured.site.path("clients.crl"), lists.concat()).unwrap();
    secured.vault.reload(Ok(secured.config(&[]))).await;
    let server_only = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut long = root.sign(&good());
    let filling = Leaf::uri(format!("spiffe://bank/{}", "x".repeat(100_000)));
    long.chain.extend((0..11).flat_map(|_| root.sign(&filling).chain));
    let sum: usize = long.chain.iter().map(|der| der.len()).sum();
    assert!(sum > 1 << 20, "{sum}");

    let table: [(&str, Option<Certified>, Refused); 17] = [
        ("none", None, Handshake),
        ("self-signed", Some(self_signed(&good())), Handshake),
        ("of another authority", Some(Authority::root("other").sign(&good())), Handshake),
        ("expired", Some(root.sign(&Leaf { years: (2020, 2021), ..good() })), Handshake),
        ("not yet valid", Some(root.sign(&Leaf { years: (2080, 2090), ..good() })), Handshake),
        ("for servers", Some(root.sign(&Leaf { usages: server_only, ..good() })), Handshake),
        ("for nothing said", Some(root.sign(&Leaf { usages: vec![], ..good() })), Handshake),
        ("an authority's own", Some(root.sign(&Leaf { is_ca: true, ..good() })), Handshake),
        ("revoked", Some(revoked), Handshake),
        ("below a revoked one", Some(gone.sign(&good())), Handshake),
        ("below one without a list", Some(root.below("listless").sign(&good())), Handshake),
        ("a chain of 1 MiB", Some(long), Handshake),
        (
            "two URIs",
            {
                let uris = vec![BACKEND.into(), b"spiffe://bank/other".to_vec()];
                Some(root.sign(&Leaf { uris, ..good() }))
            },
            Unauthenticated,
        ),
        (
            "the same URI twice",
            {
                let uris = vec![BACKEND.into(), BACKEND.into()];
                Some(root.sign(&Leaf { uris, ..good() }))
            },
            Unauthenticated,
        ),
        (
            "only a common name",
            {
                let common_name = BACKEND.to_owned();
                Some(root.sign(&Leaf { common_name, ..Leaf::default() }))
            },
            Unauthenticated,
        ),
        (
            "a wildcard",
            {
                let domains = vec![b"*.bank.example".to_vec()];
                Some(root.sign(&Leaf { domains, ..Leaf::default() }))
            },
            NotPermitted,
        ),
        (
            "of another trust domain",
            { Some(root.sign(&Leaf::uri("spiffe://other-bank/auth-backend"))) },
            NotPermitted,
        ),
    ];
    for (what, who, want) in table {
        assert_eq!(how(&secured, who.as_ref()).await, want, "{what}");
    }
    // And the ones that are good still are, also below an intermediate.
    for who in [root.sign(&good()), below.sign(&good())] {
        let status = ask(&mut Caller::new(secured.channel(&who))).await;
        assert_eq!(Told::by(&status).reason, "ENROLLMENT_NOT_FOUND");
    }
    secured.vault.stop().await;
}

/// A DNS name counts where the settings say so, and only in a certificate without a URI.
#[tokio::test]
async fn a_dns_name_is_an_identity_only_where_it_is_the_one_name() {
    let callers = r#"{ dns = "auth.bank.example", permissions = ["read"] }"#;
    let secured = Secured::start(callers, &[]).await;
    let domains = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
    let leaf = |uris: &[&str], names: &[&str]| {
        let leaf = Leaf { uris: domains(uris), domains: domains(names), ..Leaf::default() };
        secured.authority.sign(&leaf)
    };
    let dns = "auth.bank.example";
    let table = [
        ("the name", leaf(&[], &[dns]), "ENROLLMENT_NOT_FOUND"),
        ("two names", leaf(&[], &[dns, "b.bank.example"]), "CALLER_UNAUTHENTICATED"),
        ("a URI besides", leaf(&["spiffe://bank/x"], &[dns]), "PERMISSION_MISSING"),
        ("the name as a URI", leaf(&[dns], &[]), "PERMISSION_MISSING"),
        ("the backend, with a DNS name besides", leaf(&[BACKEND], &[dns]), "ENROLLMENT_NOT_FOUND"),
        ("in other case", leaf(&[], &["Auth.bank.example"]), "PERMISSION_MISSING"),
        ("with a dot at its end", leaf(&[], &["auth.bank.example."]), "PERMISSION_MISSING"),
    ];
    for (what, who, want) in table {
        let status = ask(&mut Caller::new(secured.channel(&who))).await;
        assert_eq!(Told::by(&status).reason, want, "{what}");
    }
    secured.vault.stop().await;
}

/// TLS 1.2 is a switch, and off.
#[tokio::test]
async fn tls_1_2_is_refused_unless_switched_on() {
    use tokio_rustls::rustls::version::TLS12;
    for (switch, want) in [("false", false), ("true", true)] {
        let secured = Secured::start("", &[("listen.public.tls12", switch)]).await;
        let who = secured.authority.sign(&Leaf::uri(BACKEND));
        let old = client_of(&secured.root(), Some(&who), &[&TLS12]);
        let mut caller = Caller::new(channel(&secured.address(), &old));
        let status = ask(&mut caller).await;
        assert_eq!(!is_handshake(&status), want, "tls12 = {switch}: {status:?}");
        secured.vault.stop().await;
    }
}

/// A session is never taken up again: each connection shows its certificate anew.
#[tokio::test]
async fn no_session_is_resumed() {
    use tokio_rustls::rustls::{HandshakeKind, version};
    let secured = Secured::start("", &[("listen.public.tls12", "true")]).await;
    let who = secured.authority.sign(&Leaf::uri(BACKEND));
    for only in [&version::TLS12, &version::TLS13] {
        let connector = client_of(&secured.root(), Some(&who), &[only]);
        for _ in 0..3 {
            let connected = connect_tls(&secured.address(), &connector).await.unwrap();
            let kind = connected.get_ref().1.handshake_kind();
            assert_eq!(kind, Some(HandshakeKind::Full), "{only:?}");
            // An answer, so that a ticket would have come with it.
            let mut caller = Caller::new(channel(&secured.address(), &connector));
            assert_eq!(Told::by(&ask(&mut caller).await).reason, "ENROLLMENT_NOT_FOUND");
        }
    }
    secured.vault.stop().await;
}
