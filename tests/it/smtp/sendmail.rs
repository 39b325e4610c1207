//! M20: a program of this machine in place of a relay, each a small script: what it is handed, what its end means, and that nothing
//! waits for it for ever.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use probe::adapters::smtp::{Outcome, SmtpNotifier, TapeLine, bytes};
use probe::model::{Delivery, RelaySecurity, Route, Stay};
use probe::render::mail::compose;

use super::server::{Script, Server};
use super::try_once::{HASTY, PATIENT, SOON, email, reason, send, stay};
use crate::mail::entries::{down, english, entry};

/// A program in a directory of its own.
struct Program {
    directory: tempfile::TempDir,
}

impl Program {
    /// It writes its arguments and its input down, and goes on like this.
    fn new(then: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >'{at}/arguments'\ncat >'{at}/input'\n{then}\n"
        );
        let program = directory.path().join("sendmail");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn relay(&self) -> Route {
        relay(&self.path("sendmail"))
    }
}

fn relay(program: &Path) -> Route {
    Route::Program(program.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn m20_it_is_handed_the_mail_and_its_envelope() {
    let program = Program::new("exit 0");
    let delivery = send(PATIENT, vec![program.relay()]).await;
    let relay = program.relay().name();
    assert_eq!(relay, program.relay().name());
    assert_eq!(delivery, Delivery::Sent { relay });
    let arguments = fs::read_to_string(program.path("arguments")).unwrap();
    assert_eq!(
        arguments,
        "-i\n-f\nprobe@monitor.example.com\n--\nops@example.com\n"
    );
    let sent = String::from_utf8(bytes(&compose(&entry(down()), &english())).unwrap()).unwrap();
    let input = fs::read_to_string(program.path("input")).unwrap();
    assert_eq!(input, sent.replace("\r\n", "\n"));
}

#[tokio::test]
async fn m20_its_exit_status_is_understood() {
    for (status, wanted) in [
        (67, None),
        (68, None),
        (75, Some(Stay::Later)),
        (69, Some(Stay::Trouble)),
        (71, Some(Stay::Trouble)),
        (74, Some(Stay::Trouble)),
        (1, Some(Stay::Declined(1))),
        (65, Some(Stay::Declined(1))),
        (78, Some(Stay::Declined(1))),
    ] {
        let program = Program::new(&format!(
            "echo so much >&2; echo 'no: {status}' >&2; exit {status}"
        ));
        let delivery = send(PATIENT, vec![program.relay()]).await;
        match wanted {
            None => assert!(
                matches!(delivery, Delivery::Rejected { .. }),
                "{delivery:?}"
            ),
            Some(wanted) => assert_eq!(stay(&delivery), wanted, "{delivery:?}"),
        }
        let words = reason(&delivery);
        assert!(words.contains(&format!("no: {status}")), "{words}");
        assert!(words.contains(&program.relay().name()), "{words}");
    }
}

#[tokio::test]
async fn m20_one_that_is_missing_is_trouble_and_the_next_relay_takes_it() {
    let gone = relay(Path::new("/nonexistent/sendmail"));
    let delivery = send(PATIENT, vec![gone.clone()]).await;
    assert_eq!(stay(&delivery), Stay::Trouble, "{delivery:?}");
    assert!(
        reason(&delivery).contains("could not be started"),
        "{delivery:?}"
    );
    let server = Server::start(Script::default()).await;
    let delivery = send(
        PATIENT,
        vec![gone, server.relay(RelaySecurity::Plain).into()],
    )
    .await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
}

/// It has the whole text: it may have put it into its queue, so no other relay is asked.
#[tokio::test]
async fn m20_one_that_hangs_or_dies_with_the_mail_is_unclear_and_ended_with_all_it_started() {
    let hangs = Program::new("sleep 300 & echo $! >\"$(dirname \"$0\")/child\"; wait");
    let dies = Program::new("kill -9 $$");
    for program in [&hangs, &dies] {
        let server = Server::start(Script::default()).await;
        let began = Instant::now();
        let spare = Route::Relay(server.relay(RelaySecurity::Plain));
        let delivery = send(HASTY, vec![program.relay(), spare]).await;
        assert!(matches!(delivery, Delivery::Unclear { .. }), "{delivery:?}");
        assert!(began.elapsed() < SOON);
        assert!(server.commands().is_empty() && server.texts().is_empty());
    }
    let child = fs::read_to_string(hangs.path("child")).unwrap();
    let gone = || !Path::new(&format!("/proc/{}/stat", child.trim())).exists();
    let until = Instant::now() + Duration::from_secs(10);
    while !gone() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(gone(), "what it started is ended, too");
}

/// Programs that deliver in the background leave a process behind, which may hold what it inherited.
#[tokio::test]
async fn m20_what_it_leaves_running_is_not_waited_for_and_not_ended() {
    let program = Program::new("(sleep 2; echo still >\"$(dirname \"$0\")/later\") & exit 0");
    let began = Instant::now();
    let delivery = send(PATIENT, vec![program.relay()]).await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    assert!(began.elapsed() < SOON);
    let until = Instant::now() + Duration::from_secs(30);
    while !program.path("later").exists() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(program.path("later").exists());
}

#[tokio::test]
async fn m20_a_rehearsal_shows_what_was_run_and_hands_over_one_mail() {
    let (first, second) = (Program::new("echo queued"), Program::new("exit 0"));
    let relays = vec![first.relay(), second.relay()];
    let rehearsed = SmtpNotifier::with_limits(PATIENT)
        .rehearse(&email(relays), &english(), &entry(down()))
        .await
        .unwrap();
    let outcomes: Vec<&Outcome> = rehearsed.iter().map(|one| &one.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Taken, &Outcome::Ready]);
    let ran = format!(
        "{} -i -f probe@monitor.example.com -- ops@example.com",
        first.relay().name()
    );
    assert!(
        rehearsed[0].lines.contains(&TapeLine::Ours(ran)),
        "{:?}",
        rehearsed[0].lines
    );
    let queued = TapeLine::Theirs("queued".to_owned());
    assert!(
        rehearsed[0].lines.contains(&queued),
        "{:?}",
        rehearsed[0].lines
    );
    assert!(!second.path("input").exists());
}
