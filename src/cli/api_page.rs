//! The page of error reasons, made from the catalogue: `docs/src/reference/errors.md` is this text.

use std::fmt::Write;

use crate::grpc::catalogue::{Entry, Raised, TITLES, code_name, tables};

const HEAD: &str = "\
# Error reasons

<!-- Made by `fmvault api errors --markdown` from src/grpc/catalogue; a test compares. -->

Every error carries one: `reason` of `google.rpc.ErrorInfo` with the domain `facemapvault`, and the same in
the ASCII trailer `fmvault-reason`. An enrollment shows one in `last_error_reason`. They are the values of
`ErrorReason` in [error_reason.proto](../../../proto/facemapvault/v1/error_reason.proto) without the prefix.
New ones may come: to a reason that you do not know react by the code. `fmvault api errors --json` prints
this page for programs.

*Code* is the gRPC status. *RetryInfo* means that the same call can succeed later, and says when. *Acts*
says who has to do something. The texts are the ones that callers read, but for times, limits and fields.
No error repeats anything that Jumio answered.
";

/// The page.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    for (title, table) in TITLES.iter().zip(tables()) {
        let _ = write!(page, "\n# {title}\n");
        table.iter().for_each(|entry| section(&mut page, entry));
    }
    page
}

fn section(page: &mut String, entry: &Entry) {
    let retry = if entry.retry { ", RetryInfo" } else { "" };
    let (code, acts) = (code_name(entry.code), entry.acts.name());
    let paragraphs = [
        format!("## {}", entry.name()),
        format!("{code}{retry}. Acts: {acts}.{}", raised(entry.raised)),
        markdown(&entry.message()),
        entry.note.to_owned(),
        metadata(entry),
    ];
    for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
        let _ = write!(page, "\n{}\n", wrapped(paragraph));
    }
}

fn raised(raised: Raised) -> &'static str {
    match raised {
        Raised::Call => "",
        Raised::Start => {
            " *At the start*: the vault does not serve; `fmvault server` says it and ends."
        }
        Raised::Nowhere => " *Never sent* by this version.",
    }
}

fn metadata(entry: &Entry) -> String {
    let keys: Vec<_> =
        entry.metadata.iter().map(|(key, what)| format!("`{key}`, {what}")).collect();
    if keys.is_empty() { String::new() } else { format!("Metadata: {}.", keys.join("; ")) }
}

/// A text of callers with the marks of Markdown made harmless.
fn markdown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escape = matches!(c, '<' | '>' | '`' | '|' | '*').then_some('\\');
            escape.into_iter().chain([c])
        })
        .collect()
}

/// A paragraph in lines of at most 105 characters.
fn wrapped(paragraph: &str) -> String {
    let mut text = String::new();
    let mut line = 0;
    for word in paragraph.split_whitespace() {
        let len = word.chars().count();
        let (space, gap) = match line {
            0 => ("", 0),
            filled if filled + 1 + len > 105 => ("\n", 0),
            _ => (" ", 1),
        };
        line = if space == "\n" { len } else { line + gap + len };
        text.push_str(space);
        text.push_str(word);
    }
    text
}
