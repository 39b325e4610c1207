//! What the reader can do, with the commands to copy.

use crate::model::{EventKind, Hold, Next, Notification, limits};

use super::clean;
use super::ending;
use super::page::Item;

/// What the reader can do, with the commands.
pub(super) fn advice(note: &Notification) -> Vec<Item> {
    let mut items = Vec::new();
    match note.event {
        EventKind::Down | EventKind::Restarted | EventKind::Withheld | EventKind::Reminder => {
            if is_in_hand(note) {
                items.push(Item::Prose("Nothing has to be done yet. If you want to look yourself:".to_owned()));
            }
            items.extend(look(note));
            items.extend(brake(note));
        }
        EventKind::GaveUp => {
            items.extend(look(note));
            items.extend(resume(note));
        }
        EventKind::Up | EventKind::Back => {
            items.extend(now(note));
            items.extend(ssh(note, "If you want to know why it stopped:"));
            if waits_for_a_person(note) {
                items.extend(resume(note));
            }
        }
        EventKind::Closed => items.push(command("What is watched, and how it is:", "probe status".to_owned())),
        EventKind::Blind => items.extend([
            Item::Prose("Look at the network of the machine that runs probe, not at the sites.".to_owned()),
            command("What is up now:", "probe status".to_owned()),
        ]),
        EventKind::Damaged => items.extend([
            Item::Prose(
                "Look at the disk of the machine that runs probe: files get damaged by full or failing disks."
                    .to_owned(),
            ),
            command("What is up now, and what is held back:", "probe status".to_owned()),
        ]),
        EventKind::Certificate => items.extend(ending::advice()),
        EventKind::Test => {
            items.push(command("What is watched, and how it is:", "probe status".to_owned()));
        }
    }
    items
}

fn command(purpose: &str, line: String) -> Item {
    Item::Command {
        purpose: purpose.to_owned(),
        line,
    }
}

fn look(note: &Notification) -> Vec<Item> {
    let mut items: Vec<Item> = ssh(note, "Log in and look:").into_iter().collect();
    items.extend(now(note));
    items
}

fn now(note: &Notification) -> Option<Item> {
    let profile = note.profile.as_ref()?;
    Some(command("How it is now:", format!("probe status {profile}")))
}

/// Let go where a person holds it, hold it where probe acts.
fn brake(note: &Notification) -> Option<Item> {
    if waits_for_a_person(note) {
        resume(note)
    } else {
        pause(note)
    }
}

fn pause(note: &Notification) -> Option<Item> {
    let host = note.host.as_ref()?;
    Some(command(
        "Keep probe from restarting while you work:",
        format!("probe pause {host} --for 2h"),
    ))
}

fn resume(note: &Notification) -> Option<Item> {
    let host = note.host.as_ref()?;
    Some(command(
        "Let probe restart again, when you have looked:",
        format!("probe resume {host}"),
    ))
}

fn ssh(note: &Notification, purpose: &str) -> Option<Item> {
    let destination = clean::line(note.ssh.as_ref()?, limits::DETAIL_CHARS);
    let plain = destination
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "@._:/-[]%+".contains(c));
    let destination = if plain {
        destination
    } else {
        format!("'{}'", destination.replace('\'', "'\\''"))
    };
    Some(command(purpose, format!("ssh {destination}")))
}

/// Whether the reader may leave it to probe for now.
const fn is_in_hand(note: &Notification) -> bool {
    match &note.next {
        Next::Restart { .. } | Next::Prove { .. } => true,
        Next::Held(hold) => {
            hold.is_step() || matches!(hold, Hold::Backoff { .. } | Hold::FleetBusy { .. })
        }
        Next::WatchOnly | Next::Nothing => false,
    }
}

/// Whether restarts begin again only when a person says so.
const fn waits_for_a_person(note: &Notification) -> bool {
    matches!(
        &note.next,
        Next::Held(Hold::GaveUp { .. } | Hold::Paused { .. })
    )
}
