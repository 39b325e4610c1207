//! Ports of loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tokio::net::TcpSocket;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A port to start a program on. Another test may be given it in between.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(ANY).unwrap().local_addr().unwrap().port()
}

/// An address at which nothing listens as long as the tests run: it is bound, so that no other test is given it.
pub(crate) fn closed_port() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(ANY).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    address
}
