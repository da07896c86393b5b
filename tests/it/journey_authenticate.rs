//! An authentication starts, or nothing is handed out.

mod replay;

use std::sync::Arc;
use std::time::Duration;

use facemap_vault::jumio::{JumioError, Limit};
use facemap_vault::model::{RequestId, SealedBody, SealedRecord};
use facemap_vault::store::{BodyChange, Change, Expect, Store as _};
use facemap_vault::vault::{Consent, Obtained, StartAuthentication, Started, VaultError};

use crate::support::fake_jumio::Call;
use crate::support::tale::Step::{Capture, Enroll, Erase, NoDownload, Onboard, Wait, Wipe};
use crate::support::tale::{Step, bytes, kind, world_after};
use crate::support::world::{HOUR, World, account, facemap, start};

/// A world in which account 1 is captured.
async fn ready() -> World {
    world_after(&[Onboard('a'), Enroll('a'), Capture]).await
}

fn kind_of(result: Result<Arc<Started>, Arc<VaultError>>) -> String {
    result.map_or_else(|error| kind(&error), |_| "started".to_owned())
}

#[tokio::test]
async fn only_a_stored_facemap_can_serve() {
    let a = [Onboard('a'), Enroll('a')];
    let b = [Wait(1), Onboard('b'), Enroll('b')];
    let table: [(&str, &[&[Step]], &str); 9] = [
        ("never enrolled", &[], "NotEnrolled"),
        ("pending", &[&a], "NotCaptured"),
        ("blocked", &[&a, &[NoDownload('a'), Capture]], "Blocked"),
        ("lost", &[&a, &[Wipe('a'), Capture]], "Lost"),
        ("erased", &[&a, &[Capture, Erase]], "Erased"),
        ("erased, and a newer one is pending", &[&a, &[Capture, Erase], &b], "NotCaptured"),
        ("captured", &[&a, &[Capture]], "started"),
        ("a newer one is pending", &[&a, &[Capture], &b], "started"),
        ("a newer one is lost", &[&a, &[Capture], &b, &[Wipe('b'), Capture]], "started"),
    ];
    for (what, steps, want) in table {
        let world = world_after(&steps.concat()).await;
        let checked = world.vault.check_authentication(&start(1), world.now).await;
        assert_eq!(world.jumio.calls(Call::Update), 0, "{what}: a check opens nothing");
        let got = kind_of(world.start(RequestId::generate(), start(1)).await);
        let sent: Vec<_> = world.jumio.uploads().into_iter().map(|upload| upload.bytes).collect();

        assert_eq!(got, want, "{what}");
        assert_eq!(checked.map_or_else(|e| kind(&e), |()| "started".to_owned()), want, "{what}");
        match want {
            "started" => assert_eq!(sent, [bytes('a')], "{what}"),
            _ => assert_eq!(world.jumio.calls(Call::Update), 0, "{what}: nothing was opened"),
        }
    }
}

#[tokio::test]
async fn a_damaged_record_never_opens_an_execution() {
    type Damage = fn(&mut (SealedRecord, SealedBody), (SealedRecord, SealedBody));
    let table: [(&str, Damage); 5] = [
        ("the end of the record is altered", |it, _| *it.0.sealed.last_mut().unwrap() ^= 1),
        ("the header of the record is altered", |it, _| it.0.header.legal_hold = true),
        ("a byte of the facemap is altered", |it, _| {
            let mut bytes = it.1.0.to_vec();
            bytes[9_000] ^= 1;
            it.1 = SealedBody(bytes.into());
        }),
        ("the facemap is another account's", |it, other| it.1 = other.1),
        ("record and facemap are another account's", |it, other| *it = other),
    ];
    for (what, damage) in table {
        let world = ready().await;
        world.captured(2, &facemap(2, 300)).await;
        let (row, other) = (world.keyring.row_key(account(1)), world.keyring.row_key(account(2)));
        let stored = world.store.record_with_body(row).await.unwrap().unwrap();
        let other = world.store.record_with_body(other).await.unwrap().unwrap();
        let expect = Expect::Revision(stored.0.revision());
        // Another revision of the same, so that the store takes it for a change.
        let anew = world.keyring.rewrap(row, &stored.0).unwrap();
        let mut damaged = (anew, stored.1.unwrap());
        damage(&mut damaged, (other.0, other.1.unwrap()));
        let (record, body) = damaged;
        let change = Change { row, expect, record, body: BodyChange::Set(body) };
        world.store.commit(change).await.unwrap();

        let got = kind_of(world.start(RequestId::generate(), start(1)).await);
        assert_eq!(got, "Unreadable", "{what}");
        assert_eq!(world.jumio.calls(Call::Update), 0, "{what}");
    }
}

#[tokio::test]
async fn no_token_leaves_before_the_upload_is_complete() {
    let world = ready().await;
    world.jumio.hold(Call::Upload);
    let vault = Arc::clone(&world.vault);
    let (id, now) = (RequestId::generate(), world.now);
    let mut starting =
        tokio::spawn(async move { vault.start_authentication("backend", id, start(1), now).await });
    world.jumio.arrived(Call::Upload, 1).await;
    // Time enough for whoever does not wait for the upload; who waits for it takes none of it.
    let early = tokio::time::timeout(Duration::from_millis(300), &mut starting).await;
    assert!(early.is_err(), "the execution is open, the upload is not complete");

    world.jumio.release(Call::Upload);
    let started = starting.await.unwrap().unwrap();
    let uploads = world.jumio.uploads();
    assert_eq!(uploads.len(), 1);
    assert_eq!(uploads[0].execution, started.execution);
    assert_eq!(uploads[0].account, account(1));
    assert_eq!(uploads[0].bytes, bytes('a'));
}

