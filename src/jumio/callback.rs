//! Jumio's callback: a rumour about one execution of one account.
//!
//! Callbacks are not signed, so nothing in one is believed. Two ids are read, to know where to look;
//! the status and the moment only tell one callback from another. The links in it are not even read.

use super::ExecutionStatus;
use super::JumioError;
use super::json::Json;
use crate::model::{AccountId, Timestamp, WorkflowExecutionId};

/// What a callback says, as far as it is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callback {
    /// The account it is said to be about.
    pub account: AccountId,
    /// The execution it is said to be about.
    pub execution: WorkflowExecutionId,
    /// How far the execution is said to be; nothing if it does not say so in a word that we know.
    pub status: Option<ExecutionStatus>,
    /// When it is said to have been sent, if that can be read.
    pub sent_at: Option<Timestamp>,
}

impl Callback {
    /// Longest body read, in bytes (16 KiB). Jumio's published ones have less than 1 KiB.
    pub const LEN_MAX: usize = 16 * 1024;

    /// Reads the body of a callback. Unknown fields are ignored, nesting is bounded.
    ///
    /// # Errors
    ///
    /// [`CallbackError`]; nothing of the body is repeated in it.
    pub fn parse(body: &[u8]) -> Result<Self, CallbackError> {
        if body.len() > Self::LEN_MAX {
            return Err(CallbackError::TooLong);
        }
        let json = Json::parse(body).map_err(|_| CallbackError::NotJson)?;
        Self::read(&json).map_err(|_| CallbackError::NoIds)
    }

    fn read(json: &Json) -> Result<Self, JumioError> {
        let top = json.top();
        let execution = top.need("workflowExecution")?;
        let sent_at = top.field("callbackSentAt")?.and_then(|at| at.time().ok());
        let status = execution.field("status")?.and_then(|at| known_status(at.text().ok()?));
        Ok(Self {
            account: top.need("account")?.need("id")?.id()?,
            execution: execution.need("id")?.id()?,
            status,
            sent_at,
        })
    }

    /// Whether it may tell of an end. One that says it does not is not worth a look; a status that we
    /// do not know is.
    pub fn may_have_ended(&self) -> bool {
        match self.status {
            Some(
                ExecutionStatus::Initiated
                | ExecutionStatus::AcquisitionStarted
                | ExecutionStatus::Acquired,
            ) => false,
            Some(
                ExecutionStatus::Processed
                | ExecutionStatus::SessionExpired
                | ExecutionStatus::TokenExpired,
            )
            | None => true,
        }
    }
}

fn known_status(word: &str) -> Option<ExecutionStatus> {
    match word {
        "INITIATED" => Some(ExecutionStatus::Initiated),
        "ACQUISITION_STARTED" => Some(ExecutionStatus::AcquisitionStarted),
        "ACQUIRED" => Some(ExecutionStatus::Acquired),
        "PROCESSED" => Some(ExecutionStatus::Processed),
        "SESSION_EXPIRED" => Some(ExecutionStatus::SessionExpired),
        "TOKEN_EXPIRED" => Some(ExecutionStatus::TokenExpired),
        _ => None,
    }
}

/// Why a body is no callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// It is longer than [`Callback::LEN_MAX`].
    #[error("longer than 16 KiB")]
    TooLong,
    /// It is not one JSON document, nests too deep, or has a key twice.
    #[error("not JSON")]
    NotJson,
    /// It does not name an account and an execution.
    #[error("without the two ids")]
    NoIds,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REAL: &str = r#"{"callbackSentAt":"2026-10-19T11:34:19.803Z","userReference":"u",
        "workflowExecution":{"id":"c0a8f3d1-6e27-4c8b-b1f4-93d2a7e05b66",
        "href":"https://evil.example/","definitionKey":"10071","status":"PROCESSED"},
        "account":{"id":"7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10","href":7}}"#;

    #[test]
    fn a_real_callback_is_read() {
        let callback = Callback::parse(REAL.as_bytes()).unwrap();
        assert_eq!(callback.account.hyphenated(), "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10");
        assert_eq!(callback.execution.hyphenated(), "c0a8f3d1-6e27-4c8b-b1f4-93d2a7e05b66");
        assert_eq!(callback.status, Some(ExecutionStatus::Processed));
        assert_eq!(callback.sent_at, Timestamp::parse("2026-10-19T11:34:19.803Z"));
    }

    /// What decides nothing may be missing or wrong.
    #[test]
    fn only_the_two_ids_are_needed() {
        let table: [(&str, &str, Option<ExecutionStatus>, bool); 5] = [
            ("\"PROCESSED\"", "\"ACQUIRED\"", Some(ExecutionStatus::Acquired), false),
            ("\"PROCESSED\"", "\"DONE\\u0000\"", None, true),
            ("\"PROCESSED\"", "{\"a\":[]}", None, true),
            ("\"PROCESSED\"", "null", None, true),
            ("\"2026-10-19T11:34:19.803Z\"", "-1e9", Some(ExecutionStatus::Processed), true),
        ];
        for (what, with, status, may_have_ended) in table {
            let callback = Callback::parse(REAL.replace(what, with).as_bytes()).unwrap();
            assert_eq!(callback.status, status, "{with}");
            assert_eq!(callback.may_have_ended(), may_have_ended, "{with}");
        }
    }

    #[test]
    fn what_is_no_callback_is_refused() {
        use CallbackError::{NoIds, NotJson, TooLong};
        let id = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
        let deep = format!("{}{}", "{\"a\":".repeat(40), "}".repeat(40));
        let padded = |len: usize| format!("{REAL}{}", " ".repeat(len - REAL.len()));
        assert!(Callback::parse(padded(Callback::LEN_MAX).as_bytes()).is_ok());
        let table: [(String, CallbackError); 16] = [
            (String::new(), NotJson),
            (REAL[..REAL.len() - 1].into(), NotJson),
            (REAL[..REAL.len() / 2].into(), NotJson),
            (format!("{REAL}{REAL}"), NotJson),
            (REAL.replace("\"u\"", &deep), NotJson),
            (REAL.replace("\"u\"", "\"\\ud800\""), NotJson),
            (REAL.replace("\"u\"", "\"\u{0}\""), NotJson),
            (REAL.replace("\"u\"", "\"\n\""), NotJson),
            (REAL.replace("userReference", "callbackSentAt"), NotJson),
            (padded(Callback::LEN_MAX + 1), TooLong),
            ("null".into(), NoIds),
            ("[]".into(), NoIds),
            (REAL.replace(id, ""), NoIds),
            (REAL.replace(id, "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a1\\u0000"), NoIds),
            (REAL.replace(&format!("\"{id}\""), "7"), NoIds),
            (REAL.replace("\"account\":{", "\"account\":null,\"a\":{"), NoIds),
        ];
        for (body, want) in table {
            assert_eq!(Callback::parse(body.as_bytes()), Err(want), "{body:.60}");
        }
    }

    proptest! {
        /// Whatever arrives, reading it ends.
        #[test]
        fn any_bytes_are_answered(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            at in 0usize..400,
            byte: u8,
        ) {
            let _ = Callback::parse(&bytes);
            let mut altered = REAL.as_bytes().to_vec();
            altered[at % REAL.len()] = byte;
            let _ = Callback::parse(&altered);
            let _ = Callback::parse(&altered[..at % REAL.len()]);
        }
    }
}
