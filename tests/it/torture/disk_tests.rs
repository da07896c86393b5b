//! The model of the disk, on stories of which every possible ending is known.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::disk::{Disk, Left, Unsynced};
use super::ground::write;
use super::shim::Event;
use crate::support::rng::Rng;

fn path(name: &str) -> PathBuf {
    Path::new("/disk").join(name)
}

fn create(inode: u64, name: &str) -> Event {
    Event::Create { inode, path: path(name) }
}

fn put(inode: u64, at: u64, data: &[u8]) -> Event {
    Event::Write { inode, at, path: path(""), data: data.to_vec() }
}

fn sync(inode: u64) -> Event {
    Event::Sync { inode, path: path("some-file") }
}

fn sync_dir() -> Event {
    Event::Sync { inode: 1, path: PathBuf::from("/disk") }
}

fn rename(from: &str, to: &str) -> Event {
    Event::Rename { from: path(from), to: path(to) }
}

/// An empty directory, and then `events`.
fn disk(events: &[Event]) -> Disk {
    let mut disk = Disk::default();
    // The root of the model is the directory that is made first.
    disk.root_at("/disk");
    for event in events {
        disk.apply(event);
    }
    disk
}

/// What is left, one text for each file.
fn told(left: &Left) -> String {
    let file = |(name, content): (&PathBuf, &Option<Vec<u8>>)| {
        let content = content.as_deref().map_or("/".into(), String::from_utf8_lossy).into_owned();
        format!("{}={}", name.display(), content.replace('\0', "0"))
    };
    left.iter().map(file).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_was_not_synced_is_lost() {
    type Case<'a> = (&'a str, &'a [Event], &'a str);
    let table: [Case<'_>; 8] = [
        ("neither name nor content", &[create(2, "a"), put(2, 0, b"x")], ""),
        ("content without a name", &[create(2, "a"), put(2, 0, b"x"), sync(2)], ""),
        ("a name without content", &[create(2, "a"), put(2, 0, b"x"), sync_dir()], "a="),
        ("both", &[create(2, "a"), put(2, 0, b"x"), sync(2), sync_dir()], "a=x"),
        (
            "a later write",
            &[create(2, "a"), put(2, 0, b"x"), sync(2), sync_dir(), put(2, 1, b"y")],
            "a=x",
        ),
        (
            "a rename",
            &[create(2, "a"), put(2, 0, b"x"), sync(2), sync_dir(), rename("a", "b")],
            "a=x",
        ),
        ("a removal", &[create(2, "a"), sync_dir(), Event::Unlink { path: path("a") }], "a="),
        (
            // The number of the removed file is given to another one.
            "a removal, and the inode used again",
            &[
                create(2, "a"),
                put(2, 0, b"old"),
                sync(2),
                sync_dir(),
                Event::Unlink { path: path("a") },
                create(2, "b"),
                put(2, 0, b"new"),
                sync(2),
            ],
            "a=old",
        ),
    ];
    for (what, events, want) in table {
        assert_eq!(told(&disk(events).cut(&mut Unsynced::Lost)), want, "{what}");
    }
}

#[test]
fn every_subset_of_the_unsynced_comes_up_and_nothing_else() {
    let events = [
        create(2, "a"),
        put(2, 0, b"1"),
        sync(2),
        sync_dir(),
        put(2, 1, b"2"),
        put(2, 2, b"3"),
        rename("a", "b"),
    ];
    let disk = disk(&events);
    let mut rng = Rng::new(7);
    let seen: BTreeSet<_> =
        (0..500).map(|_| told(&disk.cut(&mut Unsynced::Some(Rng::new(rng.next()))))).collect();
    let contents = ["1", "12", "123", "103"];
    let want: BTreeSet<_> = contents
        .iter()
        .flat_map(|content| [format!("a={content}"), format!("b={content}")])
        .collect();
    assert_eq!(seen, want);
}

#[test]
fn the_last_write_is_torn_between_sectors() {
    let disk = disk(&[create(2, "a"), sync_dir(), put(2, 0, &[b'x'; 1300])]);
    let mut rng = Rng::new(7);
    let lens: BTreeSet<_> = (0..200)
        .map(|_| {
            let left = disk.cut(&mut Unsynced::Some(Rng::new(rng.next())));
            left[Path::new("a")].as_ref().unwrap().len()
        })
        .collect();
    assert_eq!(lens, BTreeSet::from([0, 512, 1024, 1300]));
}

#[test]
fn an_image_becomes_files() {
    let dir = TempDir::new().unwrap();
    let left = disk(&[
        Event::MakeDir { path: path("d") },
        sync_dir(),
        create(2, "d/a"),
        put(2, 0, b"x"),
        sync(2),
        Event::Sync { inode: 3, path: path("d") },
    ])
    .cut(&mut Unsynced::Lost);
    write(&left, &dir.path().join("image"));
    let again = Disk::of(&dir.path().join("image")).cut(&mut Unsynced::Lost);
    assert_eq!(told(&again), "d=/ d/a=x");
}
