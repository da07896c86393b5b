//! The external program: run only if nobody else could have changed it, and never for long.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use facemap_vault::unlock::{OwnedError, Program, ProgramError, UnlockError};
use tempfile::TempDir;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Longer than any good program takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn directory() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
    dir
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
}

async fn run_for(path: &Path, timeout: Duration) -> Result<Vec<u8>, UnlockError> {
    let command = vec![path.display().to_string(), "an argument; with $things".to_owned()];
    let printed = Program { command, timeout }.run().await?;
    Ok(printed.to_vec())
}

#[tokio::test]
async fn a_program_is_run_without_shell_environment_or_input() {
    let dir = directory();
    let program = dir.path().join("give-key");
    // Fails if anything is in the environment but what sh itself sets, or on standard input.
    let text = format!(
        "[ \"$1\" = 'an argument; with $things' ] || exit 3\n\
         while read -r line; do exit 4; done\n\
         [ \"$(pwd)\" = / ] || exit 5\n\
         case \"$(/usr/bin/env | /bin/grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD=)\" in '') ;; *) exit 6 ;; esac\n\
         echo noise >&2\n\
         echo {KEY}"
    );
    script(&program, &text);
    let key = run_for(&program, LONG).await.unwrap();
    assert_eq!(hex::encode(key), KEY);
}

#[tokio::test]
async fn a_program_that_others_could_have_changed_is_not_run() {
    type Spoil = fn(&Path) -> std::path::PathBuf;
    type Expected = fn(&OwnedError) -> bool;
    let table: [(&str, Spoil, Expected); 7] = [
        ("relative", |_| "give-key".into(), |e| matches!(e, OwnedError::Relative { .. })),
        (
            "writable by all",
            |program| {
                fs::set_permissions(program, Permissions::from_mode(0o702)).unwrap();
                program.to_owned()
            },
            |e| matches!(e, OwnedError::Writable { mode: 0o702, .. }),
        ),
        (
            "writable by a group",
            |program| {
                fs::set_permissions(program, Permissions::from_mode(0o720)).unwrap();
                program.to_owned()
            },
            |e| matches!(e, OwnedError::Writable { mode: 0o720, .. }),
        ),
        (
            "in a shared directory",
            |program| {
                let dir = program.parent().unwrap();
                fs::set_permissions(dir, Permissions::from_mode(0o1777)).unwrap();
                program.to_owned()
            },
            |e| matches!(e, OwnedError::Writable { mode: 0o1777, .. }),
        ),
        (
            "a symbolic link",
            |program| {
                let link = program.with_file_name("link");
                symlink(program, &link).unwrap();
                link
            },
            |e| matches!(e, OwnedError::Detour { .. }),
        ),
        (
            "a directory",
            |program| program.parent().unwrap().to_owned(),
            |e| matches!(e, OwnedError::NotAFile { .. }),
        ),
        (
            "not there",
            |program| program.with_file_name("nothing"),
            |e| matches!(e, OwnedError::Io { .. }),
        ),
    ];
    for (what, spoil, expected) in table {
        let dir = directory();
        let program = dir.path().join("give-key");
        let ran = dir.path().join("ran");
        script(&program, &format!(": > {}\necho {KEY}", ran.display()));
        let path = spoil(&program);
        let error = run_for(&path, LONG).await.unwrap_err();
        assert!(matches!(&error, UnlockError::Owned(cause) if expected(cause)), "{what}: {error}");
        assert!(!ran.exists(), "{what}: it was run");
    }
}

/// Only root can give a file away, so this shows something only where tests run as root.
#[tokio::test]
async fn a_program_of_another_user_is_not_run() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = directory();
    let program = dir.path().join("give-key");
    script(&program, &format!("echo {KEY}"));
    std::os::unix::fs::chown(&program, Some(1), None).unwrap();
    let error = run_for(&program, LONG).await.unwrap_err();
    let foreign = matches!(error, UnlockError::Owned(OwnedError::Foreign { owner: 1, .. }));
    assert!(foreign, "{error}");
}

#[tokio::test]
async fn a_program_that_hangs_fails_or_chatters_gives_no_key() {
    type Expected = fn(&ProgramError) -> bool;
    let table: [(&str, &str, Duration, Expected); 6] = [
        // Its child holds the output open, too.
        ("hangs", "/bin/sleep 1000 & exec /bin/sleep 1000", Duration::from_millis(200), |e| {
            matches!(e, ProgramError::TimedOut { .. })
        }),
        ("chatters without end", "while :; do echo words; done", LONG, |e| {
            matches!(e, ProgramError::Chatty)
        }),
        ("fails", "echo 00; exit 7", LONG, |e| matches!(e, ProgramError::Failed { .. })),
        ("says nothing", ":", LONG, |e| matches!(e, ProgramError::NotAKey { len: 0 })),
        ("says too little", "echo 0001", LONG, |e| matches!(e, ProgramError::NotAKey { len: 5 })),
        ("is killed", "kill -9 $$", LONG, |e| matches!(e, ProgramError::Failed { .. })),
    ];
    for (what, text, time, expected) in table {
        let dir = directory();
        let program = dir.path().join("give-key");
        script(&program, text);
        let begun = Instant::now();
        let error = run_for(&program, time).await.unwrap_err();
        assert!(
            matches!(&error, UnlockError::Program(cause) if expected(cause)),
            "{what}: {error}"
        );
        assert!(begun.elapsed() < LONG, "{what}");
    }
}

#[tokio::test]
async fn a_constant_is_no_key() {
    let dir = directory();
    let program = dir.path().join("give-key");
    script(&program, &format!("echo {}", "00".repeat(32)));
    let source = facemap_vault::unlock::Source::Program(Program {
        command: vec![program.display().to_string()],
        timeout: LONG,
    });
    let made = source.new_slot(facemap_vault::crypto::KdfCost::FLOOR).await;
    assert!(matches!(made, Err(UnlockError::Slot(_))));
}
