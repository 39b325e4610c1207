//! By which name relays are greeted.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::Arc;

use probe::adapters::smtp::SmtpNotifier;
use probe::model::{Delivery, Email, Hello, RelaySecurity};
use probe::names;
use probe::ports::Notifier;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::server::{Act, Script, Server, Stage};
use super::try_once::{PATIENT, email};
use crate::mail::entries::{down, english, entry};

/// What a relay is greeted with, each time.
async fn greeted(script: Script, security: RelaySecurity, hello: Option<&str>) -> Vec<String> {
    let server = Server::start(script).await;
    let email = Email {
        hello: hello.map(|hello| Hello::try_new(hello).unwrap()),
        ..email(vec![server.relay(security)])
    };
    let delivery = SmtpNotifier::with_limits(PATIENT)
        .notify(Arc::new(email), Arc::new(english()), entry(down()), None)
        .await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    let commands = server.commands().into_iter();
    commands
        .filter(|line| line.starts_with("EHLO") || line.starts_with("HELO"))
        .collect()
}

fn starttls() -> Script {
    Script {
        starttls: true,
        ..Script::default()
    }
}

fn old() -> Script {
    Script {
        at: Some((Stage::Ehlo, Act::Say("502 5.5.1 no"))),
        ..Script::default()
    }
}

#[tokio::test]
async fn the_configured_name_is_the_only_one_that_is_said() {
    for name in ["mon1.example.com", "[192.0.2.10]", "[IPv6:2001:db8::10]"] {
        let said = greeted(starttls(), RelaySecurity::StartTls, Some(name)).await;
        let ehlo = format!("EHLO {name}");
        assert_eq!(said, [ehlo.clone(), ehlo.clone()]);
        let said = greeted(old(), RelaySecurity::Plain, Some(name)).await;
        assert_eq!(said, [ehlo, format!("HELO {name}")]);
    }
}

/// In a name space of host names of its own; needs root.
#[test]
fn a_machine_with_a_full_name_says_it_and_another_its_address() {
    for (kernel, wanted) in [
        ("mon7.example.net", "mon7.example.net"),
        ("mon7", "[127.0.0.1]"),
        ("localhost", "[127.0.0.1]"),
        ("localhost.localdomain", "[127.0.0.1]"),
    ] {
        let mut holder = Command::new("unshare")
            .args([
                "--uts",
                "sh",
                "-c",
                "hostname \"$1\" && echo ready && read -r _",
                "-",
                kernel,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare, of the package util-linux");
        let mut ready = String::new();
        let mut said = BufReader::new(holder.stdout.take().unwrap());
        said.read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "`hostname`, as root");
        let place = File::open(format!("/proc/{}/ns/uts", holder.id())).unwrap();
        let said = std::thread::spawn(move || {
            let of_names = Some(LinkNameSpaceType::HostNameAndNISDomainName);
            move_into_link_name_space(place.as_fd(), of_names).unwrap();
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            let own = names::own().map(|hello| hello.to_string());
            let twice = runtime.block_on(greeted(starttls(), RelaySecurity::StartTls, None));
            let both = runtime.block_on(greeted(old(), RelaySecurity::Plain, None));
            (own, twice, both)
        })
        .join()
        .unwrap();
        let (own, twice, both) = said;
        assert_eq!(own.is_some(), wanted == kernel, "{kernel}: {own:?}");
        let ehlo = format!("EHLO {wanted}");
        assert_eq!(twice, [ehlo.clone(), ehlo.clone()], "{kernel}");
        assert_eq!(both, [ehlo, format!("HELO {wanted}")], "{kernel}");
        drop(holder.stdin.take());
        holder.wait().unwrap();
    }
}
