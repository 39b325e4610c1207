//! Who is told what, and when.
//!
//! This room runs last in a decision: it handles what happened in the two rooms before it ([`handle`]), then does what
//! the passing of time brings about ([`move_on`]). What it writes into the outbox becomes durable together with what it
//! tells.
//!
//! | file | decides |
//! |---|---|
//! | `incidents` | which events of an incident people are told of |
//! | `message` | what a message of an incident says, and when the first one leaves |
//! | `thread` | which sites of a host are told of together |
//! | `flap`, `flapping` | which sites flap, so that people are not told of each outage; what they are told instead |
//! | `reminders` | who is reminded of an outage that lasts, and when |
//! | `unjudged` | what is told of sites that cannot be judged |
//! | `certificates` | which certificates people are warned of, once per step |
//! | `report` | the weekly report: when it is due, and what it says |
//! | `heartbeat` | whether an outside watcher is told that we live |
//! | `outbox` | what waits to be sent, in which order, and what became of it |
//! | `pace` | how many mails one recipient gets |
//! | `digest` | which messages one digest replaces |
//! | `retry` | when a message that was not taken is tried again, and when it is given up |

pub(in crate::policy) mod certificates;
mod digest;
mod flap;
mod flapping;
pub(in crate::policy) mod heartbeat;
mod incidents;
mod message;
pub(in crate::policy) mod outbox;
mod pace;
mod reminders;
pub(in crate::policy) mod report;
mod retry;
mod thread;
mod unjudged;

use crate::model::{
    AttemptId, EntryId, EventKind, Fleet, Happened, HostName, ProfileName, Remark, Settings,
    Timestamp,
};

use super::draft::Draft;

/// Handles what happened since the last call.
pub(in crate::policy) fn handle(draft: &mut Draft<'_>) {
    let mut happened = std::mem::take(&mut draft.happened);
    for one in happened.iter().skip(draft.handled.by_telling) {
        match one {
            Happened::Judged { profile, well, .. } => {
                if *well == Some(true) {
                    report::answered(draft, profile);
                }
                thread::probed(draft, profile);
                certificates::probed(draft, profile);
            }
            Happened::Opened { profile, .. } => incidents::opened(draft, profile),
            Happened::Closed {
                profile, attempts, ..
            } => incidents::closed(draft, profile, attempts),
            Happened::RestartBegan { host, .. } => {
                report::restarted(draft, host);
                incidents::begun(draft, host);
            }
            Happened::RestartEnded { host, attempt, .. } => {
                if !attempt.touched_host() {
                    report::undone(draft, host, attempt.began);
                }
                incidents::restarted(draft, host, attempt);
            }
            Happened::Held {
                host, hold, lasts, ..
            } if *lasts || hold.is_told() => incidents::held(draft, host, hold),
            Happened::GaveUp { host, reason } => incidents::gave_up(draft, host, reason),
            Happened::NetworkBack { since, blinded } => {
                report::seeing(draft, *since);
                if *blinded {
                    blind(draft, *since);
                }
            }
            Happened::JudgedAgain {
                profile,
                since,
                told,
                failed,
            } => unjudged::over(draft, profile, *since, told.clone(), *failed),
            Happened::Held { .. }
            | Happened::Skipped { .. }
            | Happened::Changed { .. }
            | Happened::Diagnosed { .. }
            | Happened::Merged { .. }
            | Happened::Rearmed { .. }
            | Happened::Queued { .. }
            | Happened::Delivered { .. }
            | Happened::NetworkDown { .. }
            | Happened::Unjudged { .. }
            | Happened::Damaged { .. }
            | Happened::Heartbeat { .. }
            | Happened::Unrecorded
            | Happened::Recorded => {}
        }
    }
    // It need not handle what it adds itself.
    happened.append(&mut draft.happened);
    draft.handled.by_telling = happened.len();
    draft.happened = happened;
}

/// Announces what was opened, reminds of what is still open, and sends what is due.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    unjudged::move_on(draft);
    certificates::move_on(draft);
    report::move_on(draft);
    flapping::calm(draft);
    message::announce_opened(draft);
    message::tell_news(draft);
    reminders::remind(draft);
    outbox::move_on(draft);
}

/// Tells that our own network was down since then and something could not be judged.
fn blind(draft: &mut Draft<'_>, since: Timestamp) {
    let mut told = draft.blank(EventKind::Blind);
    told.since = Some(draft.wall(since));
    told.until = Some(draft.wall(draft.now));
    told.remark = Some(Remark::Finding(draft.fleet.core.network.detail.clone()));
    outbox::queue(draft, &told);
}

/// A profile is no longer watched: ends what people were told of it besides its incident.
pub(in crate::policy) fn abandon(draft: &mut Draft<'_>, name: &ProfileName) {
    flapping::abandon(draft, name);
    let known = draft.fleet.profiles.get(name);
    if known.is_some_and(|track| track.unjudged.is_some())
        && let Some(known) = draft.fleet.profile_mut(name).unjudged.take()
    {
        unjudged::over(draft, name, known.since, known.told, false);
    }
}

/// Orders were not carried out: messages that did not leave, and restarts that did not begin.
pub(in crate::policy) fn taken_back(
    draft: &mut Draft<'_>,
    entries: &[EntryId],
    attempts: &[(HostName, AttemptId)],
) {
    for entry in entries {
        outbox::taken_back(draft, *entry);
    }
    for (host, attempt) in attempts {
        let track = draft.fleet.hosts.get(host);
        let last = track.and_then(|track| track.last.as_ref());
        if let Some(began) = last
            .filter(|last| last.id == *attempt)
            .map(|last| last.began)
        {
            report::undone(draft, host, began);
        }
        outbox::unsay_restart(draft, host);
    }
}

/// When something is to be told although nothing happens.
pub(in crate::policy) fn wakeup(settings: &Settings, fleet: &Fleet) -> Option<Timestamp> {
    let told = fleet.index.told.first().map(|(told, _)| *told);
    let reminder = settings
        .reminder_interval()
        .zip(told)
        .map(|(interval, told)| told + interval);
    let all = [
        outbox::wakeup(settings, fleet),
        reminder,
        message::wakeup(fleet),
        flap::wakeup(fleet),
        certificates::wakeup(fleet),
        heartbeat::wakeup(settings, fleet),
        report::wakeup(fleet),
    ];
    all.into_iter().flatten().min()
}
