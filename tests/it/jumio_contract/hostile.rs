//! Links and redirects that would send a token elsewhere. Canaries listen where they lead.

use facemap_vault::jumio::{HttpJumio, Jumio as _, JumioError};
use serde_json::Value;

use super::documents::{self, DEVICE, FACEMAP, SELFIE, STORED};
use super::{account, client, credential, execution, update, url_rejected};
use crate::support::stub_jumio::{Canary, Reply, Seen, StubJumio};

/// Spellings of `good` that are not it: other hosts, other schemes, and the same place in disguise.
fn disguises(good: &str, canary: &str) -> Vec<String> {
    let (scheme, rest) = good.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let (address, port) = host.split_once(':').unwrap();
    let (_, canary_port) = canary.split_once(':').unwrap();
    let authorities = [
        canary.to_owned(),
        format!("localhost:{canary_port}"),
        format!("[::1]:{canary_port}"),
        format!("[::ffff:127.0.0.1]:{canary_port}"),
        format!("127.1:{canary_port}"),
        format!("2130706433:{canary_port}"),
        format!("0x7f000001:{canary_port}"),
        format!("0177.0.0.1:{canary_port}"),
        format!("{address}:{canary_port}"),
        format!("{host}@{canary}"),
        format!("{address}@{canary}"),
        format!("user@{host}"),
        format!("user:secret@{host}"),
        format!(":@{host}"),
        format!("@{host}"),
        format!("{address}.:{port}"),
        format!("localhost:{port}"),
        format!("127.1:{port}"),
        format!("{address}:0{port}"),
        format!("{address}:{port}0"),
        address.to_owned(),
        format!("{address}:"),
        format!("{host}.attacker.test"),
        format!("{host}%2eattacker.test"),
        format!("{host}\\@{canary}"),
        format!("{canary}#{host}"),
        format!("{canary}?{host}"),
        "xn--80ak6aa92e.test".to_owned(),
        "retrieval.amer-1.jumio.ai".to_owned(),
        "retrieval.аmer-1.jumio.ai".to_owned(),
        String::new(),
    ];
    let paths = [
        format!("/{path}"),
        format!("{path}/"),
        format!("./{path}"),
        format!("x/../{path}"),
        format!("%2e%2e/{path}"),
        format!("{path}/../FACEMAP"),
        format!("{path}?"),
        format!("{path}?next={canary}"),
        format!("{path}#"),
        format!("{path};v=1"),
        format!("{path}%00"),
        format!("{path} "),
        format!("{path}\t"),
        format!("{path}\n"),
        path.replace('/', "\\"),
        path.replace("FACEMAP", "facemap"),
        path.replace("FACEMAP", "%46ACEMAP"),
        path.replace("FACEMAP", "LIVENESS_1"),
        path.replace("accounts", "Accounts"),
        path.replace("accounts", "%61ccounts"),
        path.replace("api/v1", "api/v2"),
        path.replace(&account().hyphenated(), &documents::id(9)),
        path.replace(&account().hyphenated(), &account().hyphenated().to_uppercase()),
        path.replace(&account().hyphenated(), &account().hyphenated().replace('-', "")),
        path.to_uppercase(),
        String::new(),
    ];
    let schemes = ["https", "HTTP", "ftp", "ws", "file", "javascript", "gopher"];
    let mut all: Vec<_> = authorities.iter().map(|a| format!("{scheme}://{a}/{path}")).collect();
    all.extend(paths.iter().map(|p| format!("{scheme}://{host}/{p}")));
    all.extend(schemes.iter().map(|s| format!("{s}://{rest}")));
    all.extend([
        format!("//{rest}"),
        format!("/{path}"),
        format!("{scheme}:{rest}"),
        format!("{scheme}:/{rest}"),
        format!("{scheme}:\\\\{rest}"),
        format!(" {good}"),
        format!("\u{feff}{good}"),
        format!("{good}{good}"),
        String::new(),
        "null".to_owned(),
    ]);
    all.retain(|link| link != good);
    assert!(all.len() >= 60, "only {}", all.len());
    all
}

/// Which document carries the link, and where.
struct Place {
    pointer: &'static str,
    good: fn(&str) -> String,
    document: fn(&str) -> Value,
}

const PLACES: [Place; 3] = [
    Place {
        pointer: "/credentials/1/parts/2/href",
        good: |base| documents::part(base, FACEMAP, "FACEMAP"),
        document: documents::onboarding,
    },
    Place {
        pointer: "/capabilities/liveness/0/validFaceMapForAuthentication",
        good: |base| documents::part(base, FACEMAP, "FACEMAP"),
        document: documents::onboarding,
    },
    Place {
        pointer: "/workflowExecution/credentials/1/api/parts/facemap",
        good: |base| documents::slot(base, STORED),
        document: documents::started,
    },
];

/// Asks for the document of `place` while it carries `link`.
async fn ask(place: &Place, link: String) -> (Result<(), JumioError>, Vec<Seen>) {
    let (pointer, document) = (place.pointer, place.document);
    let stub = StubJumio::start(move |seen| {
        let mut document = document(&seen.base());
        *document.pointer_mut(pointer).unwrap() = link.replace("BASE", &seen.base()).into();
        seen.path.starts_with("/api").then(|| Reply::json(200, document))
    })
    .await;
    let jumio = client(&stub);
    let result = match place.pointer.starts_with("/workflowExecution") {
        true => jumio.update_account(account(), &update()).await.map(drop),
        false => jumio.onboarding(account(), execution()).await.map(drop),
    };
    (result, stub.seen())
}

