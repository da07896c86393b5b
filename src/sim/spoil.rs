//! Turns answers into what a fault makes of them.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use super::{
    faults::{Effect, Kind},
    front::body_len,
    state::X_SIMULATOR,
    wire::{Script, Wire},
};

/// What goes out: an ordinary answer, or a script for the wire.
pub(super) struct Answer {
    /// Status sent, if any.
    pub(super) status: Option<u16>,
    /// Bytes of the body that are sent.
    pub(super) sent: usize,
    response: Response,
    script: Option<Script>,
}

impl Answer {
    /// An answer sent as it is.
    pub(super) fn of(response: Response) -> Self {
        let sent = body_len(response.body());
        Self { status: Some(response.status().as_u16()), sent, response, script: None }
    }

    fn reset() -> Self {
        let script = Some(Script::Reset);
        Self { status: None, sent: 0, response: Response::default(), script }
    }

    fn raw(response: &Response, length: Option<u64>, body: Bytes) -> Self {
        let mut raw = head(response, length);
        raw.extend_from_slice(&body);
        Self {
            status: Some(response.status().as_u16()),
            sent: body.len(),
            response: Response::default(),
            script: Some(Script::Raw(raw.into())),
        }
    }

    /// The response for the server, after telling `wire` if it shall send something else.
    pub(super) fn finish(mut self, wire: &Wire) -> Response {
        if let Some(script) = self.script {
            wire.replace_answer(script);
            let close = HeaderValue::from_static("close");
            self.response.headers_mut().insert(header::CONNECTION, close);
        }
        self.response
    }
}

/// Applies a fault around the answer `served`.
pub(super) async fn spoil(
    effect: Option<Effect>,
    served: impl Future<Output = Response>,
) -> Answer {
    let Some(effect) = effect else { return Answer::of(served.await) };
    tokio::time::sleep(effect.delay).await;
    match effect.kind {
        Kind::Pass => Answer::of(served.await),
        Kind::Answer(status, headers, body) => {
            let mut response = (status, body).into_response();
            response.headers_mut().remove(header::CONTENT_TYPE);
            response.headers_mut().extend(headers);
            Answer::of(response)
        }
        Kind::Reset => Answer::reset(),
        Kind::DropAnswer => {
            served.await;
            Answer::reset()
        }
        Kind::Cut(after) => {
            let (response, body) = whole(served.await).await;
            let length = body.len() as u64;
            Answer::raw(&response, Some(length), body.slice(..after.min(body.len())))
        }
        Kind::WrongLength(length) => {
            let (response, body) = whole(served.await).await;
            Answer::raw(&response, Some(length), body)
        }
        Kind::EofDelimited => {
            let (response, body) = whole(served.await).await;
            Answer::raw(&response, None, body)
        }
    }
}

async fn whole(response: Response) -> (Response, Bytes) {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (Response::from_parts(head, Body::empty()), body)
}

/// The head of `response` as bytes, with `length` for its content length.
fn head(response: &Response, length: Option<u64>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n{X_SIMULATOR}: 1\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        if *name != header::CONTENT_LENGTH {
            head.extend_from_slice(format!("{name}: ").as_bytes());
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
    }
    if let Some(length) = length {
        head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    head
}
