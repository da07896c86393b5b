//! The power is cut: what a run did to the disk is replayed up to some operation, and what was not synced
//! by then is lost, or half of it.

use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tempfile::TempDir;
use tokio::time::sleep;

use super::disk::{Disk, Left, Unsynced};
use super::exam::{Tolerance, examine};
use super::ground::{Copy, ground, onboard, recorder, write};
use super::journal::{Journal, Shared};
use super::report::{Row, keep};
use super::server::{Begun, begin};
use super::shim::{Event, read_trace};
use super::{SIDE_BY_SIDE, load};
use crate::support::rng::Rng;
use crate::support::site::Site;

/// Images made of one run.
const IMAGES: usize = 50;

/// `count` images, of as many runs as that takes.
pub(super) async fn cuts(count: usize, rng: &mut Rng) -> Vec<Row> {
    let mut rows = [Row::new("power cut, unsynced lost"), Row::new("power cut, unsynced torn")];
    let mut left = count;
    while left > 0 {
        let run = Run::record(rng).await;
        let images = run.images(left.min(IMAGES), rng);
        left -= left.min(IMAGES);
        for (torn, violations) in run.examine(images, rng.clone()).await {
            rows[usize::from(torn)].add("opened, all kept", violations);
        }
    }
    rows.into()
}

/// A run of a vault, recorded.
struct Run {
    site: Site,
    before: Disk,
    events: Vec<(u64, Event)>,
    journal: Journal,
}

/// What is on the disk after one cut, and what must be.
struct Image {
    torn: bool,
    left: Left,
    promised: Journal,
    place: String,
}

impl Run {
    /// A vault serves and is stopped, serves and is killed, both under load; then it serves one caller
    /// alone, so that no write of somebody else's syncs what was forgotten.
    async fn record(rng: &mut Rng) -> Self {
        let site = ground().await;
        let beside = TempDir::new().unwrap();
        let shim = recorder(&site, &beside);
        let before = Disk::of(site.dir.path());
        let journal = Shared::timed_by(shim.trace());
        for life in ["stopped", "killed", "quiet"] {
            let people = onboard(&site, rng, if life == "quiet" { 4 } else { 12 }).await;
            let Begun::Ready(server) = begin(site.dir.path(), Some(&shim)).await else {
                panic!("a healthy vault does not start");
            };
            if life == "quiet" {
                let told = load::quiet(site.dir.path(), &server, &journal, &people).await;
                assert!(told.is_empty(), "a healthy disk: {told:?}");
                server.kill().await;
                break;
            }
            let load = load::begin(&site, &server, &journal, people, rng).await;
            sleep(Duration::from_millis(500)).await;
            match life {
                "stopped" => server.stop().await,
                _ => server.kill().await,
            };
            load.end().await;
        }
        let (events, journal) = (read_trace(shim.trace()), journal.now());
        Self { site, before, events, journal }
    }

    /// Cuts at `count` places: a third of them just after an acknowledgement, where a missing sync would
    /// be felt, a third beside a sync.
    fn images(&self, count: usize, rng: &mut Rng) -> Vec<Image> {
        let syncs: Vec<_> = (0..self.events.len())
            .filter(|at| matches!(self.events[*at].1, Event::Sync { .. }))
            .collect();
        // The last first: those were the quiet ones.
        let mut moments = self.journal.moments().into_iter().rev().cycle();
        let mut places: Vec<_> = (0..count)
            .map(|number| match number % 3 {
                0 => {
                    let moment = moments.next().expect("something was acknowledged");
                    (self.events.partition_point(|(end, _)| *end <= moment), false)
                }
                1 => (rng.pick(&syncs) + rng.below(2), !rng.one_in(4)),
                _ => (rng.below(self.events.len() + 1), !rng.one_in(4)),
            })
            .collect();
        places.sort_unstable();
        let mut disk = self.before.clone();
        let (mut done, mut images) = (0, Vec::new());
        for (place, torn) in places {
            for (_, event) in &self.events[done..place] {
                disk.apply(event);
            }
            done = place;
            // From the moment the next event is recorded, answers may tell of it.
            let time = place.checked_sub(1).map_or(0, |last| self.events[last].0);
            let promised = self.journal.at(time);
            let mut unsynced =
                if torn { Unsynced::Some(Rng::new(rng.next())) } else { Unsynced::Lost };
            let left = disk.cut(&mut unsynced);
            images.push(Image { torn, left, promised, place: format!("cut-{place}") });
        }
        images
    }

    async fn examine(&self, images: Vec<Image>, mut rng: Rng) -> Vec<(bool, Vec<String>)> {
        let seed = rng.next();
        let one = async |image: Image| {
            let copy = Copy::made(&self.site, |dir| write(&image.left, dir));
            let untouched = TempDir::new().unwrap();
            write(&image.left, &untouched.path().join("image"));
            let found =
                examine(&self.site, &copy.path(), &image.promised, Tolerance::Nothing).await;
            let mut violations = found.violations;
            violations.extend(unrecorded(&image));
            if !violations.is_empty() {
                let kept = keep(&untouched.path().join("image"), seed, &image.place);
                violations.push(format!("{} of {}: {}", image.place, seed, kept.display()));
            }
            (image.torn, violations)
        };
        stream::iter(images).map(one).buffer_unordered(SIDE_BY_SIDE).collect().await
    }
}

/// Whether an answer was given whose record is not in the audit ledger. Every answer shows the end of
/// the ledger as it was then.
fn unrecorded(image: &Image) -> Option<String> {
    let is_ledger =
        |path: &&Path| path.to_str().is_some_and(|path| path.starts_with("audit/ledger."));
    let files = image.left.iter().filter(|(path, _)| is_ledger(&path.as_path()));
    let ledger: Vec<u8> = files.filter_map(|(_, content)| content.clone()).flatten().collect();
    let is_there = |mac: &[u8]| ledger.windows(mac.len()).any(|bytes| bytes == mac);
    let lost = image.promised.heads().find(|mac| !is_there(mac))?;
    Some(format!("an answer showed {} and the ledger does not", hex::encode(lost)))
}
