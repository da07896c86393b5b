//! The pages say what is: every link and file name leads somewhere, the
//! two commands of the first screen exist, and the Python that README shows is the file that runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_internal_link_leads_somewhere() {
    let pages = pages();
    assert!(pages.iter().any(|page| page == Path::new("README.md")), "found no pages");

    let broken: Vec<_> = pages.iter().flat_map(|page| broken_links(page)).collect();

    assert!(broken.is_empty(), "\n\n{}\n", broken.join("\n"));
}

#[test]
fn every_source_file_that_a_page_names_exists() {
    let exists = |name: &str| ["", "src"].iter().any(|base| root().join(base).join(name).exists());
    let missing: Vec<_> = pages()
        .iter()
        .flat_map(|page| files_named(&read(page)).into_iter().map(|name| (page.clone(), name)))
        .filter(|(_, name)| !exists(name))
        .collect();
    assert_eq!(missing, Vec::new());
}

#[test]
fn every_page_of_the_book_is_in_its_summary() {
    let summary = links(&read("docs/src/SUMMARY.md"));
    let missing: Vec<_> = pages()
        .into_iter()
        .filter_map(|page| page.strip_prefix("docs/src").ok().map(Path::to_owned))
        .filter(|page| page != Path::new("SUMMARY.md"))
        .filter(|page| !summary.iter().any(|link| Path::new(link) == page))
        .collect();
    assert_eq!(missing, Vec::<PathBuf>::new());
}

#[test]
fn the_two_commands_of_the_first_screen_are_in_the_makefile() {
    let (readme, makefile) = (read("README.md"), read("Makefile"));
    let first_screen: Vec<_> = readme.lines().take(40).collect();
    for target in ["demo", "test"] {
        let command = format!("make {target} ");
        assert!(
            first_screen.iter().any(|line| line.starts_with(&command)),
            "README.md does not begin with `{command}`"
        );
        let rule = format!("{target}:");
        assert!(makefile.lines().any(|line| line.starts_with(&rule)), "Makefile has no {target}");
    }
}

#[test]
fn the_python_that_readme_shows_is_the_file_that_runs() {
    let readme = read("README.md");
    let shown = readme.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(shown, Some(read("examples/python/two_calls.py").as_str()));
}

/// What is wrong with the links of a page.
fn broken_links(page: &Path) -> Vec<String> {
    let folder = page.parent().unwrap();
    let complaint = |link: &str, what: &str| format!("{}: ({link}) {what}", page.display());
    links(&read(page))
        .iter()
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        .filter_map(|link| {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.to_owned() } else { folder.join(path) };
            if !root().join(&target).exists() {
                return Some(complaint(link, "leads nowhere"));
            }
            let is_page = target.extension().is_some_and(|kind| kind == "md");
            let found = anchor.is_empty() || !is_page || anchors(&read(&target)).contains(anchor);
            (!found).then(|| complaint(link, "names no heading of that page"))
        })
        .collect()
}

/// Where the links of a page lead, outside its code.
fn links(text: &str) -> Vec<String> {
    prose(text)
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The source files that a page names in its code spans: with a folder, and not as a pattern.
fn files_named(text: &str) -> Vec<String> {
    const KINDS: [&str; 6] = [".rs", ".proto", ".sh", ".toml", ".py", ".service"];
    let is_file = |span: &&str| {
        let is_kind = KINDS.iter().any(|kind| span.ends_with(kind));
        is_kind && span.contains('/') && !span.starts_with('/') && !span.contains(['*', ' ', '$'])
    };
    prose(text).split('`').skip(1).step_by(2).filter(is_file).map(str::to_owned).collect()
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let slug = |heading: &str| {
        heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    prose(text)
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| slug(line.trim_start_matches('#')))
        .collect()
}

/// A page without its code blocks.
fn prose(text: &str) -> String {
    let mut within_code = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        within_code ^= fence;
        !within_code && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Every Markdown file of the repository, by its name relative to the root.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let others = name.starts_with('.') || ["target", "node_modules"].contains(&name);
            if path.is_dir() && !others {
                folders.push(path);
            } else if name.ends_with(".md") {
                pages.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    pages.sort();
    pages
}

fn read(name: impl AsRef<Path>) -> String {
    let name = name.as_ref();
    fs::read_to_string(root().join(name))
        .unwrap_or_else(|error| panic!("{}: {error}", name.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn a_broken_link_is_seen_and_code_is_not_looked_at() {
    let text = "see [a](x.md) and\n```sh\n[no](y.md)\n```\n[b](#z)";
    assert_eq!(links(text), ["x.md", "#z"]);
    let text = "`a/b.rs`, `b.rs`, `/etc/c.toml`, `d/e*.rs`, `make f/g.sh`\n";
    assert_eq!(files_named(text), ["a/b.rs"]);
    assert_eq!(anchors("# The disk, full?\n```\n# no\n```\n"), ["the-disk-full".to_owned()].into());
}
