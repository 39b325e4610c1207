//! Does any of our name servers answer at all?
//!
//! Asked only after a look-up got no answer. A name server that is silent about one name but knows the root is well:
//! the name's own servers are in trouble. One that does not even know the root, or refuses, is our trouble, and nothing can be said
//! about the name.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::model::{Finding, Quoted};

/// A name server near by answers this from its memory.
const WAIT: Duration = Duration::from_millis(700);

/// A query with recursion for the name servers of the root.
const ROOT: [u8; 17] = [0x70, 0x62, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];

/// `Err` says why none did.
pub(super) async fn any_answers(servers: &[SocketAddr]) -> Result<(), Finding> {
    let mut asked = JoinSet::new();
    for server in servers.iter().copied() {
        asked.spawn(async move {
            let answer = tokio::time::timeout(WAIT, one(server)).await;
            match answer {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(Finding::NameServerSaid {
                    address: server.ip(),
                    said: Quoted::new(&error.to_string()),
                }),
                Err(_) => Err(Finding::NameServerSilent {
                    address: server.ip(),
                }),
            }
        });
    }
    let mut why = vec![];
    while let Some(ended) = asked.join_next().await {
        match ended {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(finding)) => why.push(finding),
            Err(_) => {}
        }
    }
    why.sort_by_key(ToString::to_string);
    Err(why.into_iter().reduce(Finding::beside).unwrap_or_default())
}

async fn one(server: SocketAddr) -> std::io::Result<()> {
    let local: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await?;
    // Connected, so that the kernel reports a refusal.
    socket.connect(server).await?;
    socket.send(&ROOT).await?;
    let mut answer = [0; 512];
    socket.recv(&mut answer).await?;
    Ok(())
}
