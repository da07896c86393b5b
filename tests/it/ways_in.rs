//! The ways into a keyring, with the real binary. Every source of a key keeps the same promises.

mod changes;
mod drill;
mod program;
mod sources;

use std::fs;

use crate::support::process::Ran;
use crate::support::snapshot::snapshot;

use sources::{SOURCES, Way};

/// Refused because of the key, with this reason and a next step.
fn refused(ran: &Ran, what: &str) {
    assert_eq!(ran.code, Some(6), "{ran:?}");
    assert!(ran.stderr.contains(what), "want {what:?}: {ran:?}");
    assert!(!ran.next().is_empty());
}

/// It opens what was made with it, and says as what.
#[tokio::test]
async fn every_source_opens_what_was_made_with_it() {
    for source in SOURCES {
        let way = Way::start(source).await;
        way.init().await;
        way.run(&["server", "--check"]).await.ok();
        let slots = way.run(&["keys", "slot", "list", "--json"]).await.json();
        let kinds: Vec<_> = slots.as_array().unwrap().iter().map(|slot| &slot["kind"]).collect();
        assert_eq!(kinds, [source.kind, "recovery"], "{}", source.name);
        let tested = way.run(&["keys", "slot", "test", "--json"]).await;
        tested.ok();
        assert_eq!(tested.json()["slot"], 1);
        assert_eq!(tested.json()["kind"], source.kind);
        assert_eq!(tested.json()["keys"], 16, "all canaries were opened");
    }
}

/// A wrong secret, and one that is gone, are told apart; nothing is written, and nothing listens.
#[tokio::test]
async fn every_source_refuses_a_wrong_secret_and_a_lost_one_and_writes_nothing() {
    for source in SOURCES {
        for (spoil, reason) in [source.wrong, source.lost] {
            let way = Way::start(source).await;
            way.init().await;
            spoil(&way);
            // A token keeps its own books; ours are what counts.
            let ours = || ["keyring", "store"].map(|name| snapshot(&way.site.path(name)));
            let before = ours();
            for arguments in [&["server"][..], &["server", "--check"], &["keys", "slot", "test"]] {
                let ran = way.run(arguments).await;
                refused(&ran, reason);
                for secret in sources::TEXTS {
                    assert!(!ran.stderr.contains(secret), "{}: {ran:?}", source.name);
                }
            }
            assert!(before == ours(), "{}: something was written", source.name);
        }
    }
}

/// When the first way is lost, the recovery key opens the keyring and gives it another way in.
#[tokio::test]
async fn every_source_can_be_replaced_with_the_recovery_key() {
    for source in SOURCES {
        let way = Way::start(source).await;
        way.init().await;
        let (lose, reason) = source.lost;
        lose(&way);
        refused(&way.run(&["server"]).await, reason);

        let recovery = format!("recovery:file:{}", way.site.path("recovery").display());
        way.run(&["keys", "slot", "test", &recovery]).await.ok();
        let new = format!("key-file:file:{}", way.site.path("second").display());
        let add = ["keys", "slot", "add", &new, "--label", "second", "--unlock", &recovery];
        let added = way.run(&[&add[..], &["--json"]].concat()).await;
        added.ok();
        assert_eq!(added.json()["slot"], 3);
        let remove = ["keys", "slot", "remove", "1", "--unlock", &new];
        assert_eq!(way.run(&remove).await.code, Some(2), "without --confirm");
        way.run(&[&remove[..], &["--confirm"]].concat()).await.ok();

        let settings = fs::read_to_string(way.site.settings_file()).unwrap();
        let kept = settings.lines().filter(|line| !line.starts_with("keys.")).collect::<Vec<_>>();
        let keys = format!(
            "keys.keyring = \"{}\"\nkeys.key_file = \"{}\"\n",
            way.site.path("keyring").display(),
            new.strip_prefix("key-file:").unwrap()
        );
        fs::write(way.site.settings_file(), format!("{}\n{keys}", kept.join("\n"))).unwrap();
        way.run(&["server", "--check"]).await.ok();
    }
}

/// A token with another key opens nothing, and the PIN is never an argument.
#[tokio::test]
async fn a_token_opens_with_the_key_of_its_slot_alone() {
    let way = Way::start(&SOURCES[4]).await;
    way.init().await;
    let module = sources::module();
    let uri = |object: &str, pin: &str| {
        format!("pkcs11:token=fmvault;object={object}?module-path={}&{pin}", module.display())
    };
    let pin = format!("pin-source=file:{}", way.site.path("pin").display());
    let other = uri("other", &pin);
    refused(&way.run(&["keys", "slot", "test", &other]).await, "no secret key of that label");
    let added = way.run(&["keys", "slot", "add", &other, "--json"]).await;
    added.ok();
    way.run(&["keys", "slot", "test", &other]).await.ok();
    way.run(&["keys", "slot", "remove", "3", "--confirm"]).await.ok();
    let wrong = "locked with a PKCS#11 token of fingerprint";
    refused(&way.run(&["keys", "slot", "test", &other]).await, wrong);

    let link = uri("root%20key", &pin)
        .replace(&module.display().to_string(), "/usr/lib/softhsm/libsofthsm2.so");
    refused(&way.run(&["keys", "slot", "test", &link]).await, "it leads elsewhere; name");
    for bad in ["pin-value=73519862", "pin-source=env:PIN", "pin-source=73519862"] {
        let ran = way.run(&["keys", "slot", "test", &uri("root%20key", bad)]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(!ran.stderr.contains("73519862"), "{ran:?}");
    }
}
