//! What the reader can do, with the commands to copy.

use minijinja::Value;

use crate::model::{EventKind, Hold, Next, Notification, limits};
use crate::render::words::{Block, Key, Voice, key};

use super::clean;
use super::page::Item;
use super::pieces::pieces;

/// What the reader can do: what the mail's own words say, then the commands.
pub(super) fn advice(voice: &Voice, note: &Notification, values: &Value) -> Vec<Item> {
    let own = voice.tell(pieces(note).advice, values.clone());
    let mut items: Vec<Item> = own.into_iter().map(item).collect();
    let command = |purpose: Key, line: String| Item::Command {
        purpose: voice.word(purpose),
        line,
    };
    let now = || {
        let profile = note.profile.as_ref()?;
        Some(command(
            key!(Advice, "status"),
            format!("probe status {profile}"),
        ))
    };
    let pause = || {
        let host = note.host.as_ref()?;
        Some(command(
            key!(Advice, "pause"),
            format!("probe pause {host} --for 2h"),
        ))
    };
    let resume = || {
        let host = note.host.as_ref()?;
        Some(command(
            key!(Advice, "resume"),
            format!("probe resume {host}"),
        ))
    };
    let ssh = |purpose: Key| Some(command(purpose, login(note.operator_ssh.as_ref()?)));
    let all = |purpose: Key| command(purpose, "probe status".to_owned());
    let approve = || {
        let host = note.host.as_ref()?;
        let proposed = matches!(note.next, Next::Held(Hold::Proposed { .. }));
        proposed.then(|| command(key!(Advice, "approve"), format!("probe approve {host}")))
    };
    match note.event {
        EventKind::Down
        | EventKind::Restarted
        | EventKind::Withheld
        | EventKind::Proposed
        | EventKind::Reminder => {
            items.extend(approve());
            items.extend(ssh(key!(Advice, "login")));
            items.extend(now());
            // Let go where a person holds it, hold it where probe acts.
            items.extend(if waits_for_a_person(note) {
                resume()
            } else {
                pause()
            });
        }
        EventKind::Flapping => {
            items.extend(ssh(key!(Advice, "login")));
            items.extend(now());
            items.extend(pause());
        }
        EventKind::GaveUp => {
            items.extend(ssh(key!(Advice, "login")));
            items.extend(now());
            items.extend(resume());
        }
        EventKind::Unjudged => {
            let profile = note.profile.as_ref();
            items.extend(profile.map(|profile| {
                let line = format!("probe once {profile} --dry-run");
                command(key!(Advice, "again"), line)
            }));
            items.extend(now());
        }
        EventKind::Up | EventKind::Closed if note.judged => items.extend(now()),
        EventKind::Up | EventKind::Back => {
            items.extend(now());
            items.extend(ssh(key!(Advice, "why")));
            items.extend(if waits_for_a_person(note) {
                resume()
            } else {
                None
            });
        }
        EventKind::Blind => items.push(all(key!(Advice, "up"))),
        EventKind::Damaged => items.push(all(key!(Advice, "held"))),
        EventKind::Certificate => items.push(all(key!(Advice, "status"))),
        EventKind::Digest => items.push(all(key!(Advice, "up"))),
        EventKind::Report => items.push(all(key!(Advice, "up"))),
        EventKind::Closed | EventKind::Test => items.push(all(key!(Advice, "watched"))),
    }
    items
}

fn item(block: Block) -> Item {
    match block {
        Block::Prose(text) => Item::Prose(text),
        Block::Command(line) => Item::Quote(vec![clean::output_line(&line, limits::DETAIL_CHARS)]),
    }
}

/// The command that logs in, safe to paste whatever the destination is.
fn login(destination: &str) -> String {
    let destination = clean::line(destination, limits::DETAIL_CHARS);
    let plain = destination
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "@._:/-[]%+".contains(c));
    if plain {
        format!("ssh {destination}")
    } else {
        format!("ssh '{}'", destination.replace('\'', "'\\''"))
    }
}

/// Whether the reader may leave it to probe for now.
pub(super) const fn is_in_hand(note: &Notification) -> bool {
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
