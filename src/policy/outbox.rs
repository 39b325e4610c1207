//! What people must hear.
//!
//! A notification becomes one entry for each recipient, be it a mailbox or the command that people named, in the same decision, and so in the same transaction, as what it
//! tells. Entries of one incident to one recipient leave in the order of events: the next waits until the one before was
//! taken or is a dead letter. A try is durable before it is made. An entry that nobody took is tried again after 30 s,
//! doubling to 15 min, for five days.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{
    Attempt, Channel, Delivery, Effect, Entry, EntryId, EventKind, Fleet, Glimpse, Hold, HostName,
    IncidentId, Next, Note, Notification, ProfileName, Settings, Stage, Timestamp, limits,
};

use super::draft::Draft;
use super::judge::seen;
use super::{lesson, reminders};

/// A notification that says nothing yet.
pub(super) fn blank(draft: &Draft<'_>, event: EventKind) -> Notification {
    Notification::blank(event, draft.wall(draft.now))
}

/// Tells people of a profile's incident.
pub(super) fn tell(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    event: EventKind,
    next: Next,
    remark: Option<String>,
) {
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    let Some(incident) = &track.incident else {
        return;
    };
    let profile = draft.settings.profiles.get(name);
    let host = profile.and_then(|profile| profile.host.clone());
    let over = matches!(event, EventKind::Up | EventKind::Back | EventKind::Closed);
    let mut told = blank(draft, event);
    told.incident = Some(incident.id.clone());
    told.sequence = incident.sequence;
    told.profile = Some(name.clone());
    told.ssh = host
        .as_ref()
        .and_then(|host| draft.settings.hosts.get(host))
        .map(|host| host.ssh.clone());
    told.lesson = host
        .as_ref()
        .and_then(|host| lesson::of(draft.fleet.hosts.get(host)?, draft.now));
    told.facts = host
        .as_ref()
        .and_then(|host| facts(draft, host, incident.since));
    told.host = host;
    told.slow = profile.and_then(|profile| profile.slow);
    told.since = Some(draft.wall(incident.since));
    told.opened = Some(draft.wall(incident.opened));
    told.until = over.then(|| draft.wall(draft.now));
    told.cause = Some(incident.cause);
    told.seen = if over { Vec::new() } else { seen(&track.last) };
    // A restart that begins now is what comes next, not what was done.
    let begins = matches!(next, Next::Restart { .. });
    let done = incident
        .attempts
        .iter()
        .filter(|attempt| !begins || attempt.ended.is_some());
    told.attempts = done.map(|attempt| on_wall(draft, attempt)).collect();
    told.next = match next {
        Next::Held(hold) => Next::Held(hold.shifted(|at| draft.wall(at))),
        Next::Restart { .. } | Next::Prove { .. } | Next::WatchOnly | Next::Nothing => next,
    };
    told.remark = remark;
    queue(draft, &told);
    let now = draft.now;
    if let Some(incident) = &mut draft.fleet.profile_mut(name).incident {
        incident.sequence += 1;
        incident.told = now;
    }
}

/// What a look at the host found in the course of this incident, or just before it.
fn facts(draft: &Draft<'_>, host: &HostName, since: Timestamp) -> Option<Box<Glimpse>> {
    let look = draft.fleet.hosts.get(host)?.look.as_ref()?;
    let facts = look.diagnosis.facts()?;
    (look.began + limits::LOOK_FRESH >= since).then(|| {
        Box::new(Glimpse {
            at: draft.wall(look.began),
            facts: facts.clone(),
        })
    })
}

/// An attempt with the times people's clocks showed.
pub(super) fn on_wall(draft: &Draft<'_>, attempt: &Attempt) -> Attempt {
    Attempt {
        began: draft.wall(attempt.began),
        ended: attempt.ended.map(|at| draft.wall(at)),
        ..attempt.clone()
    }
}

/// Queues a notification, one entry for each recipient.
pub(super) fn queue(draft: &mut Draft<'_>, notification: &Notification) {
    let mut listeners: Vec<(Channel, String)> = Vec::new();
    let email = draft.settings.email.clone();
    let to = email.iter().flat_map(|email| &email.to);
    listeners.extend(to.map(|to| (Channel::Mail, to.clone())));
    let program = draft.settings.command.iter().flat_map(|all| all.first());
    listeners.extend(program.map(|program| (Channel::Command, program.clone())));
    for (channel, to) in listeners {
        let id = draft.fleet.next_entry();
        draft.notes.push(Note::Queued {
            entry: id,
            event: notification.event,
            to: to.clone(),
        });
        draft.fleet.queue(Entry {
            id,
            notification: notification.clone(),
            from: email
                .as_ref()
                .map_or_else(String::new, |email| email.from.clone()),
            channel,
            to,
            queued: draft.now,
            tries: 0,
            due: draft.now,
            last: None,
        });
        draft.durable = true;
    }
}

