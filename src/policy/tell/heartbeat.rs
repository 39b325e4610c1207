//! The heartbeat to an outside watcher: at most once each `every`, and only while probe does its work.
//!
//! Silence is the alarm. No heartbeat leaves while
//!
//! - the state cannot be written or used (a heartbeat waits for its commit, like every act);
//! - a message has waited for [`limits::HEART_PATIENCE`], or one that was queued within that time was refused for good;
//! - a probe is overdue by [`limits::HEART_LATE`];
//! - a site has not been judged for [`limits::HEART_UNJUDGED`] and people were told, or no canary has answered for as
//!   long.
//!
//! A loop that stands still decides nothing, so it sends none either.
//!
//! A daemon sends its first heartbeat after [`limits::HEART_WARM`], or after `every` if that is shorter, so a daemon
//! that dies soon after every start sends none. A cycle of `probe once` sends one at its end. `probe once NAME` sends
//! none: a person at a terminal is no sign that cron works.

use crate::model::{
    Effect, Entry, Fleet, Happened, Heart, Settings, Silence, Start, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::site::canary;

/// A run begins.
pub(in crate::policy) fn start(draft: &mut Draft<'_>, start: &Start) {
    let Some(every) = draft.settings.heartbeat.as_ref().map(|beat| beat.every) else {
        draft.fleet.core.heart = Heart::default();
        return;
    };
    let heart = &mut draft.fleet.core.heart;
    match start {
        Start::Daemon => heart.from = Some(draft.now + limits::HEART_WARM.min(every)),
        Start::Due | Start::Named(_) => heart.from = None,
        // If it was just configured, the daemon has run for long enough.
        Start::Reload => drop(heart.from.get_or_insert(draft.now)),
    }
}

/// A cycle of `probe once` is complete.
pub(in crate::policy) fn completed(draft: &mut Draft<'_>) {
    let now = draft.now;
    draft.fleet.core.heart.from.get_or_insert(now);
}

/// Sends a heartbeat if one is due and nothing forbids it; else remembers why not.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    if next(draft.settings, &draft.fleet).is_none_or(|at| at > draft.now) {
        return;
    }
    match complaint(draft) {
        None => {
            draft.fleet.core.heart.left = Some(draft.now);
            draft.effects.push(Effect::Beat);
            draft.durable = true;
            if matches!(&draft.fleet.core.heart.silence, Some(silence) if silence.is_kept()) {
                remark(draft, None);
            }
        }
        silence => remark(draft, silence),
    }
}

/// A heartbeat was sent.
pub(in crate::policy) fn beaten(draft: &mut Draft<'_>, heard: Result<(), String>) {
    let kept = draft.fleet.core.heart.silence.as_ref();
    if kept.is_some_and(Silence::is_kept) {
        return;
    }
    let reason = heard.err();
    remark(draft, reason.map(|reason| Silence::Unheard { reason }));
}

fn remark(draft: &mut Draft<'_>, silence: Option<Silence>) {
    let heart = &mut draft.fleet.core.heart;
    if heart.silence != silence {
        heart.silence.clone_from(&silence);
        draft.durable |= !draft.fleet.unwritable;
        draft.happened.push(Happened::Heartbeat { silence });
    }
}

/// When the next one is due.
fn next(settings: &Settings, fleet: &Fleet) -> Option<Timestamp> {
    let every = settings.heartbeat.as_ref()?.every;
    let heart = &fleet.core.heart;
    let from = heart.from?;
    Some(heart.left.map_or(from, |left| from.max(left + every)))
}

/// When to be asked again. While no heartbeat may leave, an event ends that.
pub(in crate::policy) fn wakeup(settings: &Settings, fleet: &Fleet) -> Option<Timestamp> {
    next(settings, fleet).filter(|at| *at > fleet.now())
}

fn complaint(draft: &Draft<'_>) -> Option<Silence> {
    if draft.fleet.may_forget() {
        return Some(Silence::StateUnwritable);
    }
    let old = |entry: &&Entry| draft.now.since(entry.queued) >= limits::HEART_PATIENCE;
    let waits = |entry: &&Entry| !entry.is_dead() && draft.settings.reaches(entry);
    let mut entries = draft.fleet.outbox.values();
    if let Some(entry) = entries.clone().find(|entry| waits(entry) && old(entry)) {
        return Some(Silence::Stuck {
            to: entry.to.clone(),
            since: draft.wall(entry.queued),
        });
    }
    if let Some(entry) = entries.rfind(|entry| entry.is_dead() && !old(entry)) {
        return Some(Silence::Refused {
            to: entry.to.clone(),
        });
    }
    let overdue = draft.fleet.agenda.first();
    let late = |due: &&(Timestamp, _)| draft.now.since(due.0) >= limits::HEART_LATE;
    if let Some((due, _)) = overdue.filter(late) {
        return Some(Silence::Late {
            since: draft.wall(*due),
        });
    }
    let blank = |since: Timestamp| draft.now.since(since) >= limits::HEART_UNJUDGED;
    if let Some((since, profile)) = draft.fleet.index.blanks.first()
        && blank(*since)
    {
        return Some(Silence::Unjudged {
            profile: profile.clone(),
            since: draft.wall(*since),
        });
    }
    let down = draft.fleet.core.network.down_since;
    let down = down.filter(|since| canary::is_down(draft) && blank(*since));
    down.map(|since| Silence::Blind {
        since: draft.wall(since),
    })
}
