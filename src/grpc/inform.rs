//! No error leaves without its reason: what the transport and the libraries refuse by themselves gets
//! code, text and details of the catalogue here. What our own services answer passes as it is.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::Frame;
use http_body_util::BodyExt;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::proto::v1::ErrorReason;

use super::fields::Violation;
use super::status::{REASON_TRAILER, RpcError, answer, status};

/// Wraps services in [`Informing`].
#[derive(Debug, Clone, Copy)]
pub(super) struct InformLayer;

/// A service whose errors all have a reason.
#[derive(Debug, Clone)]
pub(super) struct Informing<T>(T);

impl<T> Layer<T> for InformLayer {
    type Service = Informing<T>;

    fn layer(&self, inner: T) -> Informing<T> {
        Informing(inner)
    }
}

impl<T, B> Service<Request<B>> for Informing<T>
where
    T: Service<Request<B>, Response = Response<Body>>,
    T::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, T::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Err(violation) = deadline(request.headers()) {
            let refused = status(&RpcError::Fields(vec![violation])).into_http();
            return Box::pin(async move { Ok(refused) });
        }
        let compressed = request.headers().contains_key("grpc-encoding");
        let answer = self.0.call(request);
        Box::pin(async move { Ok(informed(answer.await?, compressed)) })
    }
}

/// How long the caller waits: `grpc-timeout`, at most eight digits and a unit (gRPC over HTTP/2).
///
/// # Errors
///
/// If it is none. Ignored it would be a call without end.
pub(super) fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, Violation> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let wrong = Violation {
        field: "grpc-timeout",
        what: "must be up to eight digits and one of H, M, S, m, u, n",
    };
    let read = || {
        let text = value.to_str().ok()?;
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let digits = Some(digits).filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()))?;
        let n: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
        Some(match unit {
            "H" => Duration::from_secs(n * 3600),
            "M" => Duration::from_secs(n * 60),
            "S" => Duration::from_secs(n),
            "m" => Duration::from_millis(n),
            "u" => Duration::from_micros(n),
            "n" => Duration::from_nanos(n),
            _ => return None,
        })
    };
    read().map(Some).ok_or(wrong)
}

/// The answer with a reason, in the head or, after messages, in the trailers.
fn informed(mut answer: Response<Body>, compressed: bool) -> Response<Body> {
    if answer.headers().contains_key(Status::GRPC_STATUS) {
        complete(answer.headers_mut(), compressed);
        return answer;
    }
    answer.map(|body| {
        Body::new(body.map_frame(move |frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                complete(&mut trailers, compressed);
                Frame::trailers(trailers)
            }
            Err(frame) => frame,
        }))
    })
}

/// Puts code, text and details of a reason in the place of an error that has none.
fn complete(headers: &mut HeaderMap, compressed: bool) {
    let Some(code) = headers.get(Status::GRPC_STATUS) else { return };
    let code = Code::from_bytes(code.as_bytes());
    if code == Code::Ok || headers.contains_key(REASON_TRAILER) {
        return;
    }
    let told = answer(reason(code, compressed)).status();
    headers.remove(Status::GRPC_MESSAGE);
    headers.remove(Status::GRPC_STATUS_DETAILS);
    if told.add_header(headers).is_err() {
        tracing::error!("a status has no place in a header");
    }
}

/// What a code means that none of our services gave: tonic's decoder, its routes, and the health and
/// reflection services say no more. Their texts are not looked at.
fn reason(code: Code, compressed: bool) -> ErrorReason {
    match code {
        Code::Unimplemented if compressed => ErrorReason::CompressionUnsupported,
        Code::Unimplemented => ErrorReason::MethodUnknown,
        Code::OutOfRange | Code::ResourceExhausted => ErrorReason::MessageTooLarge,
        Code::InvalidArgument | Code::Internal => ErrorReason::MessageInvalid,
        Code::NotFound => ErrorReason::NameUnknown,
        Code::DeadlineExceeded | Code::Cancelled => ErrorReason::JumioTimeout,
        Code::Ok
        | Code::Unknown
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => ErrorReason::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_as_grpc_spells_it() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().expect("it is ASCII"));
            deadline(&headers).ok()
        };
        for (text, want) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("4m", Some(Duration::from_millis(4))),
            ("5u", Some(Duration::from_micros(5))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("100000000n", None),
            ("7", None),
            ("s", None),
            ("-1S", None),
            ("+1S", None),
            ("1s", None),
        ] {
            assert_eq!(read(text), want.map(Some), "{text}");
        }
        assert_eq!(deadline(&HeaderMap::new()).ok(), Some(None));
    }
}
