//! S12, S14, S15, S16, S23, S34: what people were told, and on what proof.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use probe::model::{
    Blame, Channel, Entry, EntryId, EventKind, Happened, HostName, IncidentId, Notification,
    ProfileName, limits,
};

use super::super::world::Fact;
use super::Course;

const HOUR: i64 = 3_600_000;

impl Course<'_> {
    /// Nobody is warned twice of one certificate and step.
    pub(super) fn no_warning_twice(&self) {
        let mut entries = BTreeSet::new();
        let mut told: BTreeMap<_, usize> = BTreeMap::new();
        // What is watched anew is warned of anew.
        let mut anew = 0;
        for (t, fact) in &self.facts {
            anew += usize::from(matches!(fact, Fact::Added(..)));
            let Fact::Mailed { entry, .. } = fact else {
                continue;
            };
            if !entries.insert(entry.id) {
                continue; // a retry of the same message
            }
            for ending in &entry.notification.certificates {
                let warning = (ending.fingerprint.clone(), ending.step, entry.to.clone());
                let times = told.entry(warning).or_default();
                *times += 1;
                if *times > 1 + anew {
                    self.fail(*t, "a certificate's step was told twice");
                }
            }
        }
    }

    pub(super) fn s12_pairing_s14_identity_s15_duplicates(&self) {
        let mut first: BTreeMap<EntryId, &probe::model::Entry> = BTreeMap::new();
        // Place in the thread, event, and whether it tells the whole story.
        type Messages = Vec<(u32, EventKind, bool)>;
        let mut told: BTreeMap<(IncidentId, String), Messages> = BTreeMap::new();
        let (mut again, mut excuses) = (0, 0);
        for (t, fact) in &self.facts {
            match fact {
                // At most so many were in transit.
                Fact::Crashed | Fact::Ended { written: false } => excuses += 4,
                Fact::Mailed { entry, taken: true } => {
                    if let Some(known) = first.get(&entry.id) {
                        again += 1;
                        if (&known.notification, &known.to, &known.from)
                            != (&entry.notification, &entry.to, &entry.from)
                        {
                            self.fail(*t, "S14 identity: a repeated message differs");
                        }
                        continue;
                    }
                    first.insert(entry.id, entry);
                    for n in entry.notification.told() {
                        if let Some(incident) = &n.incident {
                            told.entry((incident.clone(), entry.to.clone()))
                                .or_default()
                                .push((n.sequence, n.event, n.story));
                        }
                    }
                }
                _ => {}
            }
        }
        let unclear = self.facts.iter().filter(|(_, fact)| {
            matches!(
                fact,
                Fact::Noted(Happened::Delivered {
                    delivery: probe::model::Delivery::Unclear { .. },
                    ..
                })
            )
        });
        excuses += unclear.count();
        if again > excuses {
            self.fail(
                self.world.t,
                &format!("S15 duplicates: {again}, excused {excuses}"),
            );
        }
        for ((incident, _), events) in told {
            let order: Vec<u32> = events.iter().map(|(sequence, ..)| *sequence).collect();
            let kinds: Vec<EventKind> = events.iter().map(|(_, event, _)| *event).collect();
            if let [(_, event, true)] = &*events {
                if !is_end(*event) {
                    self.fail(self.world.t, &format!("S12: half a story: {incident}"));
                }
                continue; // all of it in one mail, in place of those that could not leave
            }
            // What was not told before the end and is told by it leaves a gap.
            let whole = order.first() == Some(&0) && order.is_sorted_by(|a, b| a < b);
            let count =
                |wanted: &[EventKind]| kinds.iter().filter(|event| wanted.contains(event)).count();
            let last_is_end = kinds
                .iter()
                .rposition(|event| is_end(*event))
                .is_none_or(|at| at + 1 == kinds.len());
            let first = [EventKind::Down, EventKind::Flapping, EventKind::Unjudged];
            let paired = kinds.first().is_some_and(|event| first.contains(event))
                && count(&first) == 1
                && events.iter().all(|(.., story)| !story)
                && count(&[EventKind::GaveUp]) <= 1
                && count(&[EventKind::Up, EventKind::Back, EventKind::Closed]) <= 1
                && (count(&[EventKind::Back]) == 0 || count(&[EventKind::GaveUp]) == 1)
                && (count(&[EventKind::Up]) == 0 || count(&[EventKind::GaveUp]) == 0);
            if !whole || !paired || !last_is_end {
                self.fail(
                    self.world.t,
                    &format!("S12 pairing: {incident}: {events:?}"),
                );
            }
        }
    }

    /// S34: a digest holds nothing of a thread of which a mail of its own told, and where somebody knows that a site is down the end
    /// of it is tried before any newer thread.
    pub(super) fn s34_threads(&self) {
        let mut told: BTreeMap<(&str, &IncidentId), i64> = BTreeMap::new();
        let mut tried: BTreeMap<EntryId, (i64, &Entry)> = BTreeMap::new();
        let mut last: BTreeMap<EntryId, i64> = BTreeMap::new();
        let mut leaves: BTreeMap<EntryId, i64> = BTreeMap::new();
        for (t, fact) in &self.facts {
            let (entry, is_taken) = match fact {
                Fact::Leaves(id) => {
                    leaves.insert(*id, *t);
                    continue;
                }
                Fact::Mailed { entry, taken } if entry.channel == Channel::Mail => (entry, taken),
                _ => continue,
            };
            // A relay takes its time: what counts is when each was sent.
            tried.entry(entry.id).or_insert((leaves[&entry.id], entry));
            last.insert(entry.id, *t);
            let message = &entry.notification;
            for item in message
                .items
                .iter()
                .filter_map(|item| item.incident.as_ref())
            {
                if told.contains_key(&(entry.to.as_str(), item)) {
                    let what = format!("S34: a digest holds {item}, of which a mail told");
                    self.fail(*t, &what);
                }
            }
            if !is_taken {
                continue;
            }
            if let Some(thread) = &message.incident {
                told.entry((&entry.to, thread)).or_insert(*t);
            }
        }
        let mut threads: BTreeMap<(&str, &IncidentId), Vec<EntryId>> = BTreeMap::new();
        for (id, (_, entry)) in &tried {
            if let Some(thread) = &entry.notification.incident {
                threads.entry((&entry.to, thread)).or_default().push(*id);
            }
        }
        let begins = |note: &Notification| note.incident.is_none() || note.sequence == 0;
        for (id, (left, end)) in &tried {
            let Some(thread) = &end.notification.incident else {
                continue;
            };
            let key = (end.to.as_str(), thread);
            let is_first_try = end.tries == 1;
            if !is_end(end.notification.event) || !is_first_try || end.notification.story {
                continue;
            }
            let newer = tried.range(EntryId(id.0 + 1)..).find(|(_, (at, other))| {
                let before = threads[&key].iter().filter(|before| *before < id);
                // One that may have arrived is repeated at its own time, and the end comes after it.
                let free = before.map(|before| last[before]).all(|last| last < *at);
                let known = told.get(&key).is_some_and(|told| told < at);
                let newer = other.to == end.to && begins(&other.notification) && at < left;
                newer && free && known
            });
            if let Some((_, (at, other))) = newer {
                let what = format!(
                    "S34: {:?} left before the end of {thread}",
                    other.notification
                );
                self.fail(*at, &what);
            }
        }
    }

    /// S34: once all mail has left, each `down` that somebody got has its one end in the same thread, and after `gave_up` one more.
    pub(super) fn s34_ends(&self) {
        let mut known = BTreeSet::new();
        let mut threads: BTreeMap<(&str, &IncidentId), Vec<EventKind>> = BTreeMap::new();
        for (_, fact) in &self.facts {
            if let Fact::Mailed { entry, taken: true } = fact
                && let Some(thread) = &entry.notification.incident
                && known.insert(entry.id)
            {
                let events = threads.entry((&entry.to, thread)).or_default();
                events.push(entry.notification.event);
            }
        }
        for ((to, thread), events) in threads {
            if !matches!(
                events.first(),
                Some(EventKind::Down | EventKind::Flapping | EventKind::Unjudged)
            ) {
                continue;
            }
            let ends = events
                .iter()
                .filter(|event| is_end(**event) || **event == EventKind::GaveUp);
            let ends: Vec<EventKind> = ends.copied().collect();
            use EventKind::{Back, Closed, GaveUp, Up};
            let whole = matches!(ends[..], [Up | Closed] | [GaveUp, Back | Closed]);
            if !whole {
                let what = format!("S34: {thread} told to {to} ends with {ends:?}");
                self.fail(self.world.t, &what);
            }
        }
    }

    /// S34: each restart that touched a host stands in some message that left, also while a site flaps.
    pub(super) fn s34_restarts(&self) {
        let mut told = BTreeSet::new();
        for (_, fact) in &self.facts {
            if let Fact::Mailed { entry, taken: true } = fact {
                let messages = entry.notification.told();
                let attempts = messages.flat_map(|told| &told.attempts);
                told.extend(attempts.map(|attempt| attempt.id));
            }
        }
        for attempt in &self.attempts {
            if let Some((t, outcome)) = attempt.ended
                && outcome.touched_host()
                && !told.contains(&attempt.id)
            {
                let what = format!("S34: nobody heard of the restart {}", attempt.id);
                self.fail(t, &what);
            }
        }
    }

    /// Nobody gets more mails in an hour than [`limits::MAILS_PER_HOUR`], and those are 20; the ends of what somebody was told of
    /// come beside them, and what is repeated because nobody heard that it was taken.
    pub(super) fn s16_storm(&self) {
        assert_eq!(limits::MAILS_PER_HOUR, 20);
        let mut lately: BTreeMap<&str, VecDeque<i64>> = BTreeMap::new();
        let mut threads: BTreeSet<(&str, &IncidentId)> = BTreeSet::new();
        let mut known = BTreeSet::new();
        for (t, fact) in &self.facts {
            let Fact::Mailed { entry, taken: true } = fact else {
                continue;
            };
            if entry.channel != Channel::Mail {
                continue;
            }
            let note = &entry.notification;
            let again = !known.insert(entry.id);
            let told = note.incident.as_ref();
            let told = told.is_some_and(|thread| !threads.insert((&entry.to, thread)));
            let answers = is_end(note.event) || note.event == EventKind::GaveUp;
            if again || (told && answers) {
                continue;
            }
            let times = lately.entry(&entry.to).or_default();
            times.push_back(*t);
            while times.front().is_some_and(|first| t - first >= HOUR) {
                times.pop_front();
            }
            // What a relay took although we never heard so is repeated, and counts once more.
            let excused = self
                .facts
                .iter()
                .filter(|(at, fact)| t - at < HOUR && at <= t && matches!(fact, Fact::Crashed));
            if times.len() > limits::MAILS_PER_HOUR + 4 * excused.count() {
                self.fail(*t, &format!("S16 storm: {} mails in an hour", times.len()));
            }
        }
    }

    /// Of every incident that is over some message told that its site was down: in its own name or beside others. By true
    /// time: the wall clock may have jumped since.
    pub(super) fn s12_every_incident_is_named(&self) {
        let (mut opened, mut closed) = (BTreeMap::new(), BTreeMap::new());
        let mut mailed: Vec<(i64, &Notification)> = Vec::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Noted(Happened::Opened { incident, .. }) => {
                    opened.entry(incident).or_insert(*t);
                }
                Fact::Closed(incident, profile) => _ = closed.insert(incident, (*t, profile)),
                Fact::Mailed { entry, taken: true } => mailed.push((*t, &entry.notification)),
                _ => {}
            }
        }
        for (incident, (t, profile)) in closed {
            // It may have been named as failing before it was down.
            let since = opened.get(incident).map_or(t, |opened| opened - FAILING);
            let from = mailed.partition_point(|(at, _)| *at < since);
            let mut told = mailed.iter().skip(from);
            let host = self.world.settings.profiles.get(profile);
            let host = host.and_then(|profile| profile.host.as_ref());
            let named = told.any(|(_, told)| names(told, profile, host));
            if !named && !self.is_said_to_flap(&mailed, profile, t) {
                self.fail(
                    t,
                    &format!("S12: nobody heard of the incident of {profile}"),
                );
            }
        }
    }

    /// That a site flaps is said once; until it is calm, or the others of its host that were named with it, single times
    /// are not told.
    fn is_said_to_flap(&self, mailed: &[(i64, &Notification)], of: &ProfileName, t: i64) -> bool {
        let said = mailed.iter().rfind(|(at, message)| {
            let flaps = |told: &Notification| told.flaps.is_some() && names(told, of, None);
            *at <= t && message.told().any(flaps)
        });
        let Some((said, _)) = said else { return false };
        let profiles = &self.world.settings.profiles;
        let host = |name: &ProfileName| profiles.get(name).and_then(|site| site.host.as_ref());
        let with =
            |name: &ProfileName| name == of || (host(of).is_some() && host(name) == host(of));
        let mut last = *said;
        for (at, fact) in self.between(*said, t) {
            match fact {
                Fact::Noted(
                    Happened::Opened { profile, .. } | Happened::Closed { profile, .. },
                ) if with(profile) => {}
                _ => continue,
            }
            if at - last > FLAPPING {
                return false;
            }
            last = *at;
        }
        true
    }

    pub(super) fn s23_proof(&self) {
        let mut away: BTreeSet<&ProfileName> = BTreeSet::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Removed(_, names) => away.extend(names),
                Fact::Added(_, names) => away.retain(|name| !names.contains(name)),
                _ => {}
            }
            let Fact::Noted(Happened::Closed { profile, .. }) = fact else {
                continue;
            };
            if away.contains(profile)
                || !self.world.settings.profiles.contains_key(profile)
                || self.label.starts_with("removed")
            {
                continue; // closed because it is no longer watched
            }
            let seen = self.between(*t, *t).iter().any(|(_, fact)| match fact {
                Fact::Arrived {
                    profile: name,
                    cause,
                } => name == profile && cause.is_none_or(|cause| cause.blame() == Blame::Nobody),
                _ => false,
            });
            if !seen {
                self.fail(*t, &format!("S23 proof: the incident of {profile} was closed by something else than a probe"));
            }
        }
    }
}

/// The longest time from the first failure to an incident.
const FAILING: i64 = 15 * 60_000;

/// The longest time for which a word of flapping holds without another turn.
const FLAPPING: i64 = limits::FLAP_CALM.as_millis() as i64;

/// Whether a message names this site, or says of its host that its sites flap: then the single times are not told.
fn names(message: &Notification, profile: &ProfileName, host: Option<&HostName>) -> bool {
    message.told().any(|told| {
        let own = told.profile.as_ref() == Some(profile);
        let beside = told.sites.iter().any(|site| site.profile == *profile);
        let flaps = told.flaps.is_some() && host.is_some() && told.host.as_ref() == host;
        own || beside || flaps
    })
}

pub(super) const fn is_end(event: EventKind) -> bool {
    matches!(event, EventKind::Up | EventKind::Back | EventKind::Closed)
}
