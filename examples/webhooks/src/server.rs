//! One HTTP server on loopback, which ends in order or all of a sudden.
//!
//! axum's own server hands each connection to the runtime and forgets it. Here
//! they are kept, so that a server can be killed as its process could be, with
//! its connections, and so that they are bounded.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// As many connections are served at a time. More wait to be accepted.
const MOST: usize = 256;
/// For the head of a request: whoever sends it a letter a minute is cut off.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// When the process is out of file descriptors, accepting fails at once, and
/// would fail again at once.
const AFTER_FAILURE: Duration = Duration::from_millis(20);

/// A server that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on loopback, at `port`, or at one that is free for 0.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn start(port: u16, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(accept(listener, router, stopping));
        Ok(Self { address, stop, task })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, answers what was asked, and ends. What takes longer than
    /// `within` is cut off.
    pub async fn drain(mut self, within: Duration) {
        // There is always the task to receive it, or it has ended.
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(within, &mut self.task).await;
    }

    /// Cuts all connections, at once. The port is free when this returns.
    pub async fn kill(mut self) {
        self.task.abort();
        // It says that it was aborted, which is known.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stop = stopping.clone();
    loop {
        tokio::select! {
            _ = stopping.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, router.clone(), stop.clone()))),
                Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
    // Answers are small and whole: nothing is gained by holding one back.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // What becomes of a connection concerns the client, who sees it too.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
