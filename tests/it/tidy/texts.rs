//! What must not be in any file, whatever its language.

/// Roots of somebody's own machine. In two halves, so that this file may contain them.
const MACHINES: &[&str] =
    &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// A folder that is beside the repository on some machines and nowhere else.
const NEIGHBOUR: &str = concat!("../", "shared");

/// Marks of unfinished work.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Dependencies in `manifest` without a comment beside them.
pub(super) fn dependencies_without_reason(manifest: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut in_dependencies = false;
    for (number, line) in (1..).zip(manifest.lines()) {
        let line = line.trim();
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
            continue;
        }
        let is_dependency = in_dependencies && !line.is_empty() && !line.starts_with('#');
        if is_dependency && comment(line).is_none() {
            complaints.push(format!(
                "Cargo.toml:{number}: `{line}` has no reason. Say beside it, after `#`, what for"
            ));
        }
    }
    complaints
}

/// Lines of `text` that only make sense on somebody's own machine, or that say they are unfinished.
pub(super) fn foreign_paths(name: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.contains(NEIGHBOUR) || MACHINES.iter().any(|root| begins_path(line, root)) {
            complaints.push(format!(
                "{name}:{number}: a path of one machine. Make it relative to the repository, or put \
                 what is needed into it"
            ));
        }
        if let Some(mark) = UNFINISHED.iter().find(|mark| has_word(line, mark)) {
            complaints.push(format!("{name}:{number}: {mark}. Finish it, or leave it out"));
        }
    }
    complaints
}

/// The comment at the end of a line of TOML.
fn comment(line: &str) -> Option<&str> {
    let mut in_string = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => in_string = !in_string,
            '#' if !in_string => {
                return Some(line[at + 1..].trim()).filter(|text| !text.is_empty());
            }
            _ => {}
        }
    }
    None
}

/// Whether a path in `line` begins with `root`, rather than going through a folder of that name.
fn begins_path(line: &str, root: &str) -> bool {
    line.match_indices(root).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "./-_~}$*".contains(c))
    })
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

#[test]
fn a_dependency_without_reason_is_seen() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\n# The store.\na = \"1\" # keeps things\n\
                    b = \"1\"\nc = { version = \"#1\" }\nd = \"1\" #\n\n[lints.rust]\ne = \"warn\"\n\
                    [dev-dependencies]\nf = \"1\"\n";

    let got = dependencies_without_reason(manifest);

    let lines: Vec<_> = got.iter().filter_map(|complaint| complaint.split(':').nth(1)).collect();
    assert_eq!(lines, ["7", "8", "9", "14"], "{got:?}");
}

#[test]
fn a_path_of_one_machine_is_seen() {
    let planted = [
        format!("see {NEIGHBOUR}/x.md"),
        format!("cd {}x", MACHINES[0]),
        format!("path = \"{}x\"", MACHINES[2]),
        format!("// {}: later", UNFINISHED[0]),
    ];
    for line in planted {
        assert_eq!(foreign_paths("README.md", &line).len(), 1, "{line}");
    }
    let innocent = format!("https://example.com{}x ./a{}b /etc/fmvault", MACHINES[0], MACHINES[2]);
    assert_eq!(foreign_paths("README.md", &innocent), Vec::<String>::new());
}
