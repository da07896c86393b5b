//! The inputs that mutations begin with: `tests/fuzz/corpus/TARGET/`. Every file is accepted by its
//! target, which proves that the corpus reaches behind the first check, unless its name begins with
//! `bad-`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use facemap_vault::fuzzing::TARGETS;

/// The corpus of one target.
pub(crate) struct Corpus {
    files: Vec<(String, Vec<u8>)>,
}

impl Corpus {
    /// Reads the corpus of the target `name`.
    pub(crate) fn read(name: &str) -> Result<Self, String> {
        let folder = root().join("tests/fuzz/corpus").join(name);
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut files: Vec<_> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read(path).unwrap())
            })
            .collect();
        // The order of a folder differs from machine to machine, and everything follows from the seed.
        files.sort();
        if files.iter().all(|(name, _)| name.starts_with("bad-")) {
            return Err(format!("{}: no file that is accepted", folder.display()));
        }
        Ok(Self { files })
    }

    /// Name, content, and whether it is accepted.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8], bool)> {
        self.files
            .iter()
            .map(|(name, bytes)| (name.as_str(), &bytes[..], !name.starts_with("bad-")))
    }

    /// How many files there are; at least one.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// The content of one of them.
    pub(crate) fn bytes(&self, n: usize) -> &[u8] {
        &self.files[n].1
    }
}

/// Compares the table of targets with the folders of the corpus and the programs of `fuzz/`.
pub(crate) fn compare_names() -> Result<(), String> {
    let wanted: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    for folder in ["tests/fuzz/corpus", "fuzz/targets"] {
        let entries = fs::read_dir(root().join(folder)).map_err(|error| error.to_string())?;
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        let found: BTreeSet<_> = entries.map(|entry| stem(entry.unwrap().path())).collect();
        if found != wanted {
            let differ: Vec<_> = wanted.symmetric_difference(&found).collect();
            return Err(format!("src/fuzzing.rs and {folder}/ differ in {differ:?}"));
        }
    }
    Ok(())
}

/// Keeps an input that made its target fail, and says where.
pub(crate) fn keep(target: &str, n: u64, input: &[u8]) -> String {
    let folder = root().join("target/fuzz");
    let file = folder.join(format!("{target}-{n}"));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, input));
    kept.map_or_else(|error| error.to_string(), |()| format!("input kept in {}", file.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
