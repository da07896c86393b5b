//! Which answers are a facemap: whole, framed, and neither text nor nothing.

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};

use super::JumioError;
use super::answer::Answer;
use super::transport::Failure;
use crate::model::{Facemap, FacemapError};

/// Reads the body of a successful download as a facemap of at most `len_max` bytes.
pub(super) async fn facemap(answer: Answer, len_max: usize) -> Result<Facemap, JumioError> {
    let len_max = len_max.min(Facemap::LEN_MAX);
    if !is_framed(&answer) {
        // The end of such a body looks the same as a cut connection.
        return Err(JumioError::Unavailable { what: "the end of the body is not marked" });
    }
    if answer.header(CONTENT_TYPE).is_some_and(is_text_type) {
        return Err(not_a_facemap());
    }
    let body = answer.body(len_max).await.map_err(|failure| match failure {
        Failure::TooLong { len } => JumioError::FacemapTooLong { len, len_max },
        Failure::NotSent(_) | Failure::Broken(_) | Failure::Timeout(_) | Failure::Unexpected(_) => {
            failure.of_read()
        }
    })?;
    if body.iter().all(|&byte| byte == 0) || is_markup(&body) {
        return Err(not_a_facemap());
    }
    Facemap::new(body).map_err(|error| match error {
        FacemapError::Empty => not_a_facemap(),
        FacemapError::TooLong { len } => {
            JumioError::FacemapTooLong { len: u64::try_from(len).unwrap_or(u64::MAX), len_max }
        }
    })
}

/// Whether the answer says where its body ends: by `Content-Length`, or by chunks, and not by both.
/// Two different lengths never come this far.
fn is_framed(answer: &Answer) -> bool {
    let encoding = answer.header(TRANSFER_ENCODING).unwrap_or("").trim();
    match (answer.has(CONTENT_LENGTH), answer.has(TRANSFER_ENCODING)) {
        (true, false) => true,
        (false, true) => answer.is_http11() && encoding.eq_ignore_ascii_case("chunked"),
        (true, true) | (false, false) => false,
    }
}

/// Whether a content type promises text. Jumio publishes none for a facemap; any other is accepted.
fn is_text_type(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || kind.ends_with("json")
        || kind.ends_with("xml")
        || kind.ends_with("html")
}

/// Whether the body is JSON, HTML or XML under a wrong name. One facemap in eighty begins like
/// that by chance, but none is valid UTF-8 from end to end.
fn is_markup(body: &[u8]) -> bool {
    let first = body.trim_ascii_start().first();
    matches!(first, Some(b'{' | b'[' | b'<')) && std::str::from_utf8(body).is_ok()
}

fn not_a_facemap() -> JumioError {
    JumioError::ResponseUnexpected { pointer: "#body".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_told_from_bytes_that_begin_like_it() {
        for text in ["{}", " \n[1]", "<!doctype html>", "\t<x/>", "{not json"] {
            assert!(is_markup(text.as_bytes()), "{text}");
        }
        for bytes in [&b"{\xff\xfe"[..], b"<\x80", b"opaque", b"", b"\x00{"] {
            assert!(!is_markup(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn only_promises_of_text_are_refused() {
        for text in ["text/plain", "TEXT/HTML; charset=utf-8", "application/json", "image/svg+xml"]
        {
            assert!(is_text_type(text), "{text}");
        }
        for opaque in ["application/octet-stream", "image/jpeg", "", "x"] {
            assert!(!is_text_type(opaque), "{opaque}");
        }
    }
}
