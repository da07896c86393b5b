//! A trail that was touched: every edit is found, with its place.

use facemap_vault::audit::{GivenHead, HEADER_LEN, Head, Place, Verified, Wrong};

use super::*;

const EDITS: usize = 1000;

/// Where a record of a trail is, and how long.
#[derive(Clone, Copy, Debug)]
struct Spot {
    place: Place,
    len: usize,
    sequence: u64,
}

/// A trail that is edited again and again, each time from the same beginning.
struct Bench {
    dir: TempDir,
    rng: Rng,
    spots: Vec<Spot>,
    head: Head,
}

impl Bench {
    async fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let (dir, settings) = filled(150, &mut rng).await;
        let mut spots: Vec<Spot> = Vec::new();
        trail(&settings.dir)
            .walk(0, |step| {
                if let Step::Record(place, record) = step {
                    let long = record.entry.recovery.is_some();
                    let len = if long { 264 } else { 160 };
                    spots.push(Spot { place, len, sequence: record.sequence });
                }
                true
            })
            .unwrap();
        let head = trail(&settings.dir).verify(None).unwrap().last.unwrap().0;
        assert!(spots.last().unwrap().place.segment > 3, "several segments");
        Self { dir, rng, spots, head }
    }

    /// Verifies a copy of the trail with segment `n` as `edit` leaves it.
    fn edited(&self, n: u64, edit: impl FnOnce(&mut Vec<u8>)) -> Verified {
        let to = self.dir.path().join("edited");
        copy(&self.dir.path().join("audit"), &to);
        let path = to.join(format!("ledger.{n:08}"));
        let mut bytes = fs::read(&path).unwrap();
        edit(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let head: GivenHead = self.head.to_string().parse().unwrap();
        let verified = trail(&to).verify(Some(&head)).unwrap();
        fs::remove_dir_all(&to).unwrap();
        verified
    }

    /// A record, not the last of the trail.
    fn any(&mut self) -> usize {
        self.rng.below(self.spots.len() - 1)
    }
}

fn range(spot: Spot) -> std::ops::Range<usize> {
    spot.place.offset as usize..spot.place.offset as usize + spot.len
}

#[tokio::test]
async fn an_untouched_trail_is_whole() {
    let bench = Bench::new(1).await;
    let verified = bench.edited(1, |_| ());
    assert!(verified.is_whole(), "{verified:?}");
    assert_eq!(verified.records, bench.spots.len() as u64);
    assert!(verified.tail_known);
}

#[tokio::test]
async fn every_edit_is_found_where_it_was_made() {
    let mut bench = Bench::new(2).await;
    for _ in 0..EDITS {
        let spot = bench.spots[bench.rng.below(bench.spots.len())];
        let at = spot.place.offset as usize + bench.rng.below(spot.len);
        let flip = bench.rng.below(255) as u8 + 1;
        let verified = bench.edited(spot.place.segment, |bytes| bytes[at] ^= flip);
        let first = *verified.findings.first().expect("found");
        assert_eq!(first.place, spot.place, "{first}, edited at {at} of {spot:?}");
        assert_eq!(first.sequence, spot.sequence, "{first}");
        assert!(matches!(first.wrong, Wrong::Edited | Wrong::TornTail { .. }), "{first}");
    }
}

#[tokio::test]
async fn every_edit_of_a_segments_header_is_found() {
    let mut bench = Bench::new(3).await;
    for at in 0..HEADER_LEN {
        let flip = bench.rng.below(255) as u8 + 1;
        let verified = bench.edited(2, |bytes| bytes[at] ^= flip);
        let first = *verified.findings.first().expect("found");
        assert_eq!((first.place, first.wrong), (Place { segment: 2, offset: 0 }, Wrong::NotOurs));
    }
}

#[tokio::test]
async fn every_removal_is_found_with_what_is_missing() {
    let mut bench = Bench::new(4).await;
    for _ in 0..EDITS {
        let first = bench.any();
        let spot = bench.spots[first];
        let same = |other: &&Spot| other.place.segment == spot.place.segment;
        let rest: Vec<Spot> = bench.spots[first..].iter().take_while(same).copied().collect();
        let count = 1 + bench.rng.below(rest.len().min(4));
        let end = range(rest[count - 1]).end;
        let start = range(spot).start;
        let verified = bench.edited(spot.place.segment, |bytes| drop(bytes.drain(start..end)));
        let found = *verified.findings.first().expect("found");
        assert_eq!(found.sequence, spot.sequence, "{found}, removed {count} from {spot:?}");
        let until = spot.sequence + count as u64;
        let last = bench.spots.last().unwrap().sequence;
        match until > last {
            true => assert!(matches!(found.wrong, Wrong::Cut { .. }), "{found}"),
            false => assert_eq!(found.wrong, Wrong::Removed { until }, "{found}"),
        }
    }
}

