//! The receiver of callbacks, if the settings want one.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::{Config, NetworkRange};
use crate::ops::{self, CallbackSettings, PathSecret};

use super::{StartError, TheVault, listen, local};

/// A receiver that listens and does not answer yet.
pub(super) struct Receiver {
    /// Where it listens.
    pub(super) address: SocketAddr,
    listener: TcpListener,
    settings: CallbackSettings,
}

/// Reads the path's secret and listens, if the receiver is enabled.
///
/// # Errors
///
/// [`StartError::Secret`], [`StartError::PathSecret`], [`StartError::Listen`].
pub(super) async fn bind(config: &Config) -> Result<Option<Receiver>, StartError> {
    let callback = &config.listen.callback;
    let Some(reference) = callback.path_secret.as_ref().filter(|_| callback.enabled) else {
        return Ok(None);
    };
    let secret = PathSecret::new(reference.read()?)?;
    let networks =
        |ranges: &[NetworkRange]| ranges.iter().map(|range| range.network()).collect::<Vec<_>>();
    let settings = CallbackSettings {
        secret,
        sources: networks(&callback.sources),
        trusted_proxies: networks(&callback.trusted_proxies),
    };
    let listener = listen::tcp(callback.address).await?;
    Ok(Some(Receiver { address: local(&listener)?, listener, settings }))
}

impl Receiver {
    /// Receives until `stop` says so.
    pub(super) async fn serve(self, vault: Arc<TheVault>, stop: watch::Receiver<bool>) {
        ops::serve_callbacks(vault, self.listener, self.settings, stop).await;
    }
}
