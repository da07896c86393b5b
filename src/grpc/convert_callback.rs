//! Callbacks that a backend passes on.

use crate::proto::v1::IngestCallbackRequest;
use crate::proto::v1::ingest_callback_response::Outcome;
use crate::vault::{Callback, CallbackError, Heard};

use super::fields::{Fields, Violation};

/// A callback, and who sent it as far as the backend says.
#[derive(Debug)]
pub(super) struct HeardFrom {
    pub(super) callback: Callback,
    pub(super) source: Option<String>,
}

impl TryFrom<IngestCallbackRequest> for HeardFrom {
    type Error = Vec<Violation>;

    fn try_from(request: IngestCallbackRequest) -> Result<Self, Vec<Violation>> {
        let mut fields = Fields::default();
        let source = fields.ip("source_ip", request.source_ip);
        let callback = Callback::parse(&request.body);
        if let Err(error) = callback {
            fields.refuse("body", what_of(error));
        }
        fields.finish(callback.ok().map(|callback| Self { callback, source }))
    }
}

fn what_of(error: CallbackError) -> &'static str {
    match error {
        CallbackError::TooLong => "must be at most 16 KiB",
        CallbackError::NotJson => "must be one JSON document, as Jumio sent it",
        CallbackError::NoIds => "must have account.id and workflowExecution.id",
    }
}

/// What became of a callback, for a message.
pub(super) fn outcome(heard: Heard) -> Outcome {
    match heard {
        Heard::EnrollmentUpdated => Outcome::EnrollmentUpdated,
        Heard::AuthenticationUpdated => Outcome::AuthenticationUpdated,
        Heard::Ignored => Outcome::Ignored,
        Heard::Duplicate => Outcome::Duplicate,
    }
}
