//! HTTP towards Jumio: one way to send, limits on everything, no redirect ever followed.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Certificate, Client, Proxy, Request, redirect, retry, tls};
use tokio::time::{Instant, timeout};
use url::Url;

use super::answer::Answer;
use super::jumio_clock::JumioClock;
use super::{JumioError, Settings, SettingsError, Timeouts};
use crate::model::{Facemap, Timestamp};

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    /// Connections that are used again.
    pooled: Client,
    /// One connection per request.
    fresh: Client,
    timeouts: Timeouts,
    clock: Arc<JumioClock>,
}

/// Which connection a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    /// One that may have carried other requests.
    Pooled,
    /// A new one, so that nothing left over from another exchange can be taken for the answer. For
    /// answers that carry no id to check.
    Fresh,
}

impl Transport {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            // Shorter than the idle timeout of any usual server, so that we close first: a request on
            // a connection that the server is closing has an unknown outcome.
            pooled: client(settings, IDLE_MAX)?,
            fresh: client(settings, 0)?,
            timeouts: settings.timeouts,
            clock: Arc::new(JumioClock::new(Arc::clone(&settings.metrics))),
        })
    }

    /// How long an answer's head may take, the connection included.
    pub(super) fn head_max(&self) -> Duration {
        self.timeouts.total.min(self.timeouts.connect + self.timeouts.head)
    }

    /// How many seconds Jumio's clock is ahead of ours, by its last answer.
    pub(super) fn clock_ahead(&self) -> Option<i64> {
        self.clock.ahead()
    }

    /// How long a whole exchange may take.
    pub(super) fn total_max(&self) -> Duration {
        self.timeouts.total
    }

    /// An upload: one multipart field, its length announced, the facemap's bytes handed over without a
    /// copy and wiped when the body drops.
    pub(super) fn form_upload(
        &self,
        url: Url,
        facemap: Facemap,
        bearer: HeaderValue,
    ) -> Result<Request, JumioError> {
        let body = facemap.into_body();
        let len = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let built = Part::stream_with_length(body, len)
            .file_name("facemap.bin")
            .mime_str("application/octet-stream")
            .and_then(|part| {
                self.pooled
                    .post(url)
                    .header(AUTHORIZATION, bearer)
                    .header(ACCEPT, "application/json")
                    .multipart(Form::new().part("file", part))
                    .build()
            });
        built.map_err(|_| JumioError::UploadInterrupted { what: "the request cannot be built" })
    }

    /// Sends `request` and waits up to `head_max` for the head of the answer.
    pub(super) async fn send(
        &self,
        endpoint: &'static str,
        request: Request,
        connection: Connection,
        head_max: Duration,
    ) -> Result<Answer, Failure> {
        let start = Instant::now();
        let client = match connection {
            Connection::Pooled => &self.pooled,
            Connection::Fresh => &self.fresh,
        };
        let sent = timeout(head_max, client.execute(request)).await;
        let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        match sent {
            Ok(Ok(response)) => {
                self.clock.told(response.headers(), Timestamp::now());
                let status = response.status().as_u16();
                tracing::debug!(endpoint, status, millis, "jumio answered");
                Ok(Answer::new(response, start + self.timeouts.total, self.timeouts))
            }
            Ok(Err(error)) => {
                tracing::debug!(endpoint, millis, "jumio did not answer");
                Err(Failure::from_reqwest(&error))
            }
            Err(_) => {
                tracing::debug!(endpoint, millis, "jumio did not answer in time");
                Err(Failure::Timeout(head_max))
            }
        }
    }
}

fn client(settings: &Settings, idle_connections: usize) -> Result<Client, SettingsError> {
    let agent =
        HeaderValue::from_str(&settings.user_agent).map_err(|_| SettingsError::UserAgent)?;
    let mut headers = HeaderMap::new();
    // A compressed answer could be a bomb, and is refused.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut builder = Client::builder()
        .user_agent(agent)
        .default_headers(headers)
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .https_only(!settings.simulator)
        .tls_version_min(tls::Version::TLS_1_2)
        .tls_sslkeylogfile(false)
        .connect_timeout(settings.timeouts.connect)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(idle_connections);
    let roots = match &settings.extra_root_certificate_pem {
        Some(pem) => Certificate::from_pem_bundle(pem).map_err(|_| SettingsError::Certificate)?,
        None => Vec::new(),
    };
    if roots.is_empty() && settings.extra_root_certificate_pem.is_some() {
        return Err(SettingsError::Certificate);
    }
    // A simulator's certificate is none that the system trusts, and a machine without root
    // certificates can still talk to one.
    builder = match settings.simulator {
        true => builder.tls_certs_only(roots),
        false => builder.tls_certs_merge(roots),
    };
    if let Some(url) = &settings.proxy {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SettingsError::Proxy);
        }
        let proxy = Proxy::all(url.clone()).map_err(|_| SettingsError::Proxy)?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|_| SettingsError::Tls)
}

/// How many unused connections are kept. With fewer than there are requests at once, every further one
/// pays for a handshake.
const IDLE_MAX: usize = 128;

/// How long an unused connection is kept.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// Why there is no usable answer. What that means depends on the request; see `client.rs`.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request was not sent.
    NotSent(&'static str),
    /// The connection failed; the request may have been received.
    Broken(&'static str),
    /// Nothing came in time; the request may have been received.
    Timeout(Duration),
    /// The body is longer than allowed.
    TooLong {
        /// At least this many bytes.
        len: u64,
    },
    /// An answer that Jumio's documents do not describe, or that says no.
    Unexpected(JumioError),
}

impl Failure {
    /// That the answer is wrong at `place`, which is no JSON pointer.
    pub(super) fn unexpected(place: &'static str) -> Self {
        Self::Unexpected(JumioError::ResponseUnexpected { pointer: place.to_owned() })
    }

    fn from_reqwest(error: &reqwest::Error) -> Self {
        // The error's own text may repeat the URL, so it goes no further.
        if error.is_builder() {
            return Self::NotSent("the request cannot be built");
        }
        if error.is_connect() {
            return Self::NotSent("cannot connect");
        }
        Self::Broken("the connection broke")
    }

    /// For a request without effect.
    pub(super) fn of_read(self) -> JumioError {
        match self {
            Self::NotSent(what) | Self::Broken(what) => JumioError::Unavailable { what },
            Self::Timeout(limit) => JumioError::Timeout { limit },
            Self::TooLong { .. } => JumioError::ResponseUnexpected { pointer: "#body".to_owned() },
            Self::Unexpected(error) => error,
        }
    }
}
