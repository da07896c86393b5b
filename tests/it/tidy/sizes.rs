//! How long things may be: what does not fit into a head is not understood by anyone.

use super::source::Source;

/// Longest file, in lines, unit tests included.
const FILE_LINES_MAX: usize = 300;

/// Longest function, in lines, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// The file and the functions in it that are longer than allowed.
pub(super) fn too_long(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    if source.line_count > FILE_LINES_MAX {
        complaints.push(format!(
            "src/{}: {} lines, {FILE_LINES_MAX} allowed. Find the second thing it does and give that a \
             file",
            source.name, source.line_count
        ));
    }
    for at in 0..source.tokens.len() {
        // `fn` without a name is a type.
        let (true, Some(name)) = (source.is(at, "fn"), source.word(at + 1)) else { continue };
        let Some(open) = body(source, at) else { continue };

        let lines = source.tokens[source.closing(open)].line - source.tokens[at].line + 1;
        if lines > FUNCTION_LINES_MAX {
            let what = format!(
                "`{name}` has {lines} lines, {FUNCTION_LINES_MAX} allowed. Let it decide, and move \
                 computing into functions below it"
            );
            complaints.push(source.complain(at, &what));
        }
    }
    complaints
}

/// The opening brace of the function declared at `at`; `None` if it has no body.
fn body(source: &Source, at: usize) -> Option<usize> {
    let mut brackets = 0;
    for inner in at..source.tokens.len() {
        brackets += usize::from(source.is(inner, "(") || source.is(inner, "["));
        brackets -= usize::from(source.is(inner, ")") || source.is(inner, "]"));
        if brackets == 0 && source.is(inner, ";") {
            return None;
        }
        if brackets == 0 && source.is(inner, "{") {
            return Some(inner);
        }
    }
    None
}

#[test]
fn a_long_file_is_seen() {
    assert_eq!(too_long(&Source::new("a.rs", &"\n".repeat(300))).len(), 0);
    assert_eq!(too_long(&Source::new("a.rs", &"\n".repeat(301))).len(), 1);
}

#[test]
fn a_long_function_is_seen() {
    let function = |inner| {
        let lines = "    let brace = \"{\"; // {\n".repeat(inner);
        format!("trait T {{\n fn g(&self) -> [u8; 2];\n}}\nfn f(x: [u8; 2]) {{\n{lines}}}\n")
    };
    assert_eq!(too_long(&Source::new("a.rs", &function(68))).len(), 0);

    let got = too_long(&Source::new("a.rs", &function(69)));
    assert_eq!(got.len(), 1);
    assert!(got[0].starts_with("src/a.rs:4: `f` has 71 lines"), "{got:?}");
}
