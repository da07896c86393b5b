//! The power is cut while a vault is made. Making it again completes it, or says what to remove; one that
//! was reported as made is there.

use futures_util::stream::{self, StreamExt as _};
use tempfile::TempDir;

use super::SIDE_BY_SIDE;
use super::disk::{Disk, Left, Unsynced};
use super::ground::{Copy, write};
use super::report::{Row, keep};
use super::shim::{Event, Shim, read_trace};
use crate::support::process::{Ran, fmvault, run};
use crate::support::rng::Rng;
use crate::support::site::Site;

/// `count` cuts during one `fmvault keys init`, and the one just after it.
pub(super) async fn first_start(count: usize, rng: &mut Rng) -> Row {
    // Keys and data each in a place of their own, which has to be made too.
    let places =
        [("keys.keyring", "{dir}keys/here/keyring"), ("store.path", "{dir}data/here/store")];
    let site = Site::start(&places).await;
    let beside = TempDir::new().unwrap();
    let shim = Shim::recording(beside.path(), &[site.dir.path().to_owned()]);
    let before = Disk::of(site.dir.path());
    let mut init = site.command(&["keys", "init"]);
    shim.under(&mut init);
    run(&mut init).await.ok();
    let events: Vec<Event> = read_trace(shim.trace()).into_iter().map(|(_, event)| event).collect();
    assert!(events.len() > 30, "making a vault is more than {} operations", events.len());

    let mut places: Vec<_> = (0..count).map(|_| rng.below(events.len())).collect();
    places.extend([events.len(); 2]);
    let images = places.into_iter().enumerate().map(|(number, place)| {
        let mut disk = before.clone();
        events[..place].iter().for_each(|event| disk.apply(event));
        let mut unsynced = match number % 2 {
            0 => Unsynced::Lost,
            _ => Unsynced::Some(Rng::new(rng.next())),
        };
        (place, disk.cut(&mut unsynced))
    });
    let images: Vec<_> = images.collect();
    let mut row = Row::new("power cut during keys init");
    let one = |(place, left): (usize, Left)| {
        let (site, acknowledged) = (&site, place == events.len());
        async move { again(site, &left, place, acknowledged).await }
    };
    let mut ended = stream::iter(images).map(one).buffer_unordered(SIDE_BY_SIDE);
    while let Some((how, violations)) = ended.next().await {
        row.add(how, violations);
    }
    row
}

/// What an operator does next.
async fn again(
    site: &Site,
    left: &Left,
    place: usize,
    acknowledged: bool,
) -> (&'static str, Vec<String>) {
    let copy = Copy::made(site, |dir| write(left, dir));
    let settings = copy.path().join("fmvault.toml");
    let command = async |arguments: &[&str]| -> Ran {
        run(fmvault(arguments).arg("--config").arg(&settings)).await
    };
    let first = command(&["server", "--check"]).await;
    let init = command(&["keys", "init"]).await;
    let check = command(&["server", "--check"]).await;
    let ended = match (first.code, init.code, check.code) {
        (Some(0), Some(7), Some(0)) => "whole",
        (_, Some(0), Some(0)) if !acknowledged => "completed by keys init",
        _ if !acknowledged && says_what_to_remove(&check) => "says what to remove",
        _ => "",
    };
    if !ended.is_empty() {
        return (ended, Vec::new());
    }
    let again = Copy::made(site, |dir| write(left, dir));
    let kept = keep(&again.path(), place as u64, "first-start");
    let what = format!("cut at {place}, {}: {first:?} {init:?} {check:?}", kept.display());
    ("", vec![what])
}

fn says_what_to_remove(ran: &Ran) -> bool {
    ran.stderr.contains("remove the directory and create it again")
}
