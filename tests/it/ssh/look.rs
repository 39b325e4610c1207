//! A look at a host over a real login: with the script that is sent along, with the agent, and where neither works.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use probe::adapters::clock::SystemClock;
use probe::adapters::ssh::{SshLimits, SshRecoverer};
use probe::model::{Diagnosis, Host, HostFacts, InsideAnswer};
use probe::ports::Recoverer;

use super::agent::Place;
use super::server::Sshd;
use super::{bare, host, recoverer};
use crate::ports::closed_port;

async fn look(recoverer: &SshRecoverer, host: Host, urls: &[String]) -> Diagnosis {
    recoverer.diagnose(Arc::new(host), urls.to_vec()).await
}

fn facts(diagnosis: Diagnosis) -> HostFacts {
    match diagnosis {
        Diagnosis::Facts(facts) => *facts,
        Diagnosis::NotIn { .. } | Diagnosis::Stuck { .. } | Diagnosis::Unreadable { .. } => {
            panic!("no facts: {diagnosis:?}")
        }
    }
}

/// A web server for one request after the other; it ends with the test's process.
fn web_server(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// Sites are asked on the host under their own names, and what is found is what is so.
#[tokio::test]
async fn a_host_without_the_agent_is_shown_the_script() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let urls = [
        format!("http://shop.example.com:{}/a?b=c", web_server("200 OK")),
        format!("http://blog.example.com:{}/", web_server("503 Busy")),
        format!("http://gone.example.com:{}/", closed_port().port()),
        // A name is a word of the script and never a part of it.
        "http://x.example.com:1/'$(touch%20/tmp/x)'".to_owned(),
    ];
    let facts = facts(look(&recoverer(), host(&sshd), &urls).await);
    assert!(!facts.agent);
    assert!(facts.boot_id.is_some() && facts.uptime_s.is_some());
    assert!(facts.disk.free_pct.is_some() && facts.memory_available_pct.is_some());
    assert!(facts.processes_free_pct.is_some());
    let answer = |place: usize| facts.sites.iter().find(|site| site.url == urls[place]);
    let answer = |place: usize| answer(place).map(|site| site.answer);
    assert_eq!(answer(0), Some(InsideAnswer::Status(200)), "{facts:?}");
    assert_eq!(answer(1), Some(InsideAnswer::Status(503)), "{facts:?}");
    assert_eq!(answer(2), Some(InsideAnswer::Refused), "{facts:?}");
}

/// Whatever shell the account has, and whatever that says on the way.
#[tokio::test]
async fn the_script_comes_to_a_posix_shell_through_every_login_shell() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let keys = directory.path().join("authorized_keys");
    let key = std::fs::read_to_string(&keys).unwrap();
    let login = directory.path().join("login");
    let urls = [
        format!("http://shop.example.com:{}/a?b=c!d&e", web_server("200 OK")),
        "http://x.example.com:1/'!$(touch%20/tmp/x)'".to_owned(),
    ];
    for shell in ["sh", "dash", "bash", "busybox sh", "tcsh", "fish"] {
        let talks = "printf 'Welcome to web1! '; echo 'news' >&2";
        let text = format!("#!/bin/sh\n{talks}\nexec {shell} -c \"$SSH_ORIGINAL_COMMAND\"\n");
        std::fs::write(&login, text).unwrap();
        std::fs::set_permissions(&login, std::fs::Permissions::from_mode(0o755)).unwrap();
        let forced = format!("restrict,command=\"{}\" {key}", login.display());
        std::fs::write(&keys, forced).unwrap();
        let facts = facts(look(&recoverer(), host(&sshd), &urls).await);
        assert!(facts.uptime_s.is_some(), "{shell}: {facts:?}");
        let site = facts.sites.iter().find(|site| site.url == urls[0]);
        let answer = site.map(|site| site.answer);
        assert_eq!(
            answer,
            Some(InsideAnswer::Status(200)),
            "{shell}: {facts:?}"
        );
    }
}

#[tokio::test]
async fn the_agent_is_given_its_order_and_nothing_else() {
    let place = Place::new();
    let host = Host {
        agent: true,
        ..host(&place.sshd)
    };
    let facts = facts(look(&recoverer(), host, &[]).await);
    assert!(facts.agent);
    assert_eq!(facts.restarts_in_window, Some(0));
    assert_eq!(facts.limit_restarts, Some(3));
}

/// A pause keeps back what acts; a look goes on.
#[tokio::test]
async fn a_paused_host_is_still_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let paused = SshRecoverer::new(Arc::new(|_| true), Arc::new(SystemClock::new()));
    facts(look(&paused, host(&sshd), &[]).await);
}

#[tokio::test]
async fn whoever_answers_otherwise_is_not_understood() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let keys = directory.path().join("authorized_keys");
    let key = std::fs::read_to_string(&keys).unwrap();
    for (command, said) in [
        ("echo hello", "no `facts=1`"),
        ("echo facts=1; echo uptime_s=no; echo end=1", "uptime_s=no"),
        ("echo facts=1", "breaks off"),
        ("exit 64", "exit status 64"),
    ] {
        std::fs::write(&keys, format!("restrict,command=\"{command}\" {key}")).unwrap();
        let diagnosis = look(&recoverer(), host(&sshd), &[]).await;
        let Diagnosis::Unreadable { reason } = &diagnosis else {
            panic!("{command}: {diagnosis:?}");
        };
        assert!(reason.to_string().contains(said), "{command}: {reason}");
    }
}

/// The shell began, and no process could be made any more: a restart would make it worse.
#[tokio::test]
async fn a_look_that_breaks_off_is_stuck() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let keys = directory.path().join("authorized_keys");
    let key = std::fs::read_to_string(&keys).unwrap();
    let forced = format!("restrict,command=\"echo begins=1; exit 2\" {key}");
    std::fs::write(&keys, forced).unwrap();
    let diagnosis = look(&recoverer(), host(&sshd), &[]).await;
    let stuck =
        matches!(&diagnosis, Diagnosis::Stuck { reason } if reason.to_string().contains("2"));
    assert!(stuck, "{diagnosis:?}");
}

/// What a host does that swaps: the login goes well, and nothing comes of it.
#[tokio::test]
async fn a_look_without_an_end_is_stuck() {
    let directory = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(directory.path());
    let keys = directory.path().join("authorized_keys");
    let key = std::fs::read_to_string(&keys).unwrap();
    std::fs::write(&keys, format!("restrict,command=\"sleep 300\" {key}")).unwrap();
    let recoverer = recoverer().with_limits(SshLimits {
        connect: Duration::from_secs(30),
        look: Duration::from_secs(1),
        login: Duration::from_secs(60),
    });
    let diagnosis = look(&recoverer, host(&sshd), &[]).await;
    assert!(
        matches!(diagnosis, Diagnosis::Stuck { .. }),
        "{diagnosis:?}"
    );
}

#[tokio::test]
async fn where_nobody_gets_in_that_is_said() {
    let gone = bare(&format!("ssh://{}", closed_port()));
    let diagnosis = look(&recoverer(), gone, &[]).await;
    let Diagnosis::NotIn { reason, .. } = &diagnosis else {
        panic!("{diagnosis:?}");
    };
    assert!(reason.to_string().contains("refused"), "{reason}");
}
