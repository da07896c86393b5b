//! Jumio's error bodies: problem details after RFC 7807.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

/// An error answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    instance: Option<String>,
}

impl Problem {
    /// 400 for the request at `path`.
    pub(super) fn bad_request(detail: impl Into<String>, path: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail).at(path)
    }

    /// 401.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Access token is missing, malformed or expired")
    }

    /// 403, which never says why.
    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Request was refused")
    }

    /// 404 for the request at `path`.
    pub(super) fn not_found(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Resource not found").at(path)
    }

    /// 429, with exactly the body Jumio documents.
    pub(super) fn too_many_requests() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Request limit exceeded")
    }

    /// Any other status.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), instance: None }
    }

    fn at(mut self, path: &str) -> Self {
        self.instance = Some(path.to_owned());
        self
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        if self.status != StatusCode::TOO_MANY_REQUESTS {
            body.insert("type".to_owned(), "about:blank".into());
        }
        let title = self.status.canonical_reason().unwrap_or("Error");
        body.insert("title".to_owned(), title.into());
        body.insert("status".to_owned(), self.status.as_u16().into());
        body.insert("detail".to_owned(), self.detail.clone().into());
        if let Some(instance) = &self.instance {
            body.insert("instance".to_owned(), instance.clone().into());
        }
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body().to_string()).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
