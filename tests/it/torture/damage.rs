//! Bytes that change behind the vault's back: flipped bits, cut, emptied, removed and swapped files,
//! lost sectors. Each damage is refused, or named by the record that it costs, or changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use facemap_vault::proto::admin::v1::EraseEnrollmentRequest;
use facemap_vault::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;
use futures_util::stream::{self, StreamExt as _};
use tempfile::TempDir;

use super::SIDE_BY_SIDE;
use super::exam::{Findings, Tolerance, examine};
use super::ground::{Copy, ground, onboard};
use super::journal::{Journal, Shared};
use super::report::{Row, copy, keep};
use super::server::{Begun, Server, begin};
use crate::support::caller::{Caller, connect, connect_socket, enroll};
use crate::support::rng::Rng;
use crate::support::site::Site;

/// What is changed to what, in one file.
#[derive(Debug, Clone)]
enum Damage {
    /// A bit, by its number.
    Flip(usize),
    /// The file ends here.
    Cut(usize),
    Removed,
    /// 512 bytes from here are zeros.
    Zeros(usize),
    /// 512 bytes from the first place stand at the second too.
    Misdirected(usize, usize),
    /// The file of the same name as it was before the last acknowledgements.
    Older,
    /// The file of the same name of another vault.
    Foreign,
}

/// Random damages in a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Of bits, in all.
    pub(super) flips: usize,
    /// Of each further kind, for each file.
    pub(super) others: usize,
    /// Whether whole files are removed, emptied and swapped.
    pub(super) whole: bool,
}

/// Damages copies of one vault.
pub(super) async fn damage(counts: Counts, rng: &mut Rng) -> Vec<Row> {
    let patient = Patient::new(rng).await;
    let planned = plan(&files(patient.site.dir.path()), counts, rng);
    let seed = rng.next();
    let mut rows: Vec<Row> = Vec::new();
    let one = |(name, damage)| patient.suffer(name, damage, seed);
    let mut ended = stream::iter(planned).map(one).buffer_unordered(SIDE_BY_SIDE);
    while let Some((fault, ended, violations)) = ended.next().await {
        let at = rows.iter().position(|row| row.fault == fault).unwrap_or_else(|| {
            rows.push(Row::new(&fault));
            rows.len() - 1
        });
        rows[at].add(ended, violations);
    }
    rows.sort_by(|a, b| a.fault.cmp(&b.fault));
    rows
}

/// What to do to which files.
fn plan(files: &[(PathBuf, usize)], counts: Counts, rng: &mut Rng) -> Vec<(PathBuf, Damage)> {
    let mut planned = Vec::new();
    let kinds = kinds(files);
    for number in 0..counts.flips {
        // Every kind of file in turn, not every byte alike: a MANIFEST is small and matters.
        let (_, of_kind) = &kinds[number % kinds.len()];
        let (name, len) = rng.pick(of_kind);
        planned.push((name, Damage::Flip(rng.below(len * 8))));
    }
    for (name, len) in files {
        if counts.whole {
            planned.push((name.clone(), Damage::Removed));
            planned.push((name.clone(), Damage::Cut(0)));
        }
        // Other settings are no damage: they name another vault, which is then served.
        if counts.whole && !is_settings(name) {
            planned.extend([Damage::Older, Damage::Foreign].map(|swap| (name.clone(), swap)));
        }
        let place = |rng: &mut Rng| rng.below(len.div_ceil(512)) * 512;
        for _ in 0..counts.others {
            planned.push((name.clone(), Damage::Cut(1 + rng.below(*len - 1))));
            planned.push((name.clone(), Damage::Zeros(place(rng))));
            planned.push((name.clone(), Damage::Misdirected(place(rng), place(rng))));
        }
    }
    planned
}

/// A vault with every kind of file, and what it has promised.
struct Patient {
    site: Site,
    promised: Journal,
    older: TempDir,
    foreign: Site,
}

impl Patient {
    async fn new(rng: &mut Rng) -> Self {
        let (site, journal) = (ground().await, Shared::default());
        let older = TempDir::new().unwrap();
        // The first life ends in tables and blobs, the second in the log.
        live(&site, &journal, rng).await.stop().await;
        copy(site.dir.path(), &older.path().join("vault"));
        live(&site, &journal, rng).await.kill().await;

        let foreign = ground().await;
        let nobody = Shared::default();
        live(&foreign, &nobody, rng).await.stop().await;
        live(&foreign, &nobody, rng).await.kill().await;
        Self { site, promised: journal.now(), older, foreign }
    }

    /// One damage to a copy: its row, how it ended, what must never be.
    async fn suffer(
        &self,
        name: PathBuf,
        damage: Damage,
        seed: u64,
    ) -> (String, &'static str, Vec<String>) {
        let copy = Copy::of(&self.site, self.site.dir.path());
        let fault = format!("{}, {}", damage.name(), kind_of(&name));
        if !self.apply(&copy.path().join(&name), &name, &damage) {
            return (fault, "same bytes", Vec::new());
        }
        let untouched = Copy::of(&self.site, &copy.path());
        let tolerance = match is_settings(&name) {
            true => Tolerance::Settings,
            false => Tolerance::Damage,
        };
        let found = examine(&self.site, &copy.path(), &self.promised, tolerance).await;
        let mut violations = found.violations.clone();
        if !violations.is_empty() {
            let what = format!("{}-{}", fault.replace([' ', ','], ""), seed % 9973);
            let kept = keep(&untouched.path(), seed, &what);
            violations.push(format!("{damage:?} of {}: {}", name.display(), kept.display()));
        }
        (fault, ended(&found), violations)
    }

