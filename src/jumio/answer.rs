//! An answer of Jumio's, read within limits.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, HeaderName, RETRY_AFTER};
use reqwest::{Response, Version};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::json::{self, Json};
use super::transport::Failure;
use super::{JumioError, Timeouts, retry_after};
use crate::model::Timestamp;

/// An answer whose head has arrived.
pub(super) struct Answer {
    response: Response,
    deadline: Instant,
    timeouts: Timeouts,
}

impl Answer {
    pub(super) fn new(response: Response, deadline: Instant, timeouts: Timeouts) -> Self {
        Self { response, deadline, timeouts }
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header's first value, if it is text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether there is such a header, text or not.
    pub(super) fn has(&self, name: HeaderName) -> bool {
        self.response.headers().contains_key(name)
    }

    /// Whether it is HTTP/1.1, the only version in which a body can be chunked.
    pub(super) fn is_http11(&self) -> bool {
        self.response.version() == Version::HTTP_11
    }

    /// How long a 429 asks us to pause.
    pub(super) fn pause(&self) -> Duration {
        retry_after::pause(self.header(RETRY_AFTER), Timestamp::now())
    }

    /// What a status other than success and 429 means for a request without effect.
    pub(super) fn refusal(&self, what: &'static str) -> JumioError {
        match self.status() {
            300..=399 => JumioError::UrlRejected { pointer: "#location".to_owned() },
            403 => JumioError::PermissionMissing { what },
            404 => JumioError::NotFound { what },
            408 | 500..=599 => JumioError::Unavailable { what: "jumio reports a fault of its own" },
            status @ 400..=499 => JumioError::Refused { status },
            _ => JumioError::ResponseUnexpected { pointer: "#status".to_owned() },
        }
    }

    /// The body as JSON.
    pub(super) async fn json(self) -> Result<Json, Failure> {
        let body = match self.body(json::LEN_MAX).await {
            Ok(body) => body,
            Err(Failure::TooLong { .. }) => return Err(Failure::unexpected("#body")),
            Err(other) => return Err(other),
        };
        Json::parse(&body).map_err(Failure::Unexpected)
    }

    /// The whole body, at most `len_max` bytes, in a buffer that leaves no copy behind.
    pub(super) async fn body(mut self, len_max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let encoding = self.header(CONTENT_ENCODING).unwrap_or("");
        if self.has(CONTENT_ENCODING) && !encoding.trim().eq_ignore_ascii_case("identity") {
            return Err(Failure::unexpected("#content-encoding"));
        }
        let capacity = match self.response.content_length() {
            None => FIRST_BUFFER.min(len_max),
            Some(len) => usize::try_from(len)
                .ok()
                .filter(|&fits| fits <= len_max)
                .ok_or(Failure::TooLong { len })?,
        };
        let mut body = Zeroizing::new(Vec::with_capacity(capacity));
        while let Some(chunk) = self.chunk().await? {
            let len = body.len().saturating_add(chunk.len());
            if len > len_max {
                return Err(Failure::TooLong { len: u64::try_from(len).unwrap_or(u64::MAX) });
            }
            if len > body.capacity() {
                // Growing in place could leave the old bytes behind in freed memory.
                let mut wider = Zeroizing::new(Vec::with_capacity(len_max.min(len.max(1) * 2)));
                wider.extend_from_slice(&body);
                body = wider;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let limit =
            if left < self.timeouts.idle { self.timeouts.total } else { self.timeouts.idle };
        match timeout(left.min(self.timeouts.idle), self.response.chunk()).await {
            Err(_) => Err(Failure::Timeout(limit)),
            Ok(Err(_)) => Err(Failure::Broken("the answer was cut short")),
            Ok(Ok(chunk)) => Ok(chunk),
        }
    }
}

/// The first buffer for a body whose length is not announced, in bytes.
const FIRST_BUFFER: usize = 64 * 1024;