/// The profile's host is being looked at, or a last question is being asked: in seconds it is known what comes next, and
/// only then it is worth telling. Whoever looks after holds brings the profile back as opened.
fn is_known_soon(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let host = draft.host_of(name);
    let track = host.and_then(|host| draft.fleet.hosts.get(&host));
    track
        .and_then(|track| track.hold.as_ref())
        .is_some_and(Hold::is_question)
}

/// Whether people have not heard of a profile's incident yet.
pub(super) fn is_untold(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let track = draft.fleet.profiles.get(name);
    track
        .and_then(|track| track.incident.as_ref())
        .is_some_and(|incident| incident.sequence == 0)
}

/// Tells people that a profile is down, if they have not heard: now it is known what comes next.
pub(super) fn announce(draft: &mut Draft<'_>, name: &ProfileName) {
    if is_untold(draft, name) {
        let next = next_for(draft, name);
        tell(draft, name, EventKind::Down, next, None);
    }
}

/// What comes next for a profile that is down.
pub(super) fn next_for(draft: &Draft<'_>, name: &ProfileName) -> Next {
    let host = draft
        .settings
        .profiles
        .get(name)
        .and_then(|profile| profile.host.as_ref());
    let Some((settings, track)) = host.and_then(|host| {
        draft
            .settings
            .hosts
            .get(host)
            .zip(draft.fleet.hosts.get(host))
    }) else {
        return Next::WatchOnly;
    };
    let attempt = track
        .last
        .as_ref()
        .filter(|_| track.acting && matches!(track.stage, Stage::Restarting { .. }));
    match (attempt, &track.hold) {
        (Some(attempt), _) => Next::Restart {
            command: attempt.command.clone(),
            number: attempt.number,
            of: settings.restart.give_up_after,
        },
        (None, Some(hold)) => Next::Held(hold.clone()),
        (None, None) => Next::Nothing,
    }
}

/// Announces what was opened, reminds of what is still open, and sends what is due.
pub(super) fn move_on(draft: &mut Draft<'_>) {
    for name in std::mem::take(&mut draft.opened) {
        if !is_known_soon(draft, &name) {
            announce(draft, &name);
        }
    }
    reminders::remind(draft);
    expire(draft);
    bury(draft);
    dispatch(draft);
}

/// What waits for a channel that is configured no more is given up when its time is over.
fn expire(draft: &mut Draft<'_>) {
    let (settings, now) = (draft.settings, draft.now);
    let entries = draft.fleet.outbox.values();
    let expired: Vec<EntryId> = entries
        .filter(|entry| !entry.is_dead() && !settings.speaks(entry.channel))
        .filter(|entry| now.since(entry.queued) >= limits::MAIL_EXPIRY)
        .map(|entry| entry.id)
        .collect();
    for id in expired {
        let key = draft.fleet.outbox.get(&id).map(|entry| entry.channel.key());
        let reason = format!("`{}` is not configured any more", key.unwrap_or_default());
        tried(draft, id, Delivery::Deferred { reason });
    }
}

/// Forgets dead letters that are old, or too many.
fn bury(draft: &mut Draft<'_>) {
    let dead: Vec<(EntryId, Timestamp)> = draft
        .fleet
        .outbox
        .values()
        .filter(|entry| entry.is_dead())
        .map(|entry| (entry.id, entry.queued))
        .collect();
    let surplus = dead.len().saturating_sub(limits::DEAD_LETTERS);
    let kept = limits::MAIL_EXPIRY + limits::DEAD_LETTER_MEMORY;
    for (place, (id, queued)) in dead.into_iter().enumerate() {
        if place < surplus || draft.now.since(queued) >= kept {
            draft.fleet.forget_entry(id);
        }
    }
}

/// Entries that may leave now or later: not dead, not in transit, over a channel that is configured, and nothing of the
/// same incident to the same recipient before them.
fn ready<'a>(settings: &'a Settings, fleet: &'a Fleet) -> impl Iterator<Item = &'a Entry> {
    let mut waiting: BTreeSet<(&IncidentId, (Channel, &str))> = BTreeSet::new();
    fleet.outbox.values().filter(move |entry| {
        let first = match &entry.notification.incident {
            Some(incident) if !entry.is_dead() => waiting.insert((incident, entry.listener())),
            Some(_) | None => true,
        };
        let leaves = !entry.is_dead() && settings.speaks(entry.channel);
        first && leaves && !fleet.in_transit.contains(&entry.id)
    })
}