    /// Whether it changed anything.
    fn apply(&self, path: &Path, name: &Path, damage: &Damage) -> bool {
        let before = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut after = before.clone();
        let sector = |at: usize| at..before.len().min(at + 512);
        match *damage {
            Damage::Flip(bit) => after[bit / 8] ^= 1 << (bit % 8),
            Damage::Cut(len) => after.truncate(len),
            Damage::Zeros(at) => after[sector(at)].fill(0),
            Damage::Misdirected(from, to) => {
                let len = sector(from).len().min(sector(to).len());
                after[to..to + len].copy_from_slice(&before[from..from + len]);
            }
            Damage::Removed => {
                fs::remove_file(path).unwrap();
                return true;
            }
            Damage::Older => match fs::read(self.older.path().join("vault").join(name)) {
                Ok(older) => after = older,
                Err(_) => return false,
            },
            Damage::Foreign => match fs::read(self.foreign.path(name.to_str().unwrap())) {
                Ok(foreign) => after = foreign,
                Err(_) => return false,
            },
        }
        let changed = after != before;
        fs::write(path, after).unwrap();
        changed
    }
}

fn ended(found: &Findings) -> &'static str {
    match found {
        Findings { refused: Some(_), .. } => "start refused",
        Findings { damaged: 1.., .. } => "DATA_LOSS, others serve",
        Findings { said: 1.., .. } => "refused by a reason",
        _ => "no effect",
    }
}

/// Enrolls some, and erases one.
async fn live(site: &Site, journal: &Shared, rng: &mut Rng) -> Server {
    let Begun::Ready(server) = begin(site.dir.path(), None).await else {
        panic!("a healthy vault does not start");
    };
    let mut caller = Caller::new(connect(server.address()).await);
    for person in onboard(site, rng, 5).await {
        let mut request = tonic::Request::new(enroll(&person, 10));
        request.set_timeout(Duration::from_secs(30));
        let answer = caller.create_enrollment(request).await.unwrap();
        journal.enrolled(&person, &answer.into_inner().enrollment.unwrap());
    }
    let account = journal.to_erase(rng).expect("somebody is captured");
    let admin = connect_socket(&site.path("admin.sock")).await;
    let request = EraseEnrollmentRequest { name: format!("enrollments/{account}") };
    EnrollmentAdminServiceClient::new(admin).erase_enrollment(request).await.unwrap();
    journal.erased(&account);
    server
}

/// Files by name, with their lengths; not empty ones, nor those that only tell what happened.
fn files(dir: &Path) -> Vec<(PathBuf, usize)> {
    let (mut files, mut open) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
            let found = entry.metadata().unwrap();
            let name = entry.path().strip_prefix(dir).unwrap().to_owned();
            if found.is_dir() {
                open.push(entry.path());
            } else if found.is_file() && found.len() > 1 && kind_of(&name) != "other" {
                files.push((name, usize::try_from(found.len()).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// What kind of file a name is.
fn kind_of(name: &Path) -> &'static str {
    let text = name.to_str().unwrap();
    let file = name.file_name().unwrap().to_str().unwrap();
    match file {
        _ if file.ends_with(".sst") => "SST",
        _ if file.ends_with(".blob") => "blob",
        _ if file.ends_with(".log") && text.starts_with("store/") => "WAL",
        _ if file.starts_with("MANIFEST") => "MANIFEST",
        _ if file.starts_with("OPTIONS") => "OPTIONS",
        "CURRENT" => "CURRENT",
        "IDENTITY" => "IDENTITY",
        "keyring.0" | "keyring.1" => "keyring",
        "root-key" => "key file",
        "fmvault.toml" => "settings",
        _ if text.starts_with("audit/ledger.") => "ledger",
        _ => "other",
    }
}

fn is_settings(name: &Path) -> bool {
    kind_of(name) == "settings"
}

/// The files of each kind.
fn kinds(files: &[(PathBuf, usize)]) -> Vec<(&'static str, Vec<(PathBuf, usize)>)> {
    let mut kinds: Vec<(&str, Vec<_>)> = Vec::new();
    for file in files {
        let kind = kind_of(&file.0);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, of_kind)) => of_kind.push(file.clone()),
            None => kinds.push((kind, vec![file.clone()])),
        }
    }
    kinds
}

impl Damage {
    fn name(&self) -> &'static str {
        match self {
            Self::Flip(_) => "bit flip",
            Self::Cut(0) => "emptied",
            Self::Cut(_) => "cut short",
            Self::Removed => "removed",
            Self::Zeros(_) => "zeroed sector",
            Self::Misdirected(..) => "misdirected sector",
            Self::Older => "yesterday's file",
            Self::Foreign => "another vault's file",
        }
    }
}
