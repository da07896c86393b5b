//! The shim under small programs of which it is known what they do.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Instant;

use tempfile::TempDir;
use tokio::process::Command;

use super::shim::{Event, Shim, read_trace};

/// Runs `script` in the directory `dir/watched` under a shim with `rules`: how it ended, what it did.
async fn sh(dir: &Path, rules: &[&str], script: &str) -> (Option<i32>, Option<i32>, Vec<Event>) {
    let watched = dir.join("watched");
    fs::create_dir_all(&watched).unwrap();
    let shim = Shim::recording(dir, std::slice::from_ref(&watched));
    shim.tell(&rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>());
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&watched);
    shim.under(&mut command);
    let ended = command.output().await.unwrap().status;
    let events = match shim.trace().exists() {
        true => read_trace(shim.trace()).into_iter().map(|(_, event)| event).collect(),
        false => Vec::new(),
    };
    (ended.code(), ended.signal(), events)
}

#[tokio::test]
async fn everything_that_changes_a_file_is_recorded_in_order() {
    let dir = TempDir::new().unwrap();
    let script = "printf hello > a; sync a; mv a b; ln b c; printf ' you' >> b; truncate -s 3 c; \
        rm c; mkdir d; rmdir d; sync .; (cd ..; echo elsewhere > e); cat b";
    let (code, _, events) = sh(dir.path(), &[], script).await;
    assert_eq!(code, Some(0));
    let path = |name: &str| dir.path().join("watched").join(name);
    let Event::Create { inode, .. } = events[0] else { panic!("{events:?}") };
    let Some(Event::Sync { inode: watched, .. }) = events.last().cloned() else {
        panic!("{events:?}")
    };
    let write = |at, name, data: &str| Event::Write {
        inode,
        at,
        path: path(name),
        data: data.as_bytes().to_vec(),
    };
    let want = [
        Event::Create { inode, path: path("a") },
        write(0, "a", "hello"),
        Event::Sync { inode, path: path("a") },
        Event::Rename { from: path("a"), to: path("b") },
        Event::Link { from: path("b"), to: path("c") },
        write(5, "b", " you"),
        Event::Resize { inode, len: 3, path: path("c") },
        Event::Unlink { path: path("c") },
        Event::MakeDir { path: path("d") },
        Event::RemoveDir { path: path("d") },
        Event::Sync { inode: watched, path: dir.path().join("watched") },
    ];
    assert_eq!(events, want);
}

#[tokio::test]
async fn rules_hit_the_operation_they_name_and_no_other() {
    let three = "for n in 1 2 3; do printf $n >> f || printf failed >> g; done";
    type Case<'a> = (&'a [&'a str], &'a str, &'a str, &'a str);
    let table: [Case<'_>; 6] = [
        (&["fail write */f 2 ENOSPC"], three, "13", "failed"),
        (&["fail write */f 2+ EIO"], three, "1", "failedfailed"),
        (&["fail sync */f 1 EIO"], "printf 1 > f; sync f || printf failed > g", "1", "failed"),
        (&["fail rename */g 1 EROFS"], "printf 1 > f; mv f g || printf failed > g", "1", "failed"),
        (&["fail create */g 1 EDQUOT"], "printf 1 > f; printf 2 > g", "1", ""),
        // The shell writes the rest by itself.
        (&["short write */f 1 2"], "printf 12345 > f", "12345", ""),
    ];
    for (rules, script, f, g) in table {
        let dir = TempDir::new().unwrap();
        let (_, _, events) = sh(dir.path(), rules, script).await;
        let read = |name| fs::read_to_string(dir.path().join("watched").join(name));
        assert_eq!(read("f").unwrap(), f, "{rules:?}: {events:?}");
        assert_eq!(read("g").unwrap_or_default(), g, "{rules:?}: {events:?}");
        assert!(events.iter().any(|event| matches!(event, Event::Fault { .. })), "{rules:?}");
    }
}

#[tokio::test]
async fn it_kills_just_before_and_delays() {
    let dir = TempDir::new().unwrap();
    let script = "printf 1 > f; printf 2 >> f; printf 3 >> f";
    let (_, signal, events) = sh(dir.path(), &["kill write * 2"], script).await;
    assert_eq!(signal, Some(9));
    assert_eq!(fs::read(dir.path().join("watched/f")).unwrap(), b"1");
    assert!(matches!(events.last(), Some(Event::Fault { .. })), "{events:?}");

    let begun = Instant::now();
    let (code, ..) = sh(dir.path(), &["delay write * 1 400"], "printf 1 > f").await;
    assert_eq!(code, Some(0));
    assert!(begun.elapsed().as_millis() >= 400);
}

#[tokio::test]
async fn a_rule_that_is_none_stops_the_program() {
    let dir = TempDir::new().unwrap();
    for rule in ["fail write * 1 EWHAT", "fail read * 1 EIO", "kill write *", "nonsense"] {
        let (_, signal, _) = sh(dir.path(), &[rule], "printf 1 > f").await;
        assert_eq!(signal, Some(6), "{rule}");
    }
}