fn dispatch(draft: &mut Draft<'_>) {
    if draft.fleet.outbox.is_empty() || draft.fleet.unwritable {
        return;
    }
    let free = limits::MAILS_IN_FLIGHT.saturating_sub(draft.fleet.in_transit.len());
    let due: Vec<EntryId> = ready(draft.settings, &draft.fleet)
        .filter(|entry| entry.due <= draft.now)
        .take(free)
        .map(|entry| entry.id)
        .collect();
    for id in due {
        // The try is written before it is made: where that cannot be done, neither could its end, and every later run
        // would send the message again.
        let now = draft.now;
        if let Some(entry) = draft.fleet.entry_mut(id) {
            entry.tries = entry.tries.saturating_add(1);
            entry.due = now + wait(entry.tries);
        }
        draft.durable = true;
        draft.fleet.in_transit.insert(id);
        draft.effects.push(Effect::Notify(id));
    }
}

/// A restart that was announced and not begun is no longer what comes next, in messages that have not left.
pub(super) fn unsay_restart(draft: &mut Draft<'_>, host: &HostName) {
    let announces = |entry: &Entry| {
        let next = matches!(entry.notification.next, Next::Restart { .. });
        next && entry.tries == 0 && entry.notification.host.as_ref() == Some(host)
    };
    let entries = draft.fleet.outbox.values();
    let ids: Vec<EntryId> = entries
        .filter(|entry| announces(entry))
        .map(|entry| entry.id)
        .collect();
    for id in ids {
        if let Some(entry) = draft.fleet.entry_mut(id) {
            entry.notification.next = Next::Held(Hold::StateUnwritable);
        }
    }
}

/// A try was not made.
pub(super) fn taken_back(draft: &mut Draft<'_>, id: EntryId) {
    draft.fleet.in_transit.remove(&id);
    let now = draft.now;
    if let Some(entry) = draft.fleet.entry_mut(id) {
        entry.tries = entry.tries.saturating_sub(1);
        entry.due = now;
    }
}

/// When the next message is due.
pub(super) fn wakeup(settings: &Settings, fleet: &Fleet) -> Option<Timestamp> {
    let free = fleet.in_transit.len() < limits::MAILS_IN_FLIGHT && !fleet.unwritable;
    let mail = if free && !fleet.outbox.is_empty() {
        ready(settings, fleet).map(|entry| entry.due).min()
    } else {
        None
    };
    let told = fleet.index.told.first().map(|(told, _)| *told);
    let reminder = settings
        .reminder_interval()
        .zip(told)
        .map(|(interval, told)| told + interval);
    [mail, reminder].into_iter().flatten().min()
}

/// A message could leave now.
pub(super) fn is_due(settings: &Settings, fleet: &Fleet) -> bool {
    !fleet.unwritable && ready(settings, fleet).any(|entry| entry.due <= fleet.now())
}

/// A message was tried.
pub(super) fn tried(draft: &mut Draft<'_>, id: EntryId, delivery: Delivery) {
    draft.fleet.in_transit.remove(&id);
    let now = draft.now;
    let Some(entry) = draft.fleet.entry_mut(id) else {
        return;
    };
    let (event, to) = (entry.notification.event, entry.to.clone());
    entry.due = now + wait(entry.tries);
    let expired = now.since(entry.queued) >= limits::MAIL_EXPIRY;
    let delivery = match delivery {
        Delivery::Deferred { reason } | Delivery::Unclear { reason } if expired => {
            Delivery::Rejected {
                reason: format!("given up after five days: {reason}"),
            }
        }
        Delivery::Sent { .. }
        | Delivery::Deferred { .. }
        | Delivery::Unclear { .. }
        | Delivery::Rejected { .. } => delivery,
    };
    entry.last = Some(delivery.clone());
    match &delivery {
        Delivery::Sent { .. } => {
            draft.fleet.forget_entry(id);
            draft.durable = true;
        }
        Delivery::Rejected { .. } => draft.durable = true,
        Delivery::Deferred { .. } | Delivery::Unclear { .. } => {}
    }
    draft.notes.push(Note::Delivered {
        entry: id,
        event,
        to,
        delivery,
    });
}

/// The wait after so many tries.
fn wait(tries: u32) -> Duration {
    let doubled = limits::MAIL_RETRY_FIRST
        .saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1).min(10)));
    doubled.min(limits::MAIL_RETRY_MAX)
}
