//! A mail says nothing that is not so.

use probe::model::{Hold, Next, RecoveryOutcome};
use probe::render::mail::subject;

use super::entries::{self, after, entry, voice};
use super::letters::mail;

/// The mail that announces a restart is written before the restart has begun.
#[test]
fn a_restart_that_begins_now_is_not_told_as_one_that_was_lost() {
    let mut begun = entries::attempt(1, after(1), RecoveryOutcome::Succeeded);
    begun.report = None;
    let mut down = entries::down();
    down.attempts = vec![begun.clone()];
    let said = mail(&entry(down));
    assert!(said.contains("begins now"), "{said}");
    assert!(
        !said.contains("not\nseen") && !said.contains("not seen"),
        "{said}"
    );

    let mut lost = entries::restarted(RecoveryOutcome::Unknown);
    lost.attempts = vec![begun];
    let said = mail(&entry(lost));
    assert!(!said.contains("restart` begins now"), "{said}");
}

/// Nothing was restarted, so nothing may be "too soon" after it.
#[test]
fn an_attempt_that_found_no_way_in_is_not_called_a_restart() {
    let mut note = entries::withheld();
    note.next = Next::Held(Hold::Backoff { until: after(90) });
    note.attempts = vec![entries::attempt(1, after(1), RecoveryOutcome::NotExecuted)];
    assert_eq!(
        subject(&voice(), &note),
        "[WITHHELD] shop: not restarted, the command could not be sent (web1)"
    );
    let said = mail(&entry(note.clone()));
    assert!(said.contains("could not be sent"), "{said}");
    assert!(!said.contains("too soon"), "{said}");

    note.attempts = vec![entries::attempt(1, after(1), RecoveryOutcome::Failed)];
    assert!(subject(&voice(), &note).contains("too soon after the last attempt"));
}

/// The host's agent said no: neither a restart nor a lack of a way in.
#[test]
fn an_attempt_that_the_host_refused_is_told_as_such() {
    let mut note = entries::withheld();
    note.next = Next::Held(Hold::Backoff { until: after(90) });
    note.attempts = vec![entries::attempt(1, after(1), RecoveryOutcome::Declined)];
    assert_eq!(
        subject(&voice(), &note),
        "[WITHHELD] shop: not restarted, refused by the host itself (web1)"
    );
    let said = mail(&entry(note)).replace("=\r\n", "");
    assert!(said.contains("web1 itself refused the restart"), "{said}");
    assert!(!said.contains("too soon"), "{said}");
}

/// What a mail tells a person to type must exist.
#[test]
fn every_command_in_a_mail_is_one_of_this_version() {
    for note in entries::all() {
        let said = mail(&entry(note));
        for absent in ["probe init", "probe replay"] {
            assert!(!said.contains(absent), "{absent}: {said}");
        }
    }
}
