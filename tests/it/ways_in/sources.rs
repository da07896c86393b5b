//! Each source of a key, how a test provides it, makes it wrong, and takes it away.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::{Ran, run};
use crate::support::site::{Site, write_private};

/// Does something to a site.
type Act = fn(&Way);

/// One kind of source.
pub(super) struct Source {
    pub(super) name: &'static str,
    /// As `keys slot list` names it.
    pub(super) kind: &'static str,
    /// The setting; `{dir}` is the site's directory.
    setting: (&'static str, &'static str),
    provide: Act,
    /// Makes the secret a wrong one, and what is said then.
    pub(super) wrong: (Act, &'static str),
    /// Takes it away, and what is said then.
    pub(super) lost: (Act, &'static str),
}

/// A site with one source.
pub(super) struct Way {
    pub(super) site: Site,
}

const RIGHT: &str = "correct horse battery staple five";
const WRONG: &str = "correct horse battery stable five";
const RIGHT_HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const WRONG_HEX: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const RIGHT_PIN: &str = "73519862";
const WRONG_PIN: &str = "73519863";
/// Secrets that no message may show.
pub(super) const TEXTS: [&str; 6] =
    ["staple", "stable", RIGHT_HEX, WRONG_HEX, RIGHT_PIN, WRONG_PIN];

pub(super) const SOURCES: &[Source] = &[
    Source {
        name: "passphrase",
        kind: "passphrase",
        setting: ("keys.passphrase", "file:{dir}passphrase"),
        provide: |way| way.write("passphrase", RIGHT.as_bytes()),
        wrong: (|way| way.write("passphrase", WRONG.as_bytes()), "wrong passphrase"),
        lost: (|way| way.remove("passphrase"), "passphrase: cannot be read"),
    },
    Source {
        name: "key file",
        kind: "key-file",
        setting: ("keys.key_file", "file:{dir}root-key"),
        // Made by `keys init`.
        provide: |_| (),
        wrong: (|way| way.write("root-key", &[7, 8].repeat(16)), "locked with a key file of"),
        lost: (|way| way.remove("root-key"), "root-key: cannot be read"),
    },
    Source {
        name: "systemd credential",
        kind: "key-file",
        setting: ("keys.key_file", "cred:vault-key"),
        provide: |way| way.write("credentials/vault-key", &[1, 2, 3, 4].repeat(8)),
        wrong: (
            |way| way.write("credentials/vault-key", &[1, 2, 3, 5].repeat(8)),
            "locked with a key file of",
        ),
        lost: (|way| way.remove("credentials/vault-key"), "cred:vault-key: cannot be read"),
    },
    Source {
        name: "program",
        kind: "program",
        setting: ("keys.program", r#"["{dir}give-key", "--vault", "one"]"#),
        provide: |way| way.write_program(RIGHT_HEX),
        wrong: (|way| way.write_program(WRONG_HEX), "locked with a program of fingerprint"),
        lost: (|way| way.remove("give-key"), "give-key: No such file"),
    },
    Source {
        name: "PKCS#11 token",
        kind: "pkcs11",
        setting: (
            "keys.pkcs11",
            "pkcs11:token=fmvault;object=root%20key?module-path={module}&pin-source=file:{dir}pin",
        ),
        provide: Way::make_token,
        wrong: (|way| way.write("pin", WRONG_PIN.as_bytes()), "the token refuses the PIN"),
        lost: (
            |way| {
                fs::rename(way.site.path("tokens"), way.site.path("elsewhere")).unwrap();
                fs::create_dir(way.site.path("tokens")).unwrap();
            },
            "there is no such token",
        ),
    },
];

impl Way {
    pub(super) async fn start(source: &Source) -> Self {
        let (key, value) = source.setting;
        let value = value.replace("{module}", &module().display().to_string());
        let site = Site::start(&[("keys.key_file", ""), (key, &value)]).await;
        let way = Self { site };
        (source.provide)(&way);
        way
    }

    /// Makes the vault; the recovery key is in the file `recovery`.
    pub(super) async fn init(&self) {
        let file = self.site.path("recovery").display().to_string();
        self.run(&["keys", "init", "--recovery-file", &file]).await.ok();
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.site.command(arguments);
        command.env("CREDENTIALS_DIRECTORY", self.site.path("credentials"));
        command.env("SOFTHSM2_CONF", self.site.path("softhsm2.conf"));
        run(&mut command).await
    }

    /// Writes a file anew that only its owner can read.
    pub(super) fn write(&self, name: &str, content: &[u8]) {
        let path = self.site.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        write_private(&path, content);
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.site.path(name)).unwrap();
    }

    fn write_program(&self, key: &str) {
        self.write("give-key", format!("#!/bin/sh\necho {key}\n").as_bytes());
        let path = self.site.path("give-key");
        fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
    }

    fn make_token(&self) {
        let tokens = self.site.path("tokens");
        fs::create_dir(&tokens).unwrap();
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        self.write("softhsm2.conf", conf.as_bytes());
        self.write("pin", RIGHT_PIN.as_bytes());
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "fmvault", "--so-pin", "0123456789"])
            .args(["--pin", RIGHT_PIN])
            .env("SOFTHSM2_CONF", self.site.path("softhsm2.conf"))
            .output()
            .expect("softhsm2-util is there: run scripts/setup.sh");
        assert!(made.status.success(), "{made:?}");
    }
}

/// SoftHSM's module, at its own place: Debian has a link to it too, which is refused.
pub(super) fn module() -> PathBuf {
    Path::new("/usr/lib/softhsm/libsofthsm2.so")
        .canonicalize()
        .expect("SoftHSM2 is there: run scripts/setup.sh")
}
