//! Sockets: where the page listens, and the bounds of a connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::answer::{Service, answer};
use super::asked::Asked;
use super::places::{Place, Places};
use super::world::{Lent, News, Reports, World};
use crate::model::limits;
use crate::ports::{Clock, Prober, Store};

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "the status page cannot listen on {address} ({error}): choose another `status_page.listen`, or see who listens there (ss -ltnp)"
)]
pub struct Taken {
    /// Where.
    pub address: SocketAddr,
    /// What the kernel said.
    pub error: io::Error,
}

/// A socket that listens already.
#[derive(Debug)]
pub struct Listener {
    asked: SocketAddr,
    socket: TcpListener,
}

impl Listener {
    /// Listens.
    ///
    /// # Errors
    /// When the address is taken, or not ours.
    pub async fn bind(address: SocketAddr) -> Result<Self, Taken> {
        let socket = TcpListener::bind(address)
            .await
            .map_err(|error| Taken { address, error })?;
        let at = socket.local_addr().unwrap_or(address);
        tracing::info!(%at, "status page");
        Ok(Self {
            asked: address,
            socket,
        })
    }
}

/// Begins to serve, on `listener` or, without one, as soon as a configuration names an address. `prober` makes the
/// probes that are asked for, `store` knows the past.
#[must_use]
pub fn serve(
    listener: Option<Listener>,
    clock: Arc<dyn Clock>,
    prober: Arc<dyn Prober>,
    store: Arc<dyn Store>,
    lent: Lent,
) -> Reports {
    let reloaded = Arc::new(AtomicBool::new(true));
    let world = World::new(Arc::clone(&clock), Arc::clone(&reloaded), store, lent);
    let asked = Asked::new(prober, clock);
    // One waits while one is taken over.
    let (sender, news) = mpsc::channel(1);
    tokio::spawn(follow(listener, Arc::new(Service::new(world, asked)), news));
    Reports::new(sender, reloaded)
}

/// Listens where the configuration in force says, and takes over what the loop hands over.
async fn follow(listener: Option<Listener>, service: Arc<Service>, mut news: mpsc::Receiver<News>) {
    let mut asked = listener.as_ref().map(|listener| listener.asked);
    let mut page = listener.map(|listener| Page::begin(listener, &service));
    while let Some(told) = news.recv().await {
        let wanted = told.settings.status_page.as_ref().map(|page| page.listen);
        if wanted != asked {
            asked = wanted;
            if let Some(page) = page.take() {
                page.end().await;
            }
            page = match wanted {
                Some(address) => match Listener::bind(address).await {
                    Ok(listener) => Some(Page::begin(listener, &service)),
                    Err(taken) => {
                        tracing::warn!("{taken}; there is no status page until then");
                        None
                    }
                },
                None => None,
            };
        }
        if wanted.is_some() {
            service.world.learn(told).await;
        } else {
            service.world.forget().await;
        }
    }
    if let Some(page) = page {
        page.end().await;
    }
}

/// A page being served.
struct Page(JoinHandle<()>);

impl Page {
    fn begin(listener: Listener, service: &Arc<Service>) -> Self {
        Self(tokio::spawn(accept(listener.socket, Arc::clone(service))))
    }

    /// Closes the socket; connections end with their own time.
    async fn end(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

async fn accept(socket: TcpListener, service: Arc<Service>) {
    let places = Places::new();
    loop {
        match socket.accept().await {
            Ok((stream, _)) => {
                let Some(place) = places.take().await else {
                    return;
                };
                tokio::spawn(talk(stream, Arc::clone(&service), Arc::new(place)));
            }
            // Out of descriptors, or a client that went away before it was accepted.
            Err(error) => {
                tracing::debug!(%error, "a connection to the status page was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn talk(stream: TcpStream, service: Arc<Service>, place: Arc<Place>) {
    let seat = Arc::clone(&place);
    let service = service_fn(move |request| {
        let (service, place) = (Arc::clone(&service), Arc::clone(&place));
        async move {
            place.is_asked();
            let response = answer(service, request).await;
            place.waits();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::PAGE_PATIENCE)
        .max_buf_size(limits::PAGE_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // What goes wrong on such a connection is its client's affair.
    let limited = tokio::time::timeout(limits::PAGE_CONNECTION, connection);
    tokio::select! {
        _ = limited => {}
        () = seat.left() => {}
    }
}