#[tokio::test]
async fn the_answer_has_all_the_device_needs() {
    let world = ready().await;
    let started = world.start(RequestId::generate(), start(1)).await.unwrap();
    let execution = started.execution.hyphenated();

    assert_eq!(started.account, account(1));
    assert_eq!(started.reference, "login");
    assert_eq!(started.created, world.now);
    assert_eq!(started.expires, world.now.plus(world.vault.settings().token_lifetime));
    assert_eq!(started.sdk_token.expose(), format!("sdk {execution}"));
    assert_eq!(started.web_link.as_ref().unwrap().expose(), format!("web {execution}"));
    assert_eq!(started.datacenter, "amer-1");
    let updates = world.jumio.updates();
    assert_eq!(updates[0].update, start(1).update);
    assert_eq!((updates[0].account, updates[0].execution), (account(1), started.execution));
}

/// After each failure the same request comes again. `opened`: account updates that Jumio has then
/// received. `orphans`: executions we know to be of no use.
#[tokio::test]
async fn a_failed_start_hands_out_nothing_and_opens_nothing_unseen() {
    struct Row(Call, JumioError, &'static str, &'static str, usize, usize);
    let busy = JumioError::Throttled { retry_after: None, limit: Limit::Account };
    let pointer = || "/x".to_owned();
    let cut = JumioError::UploadInterrupted { what: "x" };
    let (update, upload) = (Call::Update, Call::Upload);
    let table = [
        Row(update, busy.clone(), "JumioThrottled", "started", 1, 0),
        Row(update, JumioError::Unavailable { what: "x" }, "JumioUnavailable", "started", 1, 0),
        Row(update, JumioError::Timeout { limit: HOUR }, "JumioTimeout", "started", 1, 0),
        Row(update, JumioError::CredentialsRejected, "JumioCredentialsRejected", "started", 1, 0),
        Row(
            update,
            JumioError::PermissionMissing { what: "x" },
            "JumioPermissionMissing",
            "started",
            1,
            0,
        ),
        Row(update, JumioError::NotFound { what: "x" }, "JumioAccountUnknown", "started", 1, 0),
        Row(update, JumioError::WorkflowNotEnabled, "JumioWorkflowNotEnabled", "started", 1, 0),
        Row(update, JumioError::Refused { status: 400 }, "JumioRefused", "started", 1, 0),
        Row(
            update,
            JumioError::OutcomeUnknown { what: "x" },
            "JumioOutcomeUnknown",
            "JumioOutcomeUnknown",
            1,
            0,
        ),
        Row(
            update,
            JumioError::ResponseUnexpected { pointer: pointer() },
            "JumioResponseUnexpected",
            "JumioResponseUnexpected",
            1,
            0,
        ),
        Row(
            update,
            JumioError::UrlRejected { pointer: pointer() },
            "JumioUrlRejected",
            "JumioUrlRejected",
            1,
            0,
        ),
        Row(upload, cut, "UploadInterrupted", "started", 2, 1),
        Row(upload, busy, "UploadInterrupted", "started", 2, 1),
        Row(upload, JumioError::Refused { status: 413 }, "UploadInterrupted", "started", 2, 1),
        Row(upload, JumioError::OutcomeUnknown { what: "x" }, "UploadInterrupted", "started", 2, 1),
    ];
    for Row(call, error, first, again, opened, orphans) in table {
        let what = format!("{} at {call:?}", error.name());
        let world = ready().await;
        world.jumio.fail_next(call, 1, error);
        let id = RequestId::generate();
        assert_eq!(kind_of(world.start(id, start(1)).await), first, "{what}");
        assert_eq!(world.jumio.uploads().len(), 0, "{what}");
        assert_eq!(world.vault.orphans().len(), orphans, "{what}");
        assert_eq!(kind_of(world.start(id, start(1)).await), again, "{what}: again");
        assert_eq!(world.jumio.updates().len(), opened, "{what}: opened");

        let other = StartAuthentication { supersede: true, ..start(1) };
        let got = kind_of(world.start(RequestId::generate(), other).await);
        assert_eq!(got, "started", "{what}: under another id it may be tried anew");
    }
}

#[tokio::test]
async fn a_consent_that_is_too_old_is_refused_before_anything_is_done() {
    let age = |world: &World, more: Duration| {
        world.now.minus(world.vault.settings().consent_max_age).minus(more)
    };
    let world = ready().await;
    let table = [
        ("three years old", Some(Obtained::Yes(age(&world, Duration::ZERO))), "started"),
        ("older", Some(Obtained::Yes(age(&world, HOUR))), "ConsentExpired"),
        ("new", Some(Obtained::Yes(world.now)), "started"),
        ("not given", Some(Obtained::No), "started"),
        ("not applicable", Some(Obtained::NotApplicable), "started"),
        ("not told", None, "started"),
    ];
    for (what, obtained, want) in table {
        let mut request = start(1);
        request.supersede = true;
        request.update.consent =
            Some(Consent { user_ip: None, country: "USA".to_owned(), state: None, obtained });
        let before = world.jumio.calls(Call::Update);
        let checked = world.vault.check_authentication(&request, world.now).await;
        let got = kind_of(world.start(RequestId::generate(), request).await);

        assert_eq!(got, want, "{what}");
        assert_eq!(checked.is_ok(), want == "started", "{what}");
        let opened = usize::from(want == "started");
        assert_eq!(world.jumio.calls(Call::Update), before + opened, "{what}");
    }
}
