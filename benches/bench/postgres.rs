//! What somebody would use instead: facemaps in a table of PostgreSQL, encrypted by pgcrypto. A private
//! server without a network, as an unprivileged user, with the settings that Debian gives it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::world;

/// Who runs the server: PostgreSQL refuses to be run by root.
const USER: &str = "postgres";
const CLIENTS: &str = "16";

/// A running server with a table of its own. It is stopped when this is dropped.
pub struct Postgres {
    bin: PathBuf,
    dir: tempfile::TempDir,
}

impl Postgres {
    /// Starts one for facemaps of `len` bytes, or says why not.
    pub fn start(len: usize) -> Result<Self, String> {
        let bin = newest().ok_or("PostgreSQL is not installed (apt-get install postgresql)")?;
        let postgres = Self { bin, dir: world::folder() };
        let own = fs::Permissions::from_mode(0o755);
        fs::set_permissions(postgres.dir.path(), own).map_err(|error| error.to_string())?;
        let data = postgres.dir.path().join("data");
        fs::create_dir(&data).map_err(|error| error.to_string())?;
        run(Command::new("chown").arg(USER).arg(&data))?;
        let initdb = ["--auth", "trust", "--no-instructions", "-D"];
        run(postgres.command("initdb").args(initdb).arg(&data))?;
        let options =
            format!("-c listen_addresses='' -c unix_socket_directories='{}'", data.display());
        let control = ["-w", "-s", "-o", &options, "-l"];
        run(postgres
            .command("pg_ctl")
            .args(control)
            .arg(data.join("log"))
            .arg("-D")
            .arg(&data)
            .arg("start"))?;
        postgres.sql(
            "create extension pgcrypto; create table facemap (id serial primary key, body bytea)",
        )?;
        // Ciphertext does not shrink, so PostgreSQL need not try.
        postgres.sql("alter table facemap alter column body set storage external")?;
        postgres.scripts(len)?;
        let fill = "insert into facemap (body) select pgp_sym_encrypt_bytea(f, 'k', o) from \
                    (select decode(repeat('07', LEN), 'hex') f, OPTIONS o) x, generate_series(1, 256)";
        let fill = fill.replace("LEN", &len.to_string()).replace("OPTIONS", OPTIONS);
        postgres.sql(&fill)?;
        Ok(postgres)
    }

    /// Puts a second, each committed durably, for so many seconds.
    pub fn put(&self, seconds: f64) -> f64 {
        self.bench("put.sql", seconds)
    }

    /// Fetches a second.
    pub fn fetch(&self, seconds: f64) -> f64 {
        self.bench("fetch.sql", seconds)
    }

    fn scripts(&self, len: usize) -> Result<(), String> {
        let mut hex = String::with_capacity(2 * len);
        (0..len).for_each(|_| write!(hex, "07").unwrap());
        let put = format!(
            "insert into facemap (body) values (pgp_sym_encrypt_bytea('\\x{hex}', 'k', {OPTIONS}));\n"
        );
        let fetch = "\\set id random(1, 256)\n\
                     select pgp_sym_decrypt_bytea(body, 'k') from facemap where id = :id;\n";
        let path = |name: &str| self.dir.path().join(name);
        fs::write(path("put.sql"), put).map_err(|error| error.to_string())?;
        fs::write(path("fetch.sql"), fetch).map_err(|error| error.to_string())
    }

    fn bench(&self, script: &str, seconds: f64) -> f64 {
        let data = self.dir.path().join("data");
        let seconds = format!("{}", seconds.ceil());
        let output = self
            .command("pgbench")
            .args(["-n", "-c", CLIENTS, "-j", "2", "-T", &seconds, "-f"])
            .arg(self.dir.path().join(script))
            .arg("-h")
            .arg(&data)
            .arg("postgres")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        rate.and_then(|rate| rate.parse().ok()).unwrap_or(f64::NAN)
    }

    fn sql(&self, text: &str) -> Result<(), String> {
        let data = self.dir.path().join("data");
        run(self.command("psql").args(["-q", "-d", "postgres", "-h"]).arg(data).args(["-c", text]))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("runuser");
        command.args(["-u", USER, "--"]).arg(self.bin.join(program)).current_dir(self.dir.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        let _ = run(self
            .command("pg_ctl")
            .args(["-w", "-s", "-m", "fast", "-D"])
            .arg(data)
            .arg("stop"));
    }
}

/// AES-256, and no attempt to compress.
const OPTIONS: &str = "'cipher-algo=aes256, compress-algo=0'";

/// Where Debian keeps the programs of the newest version.
fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<_> =
        versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    found.retain(|bin| bin.join("initdb").exists() && Path::new("/usr/sbin/runuser").exists());
    found.sort();
    found.pop()
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("PostgreSQL: {}", said.trim().lines().last().unwrap_or("failed without a word")))
}
