//! Faults on demand: what may go wrong between a client and Jumio.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::json::put;

/// Faults one world may have at a time.
const FAULTS_MAX: usize = 1_000;

/// The faults of a world, in the order in which they were made.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

/// One fault.
struct Fault {
    order: Order,
    method: Option<Method>,
    path: Regex,
    effect: Effect,
    skip: u64,
    left: u64,
    hits: u64,
}

/// A fault as the control API takes it and shows it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Only requests with this method.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Only requests whose path this regular expression finds; all, if absent.
    #[serde(default)]
    path: String,
    /// Matching requests to let pass first.
    #[serde(default)]
    skip: u64,
    /// Matching requests to spoil after those.
    #[serde(default = "once")]
    times: u64,
    action: Action,
}

fn once() -> u64 {
    1
}

/// What a fault does; `delay` goes together with any other.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Action {
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_after_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong_content_length: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    eof_delimited: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reset: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    drop_answer: bool,
}

/// What to do to one request.
#[derive(Clone)]
pub(super) struct Effect {
    /// Wait this long first, in real time.
    pub(super) delay: Duration,
    /// Then do this.
    pub(super) kind: Kind,
}

/// What a fault changes.
#[derive(Clone)]
pub(super) enum Kind {
    /// Nothing but the time it takes.
    Pass,
    /// Answer this; Jumio never sees the request.
    Answer(StatusCode, HeaderMap, Vec<u8>),
    /// Reset the connection; Jumio never sees the request.
    Reset,
    /// Let Jumio do its work and reset the connection in place of the answer.
    DropAnswer,
    /// Announce the whole answer and drop the connection after so many bytes of its body.
    Cut(usize),
    /// Announce so many bytes, whatever the body has.
    WrongLength(u64),
    /// Announce no length: the end of the connection ends the body.
    EofDelimited,
}

impl Faults {
    /// Adds a fault.
    ///
    /// # Errors
    ///
    /// What is wrong with `order`, in words.
    pub(super) fn add(&mut self, order: Order) -> Result<(), String> {
        if self.0.len() >= FAULTS_MAX {
            return Err(format!("there are {FAULTS_MAX} faults already"));
        }
        let method = order.method.as_deref().map(|name| {
            let name = name.to_ascii_uppercase();
            Method::from_bytes(name.as_bytes()).map_err(|_| format!("method {name}: unknown"))
        });
        let path = Regex::new(&order.path).map_err(|error| format!("path: {error}"))?;
        let effect = order.action.effect()?;
        let (skip, left) = (order.skip, order.times);
        self.0.push(Fault {
            method: method.transpose()?,
            path,
            effect,
            skip,
            left,
            hits: 0,
            order,
        });
        Ok(())
    }

    /// The effect on a request that arrives now: that of the first fault that matches and is
    /// neither skipping nor spent.
    pub(super) fn take(&mut self, method: &Method, path: &str) -> Option<Effect> {
        for fault in &mut self.0 {
            let matches = fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && fault.path.is_match(path);
            if !matches || fault.left == 0 {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.left -= 1;
            fault.hits += 1;
            return Some(fault.effect.clone());
        }
        None
    }

    /// The faults as JSON, each with how often it struck and how often it will.
    pub(super) fn list(&self) -> Vec<Value> {
        let show = |fault: &Fault| {
            let mut shown = serde_json::to_value(&fault.order).unwrap_or_default();
            put(&mut shown, "left", fault.left);
            put(&mut shown, "hits", fault.hits);
            shown
        };
        self.0.iter().map(show).collect()
    }

    /// Removes all faults.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Action {
    fn effect(&self) -> Result<Effect, String> {
        let delay = self.delay.as_deref().map(humantime::parse_duration).transpose();
        let delay = delay.map_err(|error| format!("delay: {error}"))?;
        let mut kinds = Vec::new();
        if let Some(status) = self.status {
            kinds.push(self.answer(status)?);
        } else if self.body.is_some() || !self.headers.is_empty() {
            return Err("headers and body need a status".to_owned());
        }
        kinds.extend(self.cut_after_bytes.map(Kind::Cut));
        kinds.extend(self.wrong_content_length.map(Kind::WrongLength));
        kinds.extend(self.eof_delimited.then_some(Kind::EofDelimited));
        kinds.extend(self.reset.then_some(Kind::Reset));
        kinds.extend(self.drop_answer.then_some(Kind::DropAnswer));
        let kind = match (kinds.pop(), delay) {
            (Some(kind), _) if kinds.is_empty() => kind,
            (None, Some(_)) => Kind::Pass,
            (None, None) => return Err("action: nothing to do".to_owned()),
            (Some(_), _) => return Err("action: one thing at a time, besides delay".to_owned()),
        };
        Ok(Effect { delay: delay.unwrap_or_default(), kind })
    }

    fn answer(&self, status: u16) -> Result<Kind, String> {
        let status =
            StatusCode::from_u16(status).map_err(|_| format!("status {status}: invalid"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let header = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(&text);
            let (Ok(header), Ok(value)) = (header, value) else {
                return Err(format!("header {name}: invalid"));
            };
            headers.append(header, value);
        }
        let body = match &self.body {
            None => Vec::new(),
            Some(Value::String(text)) => text.clone().into_bytes(),
            Some(json) => {
                let kind = HeaderValue::from_static("application/problem+json");
                headers.entry("content-type").or_insert(kind);
                json.to_string().into_bytes()
            }
        };
        Ok(Kind::Answer(status, headers, body))
    }
}
