//! The last line: everything in one sentence.

use std::collections::BTreeSet;

use super::Layout;
use super::ink::{Ink, Line};
use crate::model::{CheckResult, Fleet, ProfileName, ProfileState, ProfileTrack, RecoveryOutcome};
use crate::render::record::{Action, Record, Told, Went};
use crate::render::report::state_of_check;
use crate::render::text::{plural, times};

const BETWEEN: &str = " · ";

/// Of a run: `3 up, 1 down · web1 restarted once · 2 mails sent`.
pub(super) fn run(
    fleet: &Fleet,
    selection: &BTreeSet<ProfileName>,
    record: &Record,
    look: Layout,
) -> Line {
    let mut line = states(selection.iter().map(|name| state(fleet, name)));
    for part in hosts(record.actions(), look.dry_run) {
        line.push(Ink::Dim, BETWEEN);
        line.push(Ink::Plain, &part);
    }
    let told: Vec<&Told> = record.told().collect();
    if !look.dry_run {
        mails(&mut line, &told);
        unheard(&mut line, fleet);
    } else {
        line.push(Ink::Dim, BETWEEN);
        line.push(Ink::Warn, "dry run: nothing was written, sent or restarted");
    }
    line
}

/// Of `status`.
pub(super) fn standing(fleet: &Fleet, selection: &BTreeSet<ProfileName>, outbox: &[Told]) -> Line {
    let mut line = states(selection.iter().map(|name| state(fleet, name)));
    mails(&mut line, &outbox.iter().collect::<Vec<_>>());
    unheard(&mut line, fleet);
    line
}

/// Of URLs.
pub(super) fn urls(checks: &[CheckResult]) -> Line {
    states(checks.iter().map(state_of_check))
}

fn state(fleet: &Fleet, name: &ProfileName) -> ProfileState {
    let track = fleet.profiles.get(name);
    track.map_or(ProfileState::Unknown, ProfileTrack::state)
}

fn states(states: impl Iterator<Item = ProfileState>) -> Line {
    let order = [
        (ProfileState::Up, Ink::Good),
        (ProfileState::Degraded, Ink::Warn),
        (ProfileState::Failing, Ink::Bad),
        (ProfileState::Down, Ink::Bad),
        (ProfileState::Unknown, Ink::Unsure),
    ];
    let all: Vec<ProfileState> = states.collect();
    let mut line = Line::default();
    for (state, ink) in order {
        let count = all.iter().filter(|one| **one == state).count();
        if count > 0 {
            if !line.is_empty() {
                line.push(Ink::Plain, ", ");
            }
            line.push(ink, &format!("{count} {}", state.word()));
        }
    }
    if line.is_empty() {
        line.push(Ink::Dim, "no profiles");
    }
    line
}

/// `web1 restarted once`, `web2 not restarted (budget)`: what was refused is said only where nothing was done.
fn hosts(actions: &[Action], dry_run: bool) -> Vec<String> {
    let hosts: BTreeSet<&str> = actions.iter().map(|action| action.host.as_str()).collect();
    hosts
        .into_iter()
        .map(|host| {
            let own = || actions.iter().filter(|action| action.host.as_str() == host);
            let succeeded = own()
                .filter(|a| a.outcome == RecoveryOutcome::Succeeded)
                .count();
            let ran = own()
                .filter(|a| !a.is_held() && a.outcome.touched_host())
                .count();
            let tried = own().filter(|a| !a.is_held()).count();
            let held = own().rev().find_map(|action| action.held_for.clone());
            match (succeeded, ran - succeeded, held) {
                _ if dry_run && tried > 0 => format!("{host} would be restarted"),
                (0, 0, _) if tried > 0 => format!("{host} not restarted (no way in)"),
                (0, 0, reason) => format!(
                    "{host} not restarted ({})",
                    reason.as_deref().unwrap_or("held")
                ),
                (0, 1, _) => format!("restart of {host} failed"),
                (0, failed, _) => format!("restart of {host} failed {}", times(failed)),
                (done, 0, _) => format!("{host} restarted {}", times(done)),
                (done, failed, _) => format!("{host} restarted {}, {failed} failed", times(done)),
            }
        })
        .collect()
}

fn mails(line: &mut Line, told: &[&Told]) {
    let words = [
        (Went::Sent, Ink::Plain, "sent"),
        (Went::Queued, Ink::Warn, "queued"),
        (Went::Rejected, Ink::Bad, "REJECTED"),
    ];
    for (went, ink, word) in words {
        let count = told.iter().filter(|one| one.delivery == went).count();
        if count > 0 {
            line.push(Ink::Dim, BETWEEN);
            line.push(ink, &format!("{} {word}", plural(count, "mail")));
        }
    }
}

/// `alerts cannot be delivered to ops@example.com`: whoever had a message refused for good and got none since.
fn unheard(line: &mut Line, fleet: &Fleet) {
    let entries = fleet.outbox.values().filter(|entry| entry.is_unheard());
    let to: BTreeSet<&str> = entries.map(|entry| entry.to.as_str()).collect();
    let Some(first) = to.first() else { return };
    let more = match to.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    line.push(Ink::Dim, BETWEEN);
    line.push(
        Ink::Bad,
        &format!("alerts cannot be delivered to {first}{more}"),
    );
}
