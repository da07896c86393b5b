//! The acceptor: takes connections, shakes hands, and hands on only those whose certificate is good.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;

use crate::metrics::Metrics;
use crate::model::Refusal;

use super::places::{Place, Places};
use super::{Door, Peer};

/// Limits of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once, half-open ones included.
    pub connections_max: usize,
    /// Of those, from one address.
    pub connections_per_peer: usize,
}

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Longest pause after `accept` failed: the process has no file descriptors or memory left, and asking
/// again at once would only burn a core.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// First pause.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// Connections that are ready and not yet served.
const READY_MAX: usize = 16;

/// A connection whose peer has proved who it is.
#[derive(Debug)]
pub struct Connection {
    stream: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    _place: Place,
}

impl Connection {
    /// The other end.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }
}

/// The connections that come in at `listener`, until `stop` says so.
pub fn incoming(
    listener: TcpListener,
    door: Arc<Door>,
    limits: Limits,
    metrics: Arc<Metrics>,
    stop: watch::Receiver<bool>,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, connections) = mpsc::channel(READY_MAX);
    let places = Places::new(limits.connections_max, limits.connections_per_peer);
    tokio::spawn(accept(listener, Hall { door, places, metrics, ready }, stop));
    ReceiverStream::new(connections)
}

/// What stands behind the listener.
#[derive(Clone)]
struct Hall {
    door: Arc<Door>,
    places: Arc<Places>,
    metrics: Arc<Metrics>,
    ready: mpsc::Sender<io::Result<Connection>>,
}

async fn accept(listener: TcpListener, hall: Hall, mut stop: watch::Receiver<bool>) {
    let mut pause = PAUSE_MIN;
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = hall.ready.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            // Gone before it was taken: its own affair.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::error!(%error, "no connections can be taken");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
        };
        pause = PAUSE_MIN;
        let Some(place) = hall.places.take(address.ip()) else {
            hall.metrics.refused(Refusal::Connections);
            tracing::debug!(%address, "refused: too many connections");
            continue;
        };
        tokio::spawn(hall.clone().shake_hands(stream, address, place));
    }
}

impl Hall {
    async fn shake_hands(self, stream: TcpStream, address: SocketAddr, place: Place) {
        // Small answers should not wait for more; a socket that cannot do that works too.
        let _ = stream.set_nodelay(true);
        let terms = self.door.terms();
        let acceptor = TlsAcceptor::from(Arc::clone(&terms.server));
        let stream = match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.metrics.refused(Refusal::Handshake);
                tracing::info!(%address, %error, "refused: handshake");
                return;
            }
            Err(_) => {
                self.metrics.refused(Refusal::HandshakeTime);
                tracing::info!(%address, "refused: the handshake took too long");
                return;
            }
        };
        let (_, session) = stream.get_ref();
        let chain: Vec<_> = session.peer_certificates().unwrap_or_default().to_vec();
        let chain = chain.into_iter().map(rustls_pki_types::CertificateDer::into_owned).collect();
        let peer = Arc::new(Peer::new(self.door, terms.epoch, address, chain));
        // Nobody takes it while the vault stops.
        let _ = self.ready.send(Ok(Connection { stream, peer, _place: place })).await;
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
