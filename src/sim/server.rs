//! The running simulator: its listener, its connections, its worlds.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    BoxError, Router, body::HttpBody, http::Request, response::Response,
    routing::future::RouteFuture,
};
use bytes::Bytes;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{TlsAcceptor, rustls};
use tower::Service;

use super::{
    id::Id,
    oauth::{Client, Permissions},
    routes,
    state::{Sim, random_secret, settle_all},
    wire::{Abort, Scripted, Wire},
};

/// Connections served at a time; more wait in the listener's queue.
const CONNECTIONS_MAX: usize = 2_048;

/// How long a client may take for a TLS handshake or for the head of a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often executions are looked at whose time may have run out.
const TICK: Duration = Duration::from_millis(250);

/// How a simulator is started.
#[derive(Default)]
pub struct Options {
    /// Where to listen; `None` is 127.0.0.1 with a free port.
    pub listen: Option<SocketAddr>,
    /// Certificate chain and private key, both PEM. Without them the simulator speaks plain HTTP.
    pub tls: Option<(Vec<u8>, Vec<u8>)>,
    /// Client id of the first world; random if absent.
    pub client_id: Option<String>,
    /// Secret of that client; random if absent.
    pub client_secret: Option<String>,
}

/// The Jumio simulator.
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// The address is taken, the certificate or key cannot be read, or the operating system has
    /// no randomness.
    pub async fn start(options: Options) -> io::Result<Running> {
        let tls = options.tls.as_ref().map(acceptor).transpose()?;
        let listen = options.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let url = own_url(address, tls.is_some());
        let (stop, stopped) = watch::channel(());
        let sim = Arc::new(Sim::new(url.clone(), tls.is_some(), stopped.clone())?);
        let client = Client {
            id: options.client_id.unwrap_or_else(|| Id::random().to_string()),
            secret: options.client_secret.map_or_else(random_secret, Ok)?,
            permissions: Permissions::all(),
            world: Arc::clone(&sim.first),
        };
        let (client_id, client_secret) = (client.id.clone(), client.secret.clone());
        sim.core().add_client(client);
        let serving = tokio::spawn(serve(listener, tls, sim, stopped));
        Ok(Running { address, url, client_id, client_secret, stop, serving })
    }
}

/// A running simulator. It stops when dropped.
pub struct Running {
    address: SocketAddr,
    url: String,
    client_id: String,
    client_secret: String,
    stop: watch::Sender<()>,
    serving: JoinHandle<()>,
}

impl Running {
    /// Base URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// OAuth client id of the first world.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// OAuth client secret of the first world.
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// Closes the listener and all connections, and waits until that is done.
    pub async fn stop(self) {
        drop(self.stop);
        // The task ends by itself; a panic in it has been reported already.
        let _ = self.serving.await;
    }
}

/// The base URL of a listener; one that listens everywhere is reached by loopback.
fn own_url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { [0u16; 8].into() });
    }
    format!("{scheme}://{address}")
}

fn acceptor((certificates, key): &(Vec<u8>, Vec<u8>)) -> io::Result<TlsAcceptor> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(|_| invalid("the certificate is not PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| invalid("the key is not PEM"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| invalid(&error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts connections until the simulator is stopped, then drops them all.
async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    sim: Arc<Sim>,
    mut stopped: watch::Receiver<()>,
) {
    let router = routes::router(Arc::clone(&sim));
    let mut connections = JoinSet::new();
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            _ = tick.tick() => settle_all(&sim),
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                // A failed accept concerns one connection that is gone already.
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, tls.clone(), router.clone()));
            }
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router) {
    // Small answers should not wait for more; a socket that cannot do that works too.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_stream(stream, router).await,
        Some(acceptor) => {
            let handshake = tokio::time::timeout(PATIENCE, acceptor.accept(stream));
            if let Ok(Ok(stream)) = handshake.await {
                serve_stream(stream, router).await;
            }
        }
    }
}

async fn serve_stream<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Abort + Unpin + Send + 'static,
{
    let wire = Wire::default();
    let io = TokioIo::new(Scripted::new(stream, wire.clone()));
    let service = TowerToHyperService::new(Tagged { router, wire });
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // Ends with an error whenever a client goes away, which is the client's affair.
    let _ = builder.serve_connection(io, service).await;
}

/// The router, handing each request the wire it came by.
#[derive(Clone)]
struct Tagged {
    router: Router,
    wire: Wire,
}

impl<B> Service<Request<B>> for Tagged
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.wire.clone());
        self.router.call(request)
    }
}
