//! A server that says exactly the bytes a test wants, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// The server. It ends when it is dropped.
pub(crate) struct StubJumio {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

/// A request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What to say to a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    /// Bytes, and how long to wait before each.
    bytes: Vec<(Duration, Vec<u8>)>,
    end: End,
}

/// What happens after the bytes of a reply.
#[derive(Debug, Clone, Copy, Default)]
enum End {
    /// The connection waits for the next request.
    #[default]
    Keep,
    /// The connection is closed.
    Close,
    /// Nothing, for as long as the client waits.
    Stall,
}

type Script = dyn Fn(&Seen) -> Option<Reply> + Send + Sync;

impl StubJumio {
    /// A server that answers as `script` says. Where it says nothing, the token service gives out
    /// `token-1` and everything else is 404.
    pub(crate) async fn start(
        script: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::with_tls(None, script).await
    }

    /// The same, behind TLS if there is an acceptor.
    pub(crate) async fn with_tls(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let talk = Talk { script: Arc::new(script), seen: Arc::clone(&seen) };
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, talk) = (tls.clone(), talk.clone());
                connections.spawn(async move {
                    match tls {
                        None => talk.serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => talk.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests so far whose path begins so.
    pub(crate) fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path.starts_with(path)).collect()
    }
}

impl Drop for StubJumio {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Talk {
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Talk {
    /// Serves one connection until either side ends it.
    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin + Send) -> Option<()> {
        loop {
            let request = read_request(&mut stream).await?;
            self.seen.lock().unwrap().push(request.clone());
            let reply = (self.script)(&request).unwrap_or_else(|| default_reply(&request));
            for (wait, bytes) in reply.bytes {
                tokio::time::sleep(wait).await;
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()?;
            }
            match reply.end {
                End::Keep => {}
                End::Close => return stream.shutdown().await.ok(),
                End::Stall => {
                    // Until the client goes away.
                    let mut rest = [0];
                    return stream.read(&mut rest).await.ok().map(drop);
                }
            }
        }
    }
}

fn default_reply(request: &Seen) -> Reply {
    match request.path.as_str() {
        "/oauth2/token" => Reply::token("token-1"),
        _ => Reply::json(404, r#"{"title":"Not Found","status":404}"#),
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin + Send)) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_len = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..head_len].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut seen = Seen { method, path, headers, body: Vec::new() };
    assert_eq!(seen.header("transfer-encoding"), None, "every request announces its length");
    let len: usize = seen.header("content-length").map_or(0, |len| len.parse().unwrap());
    while bytes.len() < head_len + len {
        read_some(stream, &mut bytes).await?;
    }
    seen.body = bytes[head_len..head_len + len].to_vec();
    Some(seen)
}

async fn read_some(
    stream: &mut (impl AsyncRead + Unpin + Send),
    bytes: &mut Vec<u8>,
) -> Option<()> {
    match stream.read_buf(bytes).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

impl Seen {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Where the client thinks it is talking to, without the slash at the end.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.header("host").unwrap())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Reply {
    /// Exactly these bytes.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: vec![(Duration::ZERO, bytes.into())], end: End::Keep }
    }

    /// A status, header lines that each end with `\r\n`, and a body with its length.
    pub(crate) fn new(status: u16, headers: &str, body: &[u8]) -> Self {
        let len = body.len();
        let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {len}\r\n\r\n");
        Self::raw([head.as_bytes(), body].concat())
    }

    pub(crate) fn json(status: u16, body: impl ToString) -> Self {
        Self::new(status, "Content-Type: application/json\r\n", body.to_string().as_bytes())
    }

    /// A token of the documented shape.
    pub(crate) fn token(token: &str) -> Self {
        let body =
            format!(r#"{{"access_token":"{token}","expires_in":3600,"token_type":"Bearer"}}"#);
        Self::json(200, body)
    }

    /// Then more bytes, after a while.
    pub(crate) fn and(mut self, wait: Duration, bytes: impl Into<Vec<u8>>) -> Self {
        self.bytes.push((wait, bytes.into()));
        self
    }

    /// Waits before the first byte.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        if let Some((first, _)) = self.bytes.first_mut() {
            *first = wait;
        }
        self
    }

    /// Then the connection is closed.
    pub(crate) fn close(mut self) -> Self {
        self.end = End::Close;
        self
    }

    /// Then nothing comes any more.
    pub(crate) fn stall(mut self) -> Self {
        self.end = End::Stall;
        self
    }
}

/// A listener that nobody may ever connect to.
pub(crate) struct Canary(std::net::TcpListener);

impl Canary {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Panics if anybody has connected: the kernel keeps them, even if they have gone again.
    pub(crate) fn assert_untouched(&self, what: &str) {
        assert!(self.0.accept().is_err(), "{what}: somebody came to the canary");
    }
}
