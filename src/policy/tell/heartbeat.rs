//! Telling an outside watcher that we live: at most once each `every`, and only while we do what we are for.
//!
//! Silence is the alarm. No heartbeat leaves while the state cannot be written or used (a beat waits for its commit, like every
//! act), while a message has waited for [`limits::HEART_PATIENCE`], for that long after one was refused for good, while
//! probes are overdue by [`limits::HEART_LATE`], while a site has not been judged for [`limits::HEART_UNJUDGED`] and that was
//! told, and while no canary has answered for so long. A loop that stands still decides nothing, and so sends none.
//!
//! A daemon speaks when it has run for [`limits::HEART_WARM`], or for `every` where that is shorter, so that one that
//! dies soon after every start is not heard. A cycle of `probe once` speaks at its end; one for named profiles does not:
//! a person at a terminal is no sign that cron lives.

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
        // Where it was just written into the configuration, the daemon has run for long.
        Start::Reload => drop(heart.from.get_or_insert(draft.now)),
    }
}

/// A cycle is complete.
pub(in crate::policy) fn completed(draft: &mut Draft<'_>) {
    let now = draft.now;
    draft.fleet.core.heart.from.get_or_insert(now);
}

/// Speaks when it is time and all is as it should be.
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

/// The watcher was told.
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

/// When to be asked again; while it is kept back, whatever ends that is an event.
pub(in crate::policy) fn wakeup(settings: &Settings, fleet: &Fleet) -> Option<Timestamp> {
    next(settings, fleet).filter(|at| *at > fleet.now())
}

fn complaint(draft: &Draft<'_>) -> Option<Silence> {
    if draft.fleet.may_forget() {
        return Some(Silence::StateUnwritable);
    }
    let old = |entry: &&Entry| draft.now.since(entry.queued) >= limits::HEART_PATIENCE;
    let waits = |entry: &&Entry| !entry.is_dead() && draft.settings.speaks(entry.channel);
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
