//! What a relay's answer means for the next try, and that the next try is the same mail.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use probe::adapters::smtp::bytes;
use probe::model::{
    Delivery, Entry, Notification, Observation, Relay, RelaySecurity, Remark, Stay, Timestamp,
};
use probe::render::mail::{Letter, compose};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::server::{Act, Script, Server, Stage};
use super::try_once::{HASTY, PATIENT, SOON, assert_deferred, send, send_entry, send_plain, stay};
use crate::mail::entries::{down, english, entry};

/// A listener there whose queue is full, so that no answer comes to a SYN; it lasts as long as what is returned.
pub(super) async fn black_hole(
    at: SocketAddr,
) -> (SocketAddr, Vec<TcpStream>, tokio::net::TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(at).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        held.push(stream.unwrap());
        assert!(held.len() < 50, "the queue never fills");
    }
    (address, held, listener)
}

#[tokio::test]
async fn m2_a_black_hole_costs_the_time_for_a_connection_and_no_more() {
    let (address, _held, _listener) = black_hole("127.0.0.1:0".parse().unwrap()).await;
    let server = Server::start(Script::default()).await;
    for security in [
        RelaySecurity::Plain,
        RelaySecurity::StartTls,
        RelaySecurity::Implicit,
    ] {
        let hole = Relay {
            port: address.port(),
            ..server.relay(security)
        };
        let begun = Instant::now();
        let delivery = send(HASTY, vec![hole]).await;
        assert_deferred(&delivery, "connect: no answer within 1s");
        assert_eq!(stay(&delivery), Stay::Trouble);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn m4_the_try_after_greylisting_is_the_same_mail_in_the_same_envelope() {
    for words in [
        "450 4.2.0 greylisted",
        "451 4.7.1 try again in a minute",
        "452 4.3.1 full",
    ] {
        let server = Server::start(Script {
            at: Some((Stage::Rcpt, Act::Say(words))),
            once: true,
            ..Script::default()
        })
        .await;
        let relays = vec![server.relay(RelaySecurity::Plain)];
        let delivery = send(PATIENT, relays.clone()).await;
        assert_deferred(&delivery, words);
        assert_eq!(stay(&delivery), Stay::Later);
        // What the fleet remembers of the first try.
        let again = Entry {
            tries: 1,
            due: Timestamp(entry(down()).due.0 + 60_000),
            last: Some(delivery),
            ..entry(down())
        };
        let delivery = send_entry(PATIENT, relays, again).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
        let envelopes: Vec<String> = server
            .commands()
            .into_iter()
            .filter(|line| line.starts_with("MAIL") || line.starts_with("RCPT"))
            .collect();
        let envelope = [
            "MAIL FROM:<probe@monitor.example.com>",
            "RCPT TO:<ops@example.com>",
        ];
        assert_eq!(envelopes, [envelope, envelope].concat());
        assert_eq!(
            server.texts(),
            [on_the_wire(&compose(&entry(down()), &english()))]
        );
    }
}

/// A letter as a relay reads it before it takes the doubled dots away; a line end stands before the final dot.
fn on_the_wire(letter: &Letter) -> String {
    let text = String::from_utf8(bytes(letter).unwrap()).unwrap();
    let lines = text.split("\r\n");
    let doubled = lines.map(|line| {
        if line.starts_with('.') {
            format!(".{line}")
        } else {
            line.to_owned()
        }
    });
    doubled.map(|line| line + "\r\n").collect()
}

#[tokio::test]
async fn m6_who_is_not_there_is_refused_for_good_and_the_rest_may_pass() {
    let table = [
        ("550 5.1.1 no such user", None),
        ("550 5.1.10 null MX", None),
        ("550 mailbox unavailable", None),
        ("551 not here", None),
        ("553 5.1.3 bad address", None),
        ("553 no such name", None),
        ("552 5.3.4 too large", Some(Stay::Declined(1))),
        ("552 too large", Some(Stay::Declined(1))),
        ("554 5.7.1 against our policy", Some(Stay::Declined(1))),
        ("554 transaction failed", Some(Stay::Declined(1))),
        (
            "550 5.7.1 your address is on a list",
            Some(Stay::Declined(1)),
        ),
        ("552 5.2.2 mailbox full", Some(Stay::Declined(1))),
        ("500 what", Some(Stay::Declined(1))),
        ("530 5.7.0 log in first", Some(Stay::Login)),
        ("421 4.7.0 too many connections", Some(Stay::Later)),
    ];
    for (words, expected) in table {
        for stage in [Stage::Rcpt, Stage::Text] {
            let (delivery, server) = send_plain(PATIENT, (stage, Act::Say(words))).await;
            match expected {
                None => assert!(
                    matches!(&delivery, Delivery::Rejected { reason } if reason.ends_with(words)),
                    "{delivery:?}"
                ),
                Some(expected) => {
                    assert_deferred(&delivery, words);
                    assert_eq!(stay(&delivery), expected, "{words}");
                }
            }
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn no_relay_is_asked_before_its_time_for_the_sake_of_another() {
    let saying = async |stage, words| {
        Server::start(Script {
            at: Some((stage, Act::Say(words))),
            ..Script::default()
        })
        .await
    };
    let trouble = saying(Stage::Greeting, "HTTP/1.1 400 no").await;
    let later = saying(Stage::Rcpt, "451 4.7.1 greylisted").await;
    let login = saying(Stage::Mail, "530 5.7.0 log in first").await;
    let declined = saying(Stage::Rcpt, "554 5.7.1 policy").await;
    let refused = saying(Stage::Rcpt, "550 5.1.1 nobody").await;
    let plain = |server: &Server| server.relay(RelaySecurity::Plain);
    for (relays, expected) in [
        (vec![&trouble, &later], Stay::Later),
        (vec![&later, &login], Stay::Login),
        (vec![&declined, &trouble], Stay::Trouble),
        (vec![&refused, &declined], Stay::Declined(1)),
        (vec![&refused, &trouble], Stay::Trouble),
    ] {
        for turned in [false, true] {
            let mut relays: Vec<Relay> = relays.iter().map(|server| plain(server)).collect();
            if turned {
                relays.reverse();
            }
            let delivery = send(PATIENT, relays).await;
            assert_eq!(stay(&delivery), expected, "{delivery:?}");
        }
    }
}

#[tokio::test]
async fn m12_a_try_whose_end_was_never_written_is_made_again_byte_by_byte() {
    let server = Server::start(Script::default()).await;
    let relays = vec![server.relay(RelaySecurity::Plain)];
    // Written before the try; the relay said 250; nobody wrote that down.
    let before = Entry {
        tries: 1,
        open: true,
        ..entry(down())
    };
    let kept = serde_json::to_string(&before).unwrap();
    let delivery = send_entry(PATIENT, relays.clone(), before).await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    let mut read: Entry = serde_json::from_str(&kept).unwrap();
    (read.tries, read.unclear) = (2, true);
    let delivery = send_entry(PATIENT, relays, read).await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    let texts = server.texts();
    assert_eq!(texts.len(), 2, "one more for one crash");
    assert_eq!(texts[0], texts[1]);
}

#[tokio::test]
async fn m19_no_line_of_the_text_ends_it_or_begins_another_command() {
    let lines = [
        ".",
        "..",
        ". a",
        "a\n.\nMAIL FROM:<evil@example.com>",
        "a\r.\rRCPT TO:<evil@example.com>",
        "a\r\n.\r\nRSET",
        "a\n\r.\n\rb",
        "From here on",
        "\nFrom nowhere",
        &".".repeat(2000),
    ];
    let mut doubled = 0;
    for said in lines {
        let server = Server::start(Script::default()).await;
        let note = Notification {
            seen: vec![Observation::Alone(said.into())],
            remark: Some(Remark::Finding(said.into())),
            ..down()
        };
        let letter = compose(&entry(note.clone()), &english());
        let relays = vec![server.relay(RelaySecurity::Plain)];
        let delivery = send_entry(PATIENT, relays, entry(note)).await;
        assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
        let verbs: Vec<String> = server
            .commands()
            .iter()
            .map(|line| line.split([' ', ':']).next().unwrap().to_owned())
            .collect();
        assert_eq!(verbs, ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"], "{said:?}");
        let texts = server.texts();
        assert_eq!(texts.len(), 1, "{said:?}");
        assert_eq!(texts[0], on_the_wire(&letter), "{said:?}");
        doubled += texts[0].matches("\r\n..").count();
        assert!(
            !texts[0].replace("\r\n", "").contains(['\r', '\n']),
            "{said:?}"
        );
        assert!(
            texts[0].split("\r\n").all(|line| line.len() <= 78),
            "{said:?}"
        );
    }
    assert!(doubled > 0, "no line began with a dot");
}
