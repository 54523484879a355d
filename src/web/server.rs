//! The accept loop: plain or TLS connections, HTTP/1.1 and, where TLS agreed on it, HTTP/2; slow and idle peers
//! are let go, and stopping lets requests under way finish.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::limits;
use crate::error::{BoxError, chain};

pub mod tls;

/// How long a connection that was taken last has for its first request.
const FIRST_REQUEST: Duration = Duration::from_millis(100);

/// A server that runs in the background until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    leaving: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), BoxError>>,
}

impl Running {
    /// Serves `app` on `listener` in the background.
    pub fn start(
        listener: TcpListener,
        tls: Option<Arc<rustls::ServerConfig>>,
        app: Router,
    ) -> Result<Running, BoxError> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let leaving = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(run(listener, tls, app, leaving.clone(), async {
            let _ = stopped.await;
        }));
        Ok(Running {
            address,
            leaving,
            stop,
            task,
        })
    }

    /// Asks clients to close their connections after the next answer. New ones are still taken.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Stops taking requests and waits for those under way.
    pub async fn stop(self) -> Result<(), BoxError> {
        let _ = self.stop.send(());
        self.task.await?
    }
}

/// Opens the listening socket.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BoxError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}").into())
}

/// Serves `app` until `shutdown`, then takes whoever waits to be let in, and lets requests under way finish for at most
/// 30 seconds.
async fn run(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    app: Router,
    leaving: Arc<AtomicBool>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), BoxError> {
    let app: Router = app.with_state(());
    let tls = tls.map(TlsAcceptor::from);
    let connections = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let take = |permit: OwnedSemaphorePermit, stream, peer| {
        let leaving = leaving.clone();
        let connection = serve(
            stream,
            peer,
            tls.clone(),
            app.clone(),
            leaving,
            graceful.watcher(),
        );
        tokio::spawn(async move {
            let _permit = permit;
            connection.await;
        });
    };
    tokio::pin!(shutdown);
    loop {
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await?;
            Ok::<_, AcquireError>((permit, listener.accept().await))
        };
        let (permit, accepted) = tokio::select! {
            next = next => next?,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                accept_failed(&error).await;
                continue;
            }
        };
        take(permit, stream, peer);
    }
    leaving.store(true, Ordering::Relaxed);
    // Whoever waits in the kernel would be cut off with the listener.
    let listener = listener.into_std()?;
    let mut was_waited_for = false;
    while let Ok(permit) = Arc::clone(&connections).try_acquire_owned()
        && let Ok((stream, peer)) = listener.accept()
    {
        stream.set_nonblocking(true)?;
        take(permit, TcpStream::from_std(stream)?, peer);
        was_waited_for = true;
    }
    drop(listener);
    if was_waited_for {
        // A connection that has asked nothing yet is closed by what follows.
        sleep(FIRST_REQUEST).await;
    }
    if timeout(limits::DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way when the server stopped");
    }
    Ok(())
}

/// A connection that ended before we took it is nothing; anything else, such as too many open files, needs time.
async fn accept_failed(error: &io::Error) {
    let theirs = [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::Interrupted,
    ];
    if !theirs.contains(&error.kind()) {
        tracing::error!(%error, "cannot accept connections");
        sleep(Duration::from_millis(500)).await;
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    app: Router,
    leaving: Arc<AtomicBool>,
    watcher: Watcher,
) {
    // Answers are written in one piece; waiting to merge them with a next one only delays them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return converse(stream, false, peer, app, leaving, watcher).await;
    };
    match timeout(limits::HEADER_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            converse(stream, http2, peer, app, leaving, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

/// The protocol is never guessed from the first bytes: that guess would wait for them without end.
async fn converse<IO>(
    stream: IO,
    http2: bool,
    peer: SocketAddr,
    app: Router,
    leaving: Arc<AtomicBool>,
    watcher: Watcher,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = app.clone().call(request);
        let leaving = leaving.clone();
        async move {
            let mut answer = answer.await.unwrap_or_else(|never| match never {});
            if !http2 && leaving.load(Ordering::Relaxed) {
                answer
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let builder = if http2 {
        builder().http2_only()
    } else {
        builder().http1_only()
    };
    let connection = builder
        .serve_connection(TokioIo::new(Impatient::new(stream)), service)
        .into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("connection ended: {}", chain(error.as_ref()));
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIMEOUT)
        .max_buf_size(limits::HEADER_BYTES + limits::URI_BYTES + 16 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(32 * 1024)
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// A stream whose peer must keep taking in what is written.
struct Impatient<IO> {
    io: IO,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<IO: Unpin> Impatient<IO> {
    fn new(io: IO) -> Self {
        Impatient { io, stalled: None }
    }

    fn judge<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(limits::WRITE_TIMEOUT)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Impatient<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Impatient<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.judge(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.io).poll_shutdown(cx);
        self.judge(closed, cx)
    }
}

#[cfg(test)]
mod tests;