#[tokio::test]
async fn a_link_that_differs_by_a_byte_is_refused_and_never_followed() {
    let canary = Canary::start();
    for place in &PLACES {
        assert_eq!(ask(place, (place.good)("BASE")).await.0, Ok(()), "{}", place.pointer);
        // A stub of its own each time, so the base is written in when it is known.
        let stub = StubJumio::start(|_| None).await;
        let base = super::base(&stub);
        for link in disguises(&(place.good)(&base), &canary.address().to_string()) {
            let (got, seen) = ask(place, link.replace(&base, "BASE")).await;
            assert_eq!(got, Err(url_rejected(place.pointer)), "{link:?}");
            assert_eq!(seen.len(), 2, "{link:?}: the token and the document, nothing more");
        }
        canary.assert_untouched(place.pointer);
    }
}

#[tokio::test]
async fn a_part_of_another_account_or_credential_is_not_ours_to_follow() {
    for n in [SELFIE, DEVICE, 9] {
        let link = documents::part("BASE", n, "FACEMAP");
        assert_eq!(ask(&PLACES[0], link).await.0, Err(url_rejected(PLACES[0].pointer)));
        let link = documents::slot("BASE", n);
        assert_eq!(ask(&PLACES[2], link).await.0, Err(url_rejected(PLACES[2].pointer)));
    }
}

/// Links that the client has no use for: whatever they say, nothing follows them.
#[tokio::test]
async fn links_that_nobody_needs_are_not_even_read() {
    let canary = Canary::start();
    let hostile = format!("http://{}/api/v1/accounts/x", canary.address());
    let stub = StubJumio::start(move |seen| {
        let mut document = match seen.path.ends_with("/status") {
            true => documents::status(&seen.base(), "PROCESSED"),
            false if seen.method == "PUT" => documents::started(&seen.base()),
            false => documents::authentication(&seen.base(), "PASSED", "OK"),
        };
        for pointer in [
            "/account/href",
            "/workflowExecution/href",
            "/steps/href",
            "/credentials/1/parts/1/href",
            "/workflowExecution/credentials/1/api/workflowExecution",
        ] {
            if let Some(link) = document.pointer_mut(pointer) {
                *link = hostile.as_str().into();
            }
        }
        seen.path.starts_with("/api").then(|| Reply::json(200, document))
    })
    .await;
    let jumio = client(&stub);
    jumio.authentication(account(), execution()).await.unwrap();
    jumio.update_account(account(), &update()).await.unwrap();
    canary.assert_untouched("links nobody needs");
    let paths: Vec<_> = stub.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(
        paths,
        [
            "/oauth2/token".to_owned(),
            format!("{}/status", documents::execution_path()),
            documents::execution_path(),
            documents::account_path(),
        ]
    );
}

#[tokio::test]
async fn a_web_link_that_misleads_a_browser_is_refused() {
    for link in [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://bank.web.amer-1.jumio.ai\\@attacker.test/web",
        "https:\\\\attacker.test/web",
        "https:attacker.test/web",
        "https://user@attacker.test/web",
        "https://bank.web.amer-1.jumio.ai@attacker.test/web",
        "https://bank.web.amer-1.jumio.ai/web v4",
        "https://bank.web.amer-1.jumio.ai/web\nv4",
        "https://bänk.test/web",
        "//bank.web.amer-1.jumio.ai/web",
        "web/v4/app",
        "",
    ] {
        let stub = StubJumio::start(move |seen| {
            let mut document = documents::started(&seen.base());
            document["web"]["href"] = link.into();
            (seen.method == "PUT").then(|| Reply::json(200, document))
        })
        .await;
        let got = client(&stub).update_account(account(), &update()).await.map(drop);
        assert_eq!(got, Err(url_rejected("/web/href")), "{link}");
    }
}

/// Every call of the trait, in turn.
async fn call(jumio: &HttpJumio, n: usize) -> Result<(), JumioError> {
    match n {
        0 => jumio.onboarding(account(), execution()).await.map(drop),
        1 => jumio.download_facemap(account(), credential(FACEMAP), 1000).await.map(drop),
        2 => jumio.update_account(account(), &update()).await.map(drop),
        _ => jumio.authentication(account(), execution()).await.map(drop),
    }
}

#[tokio::test]
async fn no_redirect_is_followed_by_any_call() {
    let canary = Canary::start();
    let target = canary.address();
    for status in [301, 302, 303, 307, 308] {
        for location in [
            format!("http://{target}/oauth2/token"),
            format!("https://{target}/"),
            format!("//{target}/x"),
            format!("http://user@{target}/x"),
            "/oauth2/token".to_owned(),
            String::new(),
        ] {
            let headers = format!("Location: {location}\r\n");
            let redirect = Reply::new(status, &headers, b"");
            let reply = redirect.clone();
            let stub =
                StubJumio::start(move |s| s.path.starts_with("/api").then(|| reply.clone())).await;
            let jumio = client(&stub);
            for n in 0..4 {
                let got = call(&jumio, n).await;
                assert_eq!(got, Err(url_rejected("#location")), "{status} to {location:?}");
            }
            assert_eq!(stub.seen().len(), 5, "one token and one request each");
            // The token service itself redirects.
            let stub = StubJumio::start(move |_| Some(redirect.clone())).await;
            assert_eq!(call(&client(&stub), 0).await, Err(url_rejected("#location")));
            assert_eq!(stub.seen().len(), 1);
        }
    }
    canary.assert_untouched("redirects");
}
