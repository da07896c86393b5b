//! Every reason for a failure: its code, its text, what it carries, and who acts. The one source of
//! statuses, of `fmvault api errors`, and of the page in the documentation.

mod enrollment;
mod jumio;
mod keys;
mod request;
mod vault;

use tonic::Code;

use crate::proto::v1::ErrorReason;

/// What is known about a reason before it happens.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The reason.
    pub reason: ErrorReason,
    /// Its gRPC code.
    pub code: Code,
    /// Who has to do something.
    pub acts: Acts,
    /// What happened, in a sentence.
    pub happened: &'static str,
    /// What to do about it, in a sentence.
    pub fix: &'static str,
    /// Whether the same call can succeed later, so that `RetryInfo` says when.
    pub retry: bool,
    /// What `ErrorInfo.metadata` may carry: the key, and what it means.
    pub metadata: &'static [(&'static str, &'static str)],
    /// Where it comes up.
    pub raised: Raised,
    /// What else its reader wants to know, in Markdown; may be empty.
    pub note: &'static str,
}

/// Who has to do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acts {
    /// The program that called, or who writes it.
    Caller,
    /// Nobody: the program calls again later.
    Wait,
    /// Who runs the vault.
    Operator,
    /// The business process around it: a person has to do something.
    Process,
}

/// Where a reason comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// In the answer to a call.
    Call,
    /// When the vault refuses to start: `fmvault server` prints it and ends with exit code 6 or 7.
    Start,
    /// Nowhere: the name is kept for a feature that this vault does not have.
    Nowhere,
}

/// The tables, in the order of the documentation.
const TABLES: [&[Entry]; 5] =
    [request::ENTRIES, enrollment::ENTRIES, jumio::ENTRIES, keys::ENTRIES, vault::ENTRIES];

/// The titles of the tables.
pub const TITLES: [&str; 5] = [
    "Requests and callers",
    "Enrollments, facemaps, authentications",
    "Jumio",
    "Keys",
    "The vault itself, and its operators",
];

/// Every entry by table, in the order of [`TITLES`].
pub fn tables() -> impl Iterator<Item = &'static [Entry]> {
    TABLES.into_iter()
}

/// What is known about `reason`. What is never sent is known as a defect.
pub(super) fn entry(reason: ErrorReason) -> &'static Entry {
    let all = || TABLES.into_iter().flatten();
    let found = all().find(|entry| entry.reason == reason);
    found
        .or_else(|| all().find(|entry| entry.reason == ErrorReason::Internal))
        .expect("a test sees that each reason has its entry")
}

impl Entry {
    /// The reason as it is on the wire.
    pub fn name(&self) -> &'static str {
        reason_name(self.reason)
    }

    /// The text of the status: what happened, and what to do.
    pub fn message(&self) -> String {
        format!("{} {}", self.happened, self.fix)
    }

    const fn retry(mut self) -> Self {
        self.retry = true;
        self
    }

    const fn carries(mut self, metadata: &'static [(&'static str, &'static str)]) -> Self {
        self.metadata = metadata;
        self
    }

    const fn raised(mut self, raised: Raised) -> Self {
        self.raised = raised;
        self
    }

    const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

/// Our word for a reason on the wire.
pub fn reason_name(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

/// The code's name as gRPC spells it.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

impl Acts {
    /// In a word or two.
    pub fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Wait => "wait",
            Self::Operator => "operator",
            Self::Process => "your process",
        }
    }
}

/// An entry with what every entry has. `happened` and `fix` are sentences.
const fn new(
    reason: ErrorReason,
    code: Code,
    acts: Acts,
    happened: &'static str,
    fix: &'static str,
) -> Entry {
    Entry {
        reason,
        code,
        acts,
        happened,
        fix,
        retry: false,
        metadata: &[],
        raised: Raised::Call,
        note: "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_exactly_one_entry() {
        let reasons: Vec<_> = (1..1000).filter_map(|n| ErrorReason::try_from(n).ok()).collect();
        assert!(reasons.contains(&ErrorReason::CompressionUnsupported));
        for reason in reasons {
            let entries = tables().flatten().filter(|entry| entry.reason == reason).count();
            assert_eq!(entries, 1, "{}", reason_name(reason));
        }
    }

    #[test]
    fn texts_are_sentences_that_say_what_to_do() {
        for entry in tables().flatten() {
            for text in [entry.happened, entry.fix] {
                let capital = text.starts_with(|c: char| c.is_ascii_uppercase());
                assert!(capital && text.ends_with('.'), "{}: {text:?}", entry.name());
                assert!(text.is_ascii() && !text.contains("  "), "{}: {text:?}", entry.name());
            }
            let waits = matches!(entry.acts, Acts::Wait);
            assert!(entry.retry || !waits, "{}: who waits is told how long", entry.name());
        }
    }
}
