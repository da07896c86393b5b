//! The OAuth2 access token: one for all calls, renewed ahead of its end by one caller at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Request};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::budget::{Budget, Priority};
use super::transport::{Connection, Transport};
use super::{JumioError, Limit, Settings, wire};
use crate::metrics::Metrics;
use crate::model::{AccessToken, Timestamp};

/// Gives out the access token.
pub(super) struct AccessTokens {
    transport: Transport,
    url: url::Url,
    client_id: String,
    client_secret: crate::model::ClientSecret,
    budget: Budget,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
    /// Held by the one caller that renews.
    turn: tokio::sync::Mutex<()>,
}

/// A renewal this long before the end of an hour's token, so that no call carries one that ends on
/// its way; at half time if the token lives shorter.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// After Jumio refused the credentials: one attempt in this time.
const HOLD_OFF: Duration = Duration::from_secs(60);

/// After any other failure while the old token is still good.
const NEXT_TRY: Duration = Duration::from_secs(10);

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// Attempts to fetch a token that came to an end.
    attempts: u64,
    /// How the newest attempt failed, if it did.
    failure: Option<JumioError>,
    /// The credentials were refused: no attempt before this moment.
    hold_off: Option<Instant>,
    /// A fresh token was refused: a refused token is not replaced before this moment.
    distrust: Option<Instant>,
}

struct Held {
    token: Arc<AccessToken>,
    renew_at: Instant,
    ends_at: Instant,
}

/// What a caller finds.
enum Found {
    Fresh(Arc<AccessToken>),
    /// Due for renewal: the token if it is still good, and the attempts so far.
    Due(Option<Arc<AccessToken>>, u64),
}

impl AccessTokens {
    pub(super) fn new(settings: Settings, transport: Transport, url: url::Url) -> Self {
        let rates = settings.rates;
        Self {
            transport,
            url,
            client_id: settings.client_id,
            client_secret: settings.client_secret,
            budget: Budget::new(Limit::Token, rates.token, 0.0, &rates).counted(&settings.metrics),
            metrics: settings.metrics,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// A token to call with.
    ///
    /// # Errors
    ///
    /// [`JumioError::CredentialsRejected`] if Jumio refuses our credentials, without asking again
    /// within a minute; otherwise as for any call.
    pub(super) async fn current(&self) -> Result<Arc<AccessToken>, JumioError> {
        let (old, seen) = match self.look()? {
            Found::Fresh(token) => return Ok(token),
            Found::Due(old, seen) => (old, seen),
        };
        let _turn = match (self.turn.try_lock(), old) {
            (Ok(turn), _) => turn,
            (Err(_), Some(old)) => return Ok(old),
            (Err(_), None) => self.turn.lock().await,
        };
        // Whoever had the turn before us may have settled it, one way or the other.
        match self.look()? {
            Found::Fresh(token) => return Ok(token),
            Found::Due(Some(old), attempts) if attempts != seen => return Ok(old),
            Found::Due(None, attempts) if attempts != seen => {
                if let Some(failure) = self.state().failure.clone() {
                    return Err(failure);
                }
            }
            Found::Due(_, _) => {}
        }
        let asked_at = Instant::now();
        let fetched = self.fetch().await;
        let outcome = fetched.as_ref().err().map_or("ok", JumioError::name);
        self.metrics.jumio_call("token", outcome, asked_at.elapsed());
        self.settle(asked_at, fetched)
    }

    /// Jumio refused `token` with 401. Whether a new one is worth a try: not within a minute after a
    /// fresh one was refused too.
    pub(super) fn refused(&self, token: &Arc<AccessToken>) -> bool {
        let mut state = self.state();
        if state.distrust.is_some_and(|until| until > Instant::now()) {
            return false;
        }
        // Only if nobody else has replaced it meanwhile.
        if state.held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.token, token)) {
            state.held = None;
        }
        true
    }

    /// Jumio refused a fresh token as well.
    pub(super) fn refused_again(&self) -> JumioError {
        self.state().distrust = Some(Instant::now() + HOLD_OFF);
        JumioError::CredentialsRejected
    }

    fn look(&self) -> Result<Found, JumioError> {
        let now = Instant::now();
        let state = self.state();
        let good = state.held.as_ref().filter(|held| held.ends_at > now);
        if let Some(held) = good.filter(|held| held.renew_at > now) {
            return Ok(Found::Fresh(Arc::clone(&held.token)));
        }
        let old = good.map(|held| Arc::clone(&held.token));
        if state.hold_off.is_none_or(|until| until <= now) {
            return Ok(Found::Due(old, state.attempts));
        }
        old.map(Found::Fresh).ok_or(JumioError::CredentialsRejected)
    }

    fn settle(
        &self,
        asked_at: Instant,
        fetched: Result<(AccessToken, Duration), JumioError>,
    ) -> Result<Arc<AccessToken>, JumioError> {
        let now = Instant::now();
        let mut state = self.state();
        state.attempts += 1;
        let error = match fetched {
            Ok((token, lifetime)) => {
                let token = Arc::new(token);
                let renew_after = lifetime.saturating_sub(AHEAD).max(lifetime / 2);
                state.held = Some(Held {
                    token: Arc::clone(&token),
                    renew_at: asked_at + renew_after,
                    ends_at: asked_at + lifetime,
                });
                state.failure = None;
                let left = lifetime.saturating_sub(asked_at.elapsed());
                self.metrics.jumio_token_until(Timestamp::now().plus(left));
                return Ok(token);
            }
            Err(error) => error,
        };
        if error == JumioError::CredentialsRejected {
            state.hold_off = Some(now + HOLD_OFF);
        }
        state.failure = Some(error.clone());
        match state.held.as_mut().filter(|held| held.ends_at > now) {
            Some(held) => {
                held.renew_at = now + NEXT_TRY;
                Ok(Arc::clone(&held.token))
            }
            None => Err(error),
        }
    }

    async fn fetch(&self) -> Result<(AccessToken, Duration), JumioError> {
        self.budget.take(Priority::Authentication).await?;
        let mut request = Request::new(Method::POST, self.url.clone());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.basic()?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        *request.body_mut() = Some(Body::from("grant_type=client_credentials"));
        let sent =
            self.transport.send("token", request, Connection::Pooled, self.transport.head_max());
        let answer = sent.await.map_err(|failure| failure.of_read())?;
        match answer.status() {
            200 | 201 => {}
            400 | 401 | 403 => return Err(JumioError::CredentialsRejected),
            // Not `NotFound`: that would say something about an account.
            404 => return Err(JumioError::Refused { status: 404 }),
            429 => return Err(self.budget.pause(answer.pause())),
            _ => return Err(answer.refusal("access token")),
        }
        let json = answer.json().await.map_err(|failure| failure.of_read())?;
        wire::access_token(&json)
    }

    /// `Basic` and both credentials; wiped where it is ours to wipe.
    fn basic(&self) -> Result<HeaderValue, JumioError> {
        let mut both = Zeroizing::new(String::with_capacity(512));
        both.push_str(&self.client_id);
        both.push(':');
        both.push_str(self.client_secret.expose());
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes())));
        sensitive(&text)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every state is a valid one, so a panic elsewhere while it was held does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `Bearer` and a token, marked so that HTTP libraries do not print it.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, JumioError> {
    sensitive(&Zeroizing::new(format!("Bearer {token}")))
}

fn sensitive(text: &str) -> Result<HeaderValue, JumioError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| JumioError::Unavailable { what: "the token does not fit a header" })?;
    value.set_sensitive(true);
    Ok(value)
}
