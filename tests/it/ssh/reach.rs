//! Whether a host's SSH port answers a connect, as the client itself would make it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use probe::model::Reach;
use probe::ports::Recoverer as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{bare, fake_client, recoverer};
use crate::ports::closed_port;

async fn reach(destination: &str) -> Reach {
    recoverer().reach(Arc::new(bare(destination))).await
}

#[tokio::test]
async fn an_open_port_a_closed_one_and_a_silent_one() {
    let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = open.local_addr().unwrap().port();
    let destination = format!("ssh://probe@127.0.0.1:{port}");
    assert_eq!(reach(&destination).await, Reach::Answered);
    let destination = format!("ssh://probe@{}", closed_port());
    assert_eq!(reach(&destination).await, Reach::Refused);

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    // Its queue is full when a connect gets no answer any more.
    let mut waiting = vec![];
    let moment = Duration::from_millis(500);
    while let Ok(stream) = timeout(moment, TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
    }
    let destination = format!("ssh://probe@127.0.0.1:{}", address.port());
    assert_eq!(reach(&destination).await, Reach::Silent);
}

#[tokio::test]
async fn what_the_client_would_not_connect_to_itself_is_unknown() {
    let directory = tempfile::tempdir().unwrap();
    for script in [
        "echo 'hostname 127.0.0.1'; echo 'port 9'; echo 'proxyjump bastion'",
        "exit 255",
        "sleep 60",
    ] {
        let client = fake_client(directory.path(), script);
        assert_eq!(
            client.reach(Arc::new(bare("web1"))).await,
            Reach::Unknown,
            "{script}"
        );
    }
    assert_eq!(reach("-oProxyCommand=true").await, Reach::Unknown);
}
