//! The connection under HTTP: where answers are cut, misframed or replaced by a reset.
//!
//! An HTTP server refuses to send broken answers, so a broken one is written here: the server is
//! made to answer something harmless, and what it writes is replaced by the script.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

/// What to do instead of sending the answer.
pub(super) enum Script {
    /// Send these bytes and close.
    Raw(Bytes),
    /// Reset the connection.
    Reset,
}

/// A handle on a connection, given to each of its requests.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Option<Script>>>);

impl Wire {
    /// Replaces the next answer on this connection.
    pub(super) fn replace_answer(&self, script: Script) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(script);
    }

    fn take(&self) -> Option<Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A connection that can be reset.
pub(super) trait Abort {
    /// Makes the close of this connection a reset.
    ///
    /// # Errors
    ///
    /// The socket refuses.
    fn abort(&self) -> io::Result<()>;
}

impl Abort for TcpStream {
    fn abort(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl Abort for TlsStream<TcpStream> {
    fn abort(&self) -> io::Result<()> {
        self.get_ref().0.set_zero_linger()
    }
}

/// A connection that plays scripts.
pub(super) struct Scripted<S> {
    stream: S,
    wire: Wire,
    /// Bytes of a script still to be sent; once there is a script, nothing else is.
    raw: Option<Bytes>,
}

impl<S> Scripted<S> {
    /// Puts `wire` in control of `stream`.
    pub(super) fn new(stream: S, wire: Wire) -> Self {
        Self { stream, wire, raw: None }
    }
}

impl<S: AsyncWrite + Unpin> Scripted<S> {
    /// Sends what is left of the script.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(raw) = &mut self.raw else { return Poll::Ready(Ok(())) };
        while !raw.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, raw))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            raw.advance(sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Scripted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Abort + Unpin> AsyncWrite for Scripted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.wire.take() {
            None => {}
            Some(Script::Raw(raw)) => self.raw = Some(raw),
            Some(Script::Reset) => {
                self.stream.abort()?;
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
        if self.raw.is_none() {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        ready!(self.drain(context))?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