#[tokio::test]
async fn every_change_of_order_is_found() {
    let mut bench = Bench::new(5).await;
    let mut done = 0;
    while done < EDITS {
        let (a, b) = (bench.any(), bench.any());
        let (a, b) = (bench.spots[a.min(b)], bench.spots[a.max(b)]);
        if a.sequence == b.sequence || a.place.segment != b.place.segment {
            continue;
        }
        done += 1;
        let verified = bench.edited(a.place.segment, |bytes| {
            let (first, second) = (bytes[range(a)].to_vec(), bytes[range(b)].to_vec());
            let between = bytes[range(a).end..range(b).start].to_vec();
            let mixed = [second, between, first].concat();
            bytes[range(a).start..range(b).end].copy_from_slice(&mixed);
        });
        let found = *verified.findings.first().expect("found");
        assert_eq!((found.place, found.sequence), (a.place, a.sequence), "{found}: {a:?} {b:?}");
    }
}

#[tokio::test]
async fn every_cut_is_found_by_the_head_and_cannot_be_known_without() {
    let mut bench = Bench::new(6).await;
    let last = *bench.spots.last().unwrap();
    let in_last: Vec<Spot> =
        bench.spots.iter().filter(|s| s.place.segment == last.place.segment).copied().collect();
    for _ in 0..EDITS {
        // The first record of a segment stays: without it the file would not be there.
        let n = bench.rng.below(in_last.len() - 1) + 1;
        let end = in_last[n].place.offset as usize;
        let verified = bench.edited(last.place.segment, |bytes| bytes.truncate(end));
        let found = *verified.findings.first().expect("found");
        assert_eq!(found.wrong, Wrong::Cut { head: bench.head.sequence }, "{found}");
        assert_eq!(found.sequence, in_last[n].sequence, "the first that is missing");

        let cut = bench.dir.path().join("cut");
        copy(&bench.dir.path().join("audit"), &cut);
        let path = cut.join(format!("ledger.{:08}", last.place.segment));
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(end as u64).unwrap();
        let blind = trail(&cut).verify(None).unwrap();
        assert!(blind.is_whole() && !blind.tail_known, "{blind:?}");
    }
}

#[tokio::test]
async fn missing_swapped_and_foreign_segments_are_found() {
    let bench = Bench::new(7).await;
    let (from, to) = (bench.dir.path().join("audit"), bench.dir.path().join("edited"));
    let wrong = |edit: &dyn Fn(&Path)| {
        copy(&from, &to);
        edit(&to);
        let verified = trail(&to).verify(None).unwrap();
        fs::remove_dir_all(&to).unwrap();
        verified.findings.first().map(|found| (found.place.segment, found.wrong))
    };
    let name = |n: u64| format!("ledger.{n:08}");

    let missing = wrong(&|dir| fs::remove_file(dir.join(name(2))).unwrap());
    assert_eq!(missing, Some((2, Wrong::SegmentMissing)));
    let swapped = wrong(&|dir| {
        fs::rename(dir.join(name(2)), dir.join("x")).unwrap();
        fs::rename(dir.join(name(3)), dir.join(name(2))).unwrap();
        fs::rename(dir.join("x"), dir.join(name(3))).unwrap();
    });
    assert_eq!(swapped, Some((2, Wrong::NotOurs)));
    // The oldest may be archived elsewhere; that is no damage.
    assert_eq!(wrong(&|dir| fs::remove_file(dir.join(name(1))).unwrap()), None);

    let other = Trail::new(from, [0x57; 16], key());
    assert!(!other.verify(None).unwrap().is_whole(), "another vault's");
}

#[tokio::test]
async fn a_rewritten_trail_does_not_have_the_head() {
    let bench = Bench::new(8).await;
    let other = Bench::new(9).await;
    let head: GivenHead =
        other.spots.first().map(|_| other.head).unwrap().to_string().parse().unwrap();
    let verified = trail(&bench.dir.path().join("audit")).verify(Some(&head)).unwrap();
    let found = verified.findings.first().expect("found");
    assert!(matches!(found.wrong, Wrong::Rewritten { .. } | Wrong::Cut { .. }), "{found}");
}
