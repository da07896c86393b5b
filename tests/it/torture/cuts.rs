//! The power is cut: what a run did to the disk is replayed up to some operation, and what was not synced
//! by then is lost, or half of it.

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
    /// A vault serves, is stopped, serves again, and is killed; under load all the time.
    async fn record(rng: &mut Rng) -> Self {
        let site = ground().await;
        let beside = TempDir::new().unwrap();
        let shim = recorder(&site, &beside);
        let before = Disk::of(site.dir.path());
        let journal = Shared::timed_by(shim.trace());
        for life in 0..2 {
            let people = onboard(&site, rng, 12).await;
            let Begun::Ready(server) = begin(site.dir.path(), Some(&shim)).await else {
                panic!("a healthy vault does not start");
            };
            let load = load::begin(&site, &server, &journal, people, rng).await;
            sleep(Duration::from_millis(500)).await;
            if life == 0 {
                server.stop().await;
            } else {
                server.kill().await;
            }
            load.end().await;
        }
        let (events, journal) = (read_trace(shim.trace()), journal.now());
        Self { site, before, events, journal }
    }

    /// Cuts at `count` places: half of them beside a sync, where a missing one would be felt.
    fn images(&self, count: usize, rng: &mut Rng) -> Vec<Image> {
        let syncs: Vec<_> = (0..self.events.len())
            .filter(|at| matches!(self.events[*at].1, Event::Sync { .. }))
            .collect();
        let mut places: Vec<_> = (0..count)
            .map(|_| match rng.one_in(2) {
                true => rng.pick(&syncs) + rng.below(2),
                false => rng.below(self.events.len() + 1),
            })
            .collect();
        places.sort_unstable();
        let mut disk = self.before.clone();
        let (mut done, mut images) = (0, Vec::new());
        for place in places {
            for (_, event) in &self.events[done..place] {
                disk.apply(event);
            }
            done = place;
            // From the moment the next event is recorded, answers may tell of it.
            let time = place.checked_sub(1).map_or(0, |last| self.events[last].0);
            let promised = self.journal.at(time);
            let torn = rng.one_in(2);
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
            if !violations.is_empty() {
                let kept = keep(&untouched.path().join("image"), seed, &image.place);
                violations.push(format!("{} of {}: {}", image.place, seed, kept.display()));
            }
            (image.torn, violations)
        };
        stream::iter(images).map(one).buffer_unordered(SIDE_BY_SIDE).collect().await
    }
}
