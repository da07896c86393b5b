//! The house rules that can be read off the files themselves: who may import whom, how long things may
//! be, which words we do not use. Each rule is a function from text to complaints, tested beside itself;
//! here they meet the repository.
//!
//! A complaint says what to do. If a rule is wrong, change the rule here, with a reason.

mod layers;
mod sizes;
mod source;
mod texts;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
};

use source::Source;

#[test]
fn layers_import_only_what_is_below_them() {
    check_sources(layers::imports);
}

#[test]
fn third_party_crates_stay_at_home() {
    check_sources(layers::third_party);
}

#[test]
fn the_clock_is_read_in_one_place() {
    check_sources(layers::clock);
}

#[test]
fn files_and_functions_stay_short() {
    check_sources(sizes::too_long);
}

#[test]
fn secrets_are_exposed_in_few_files() {
    check_sources(words::exposed);
}

#[test]
fn identifiers_use_the_words_of_the_house() {
    let protos: Vec<_> = repository().into_iter().filter(|f| f.name.ends_with(".proto")).collect();
    let rpcs = words::rpc_names(protos.iter().map(|file| file.text.as_str()));
    assert!(rpcs.iter().any(|rpc| rpc == "get_enrollment"), "found no rpc in proto/: {rpcs:?}");

    check_sources(|source| words::refused(source, &rpcs));
}

#[test]
fn nothing_can_finalize() {
    check_sources(words::finalizing);
}

#[test]
fn every_dependency_has_a_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    report(texts::dependencies_without_reason(&manifest));
}

#[test]
fn the_repository_stands_alone() {
    let files = repository();
    assert!(files.iter().any(|file| file.name == "Cargo.toml"), "found no files");

    report(files.iter().flat_map(|file| texts::foreign_paths(&file.name, &file.text)).collect());
}

/// Runs `rule` on every file of `src/`.
fn check_sources(rule: impl Fn(&Source) -> Vec<String>) {
    let sources: Vec<_> = repository()
        .iter()
        .filter_map(|file| Some(Source::new(file.name.strip_prefix("src/")?, &file.text)))
        .filter(|source| source.name.ends_with(".rs"))
        .collect();
    assert!(sources.iter().any(|source| source.name == "lib.rs"), "found no sources");

    report(sources.iter().flat_map(rule).collect());
}

fn report(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n\n{}\n", complaints.join("\n"));
}

/// A text file of the repository, by its name relative to the root.
struct TextFile {
    name: String,
    text: String,
}

/// Folders whose files are not ours: git's, editors', what is built, and what the examples install.
const OTHERS: [&str; 8] = [
    ".git",
    ".idea",
    ".vscode",
    "target",
    "examples/python/.venv",
    "examples/python/gen",
    "examples/typescript/build",
    "examples/typescript/node_modules",
];

/// Every text file of the repository: not what is built, not git's own, not editors' folders.
fn repository() -> Vec<TextFile> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if OTHERS.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                files.push(TextFile { name, text });
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
