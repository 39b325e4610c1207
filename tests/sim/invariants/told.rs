//! S12, S14, S15, S23: what people were told, and on what proof.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use probe::model::{
    Blame, Channel, EntryId, EventKind, HostName, IncidentId, Note, Notification, ProfileName,
    limits,
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
                Fact::Crashed => excuses += 4, // at most so many were in transit
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
                Fact::Noted(Note::Delivered {
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
            let whole: Vec<u32> = (0..order.len() as u32).collect();
            let count =
                |wanted: &[EventKind]| kinds.iter().filter(|event| wanted.contains(event)).count();
            let last_is_end = kinds
                .iter()
                .rposition(|event| is_end(*event))
                .is_none_or(|at| at + 1 == kinds.len());
            let first = [EventKind::Down, EventKind::Flapping];
            let paired = kinds.first().is_some_and(|event| first.contains(event))
                && count(&first) == 1
                && events.iter().all(|(.., story)| !story)
                && count(&[EventKind::GaveUp]) <= 1
                && count(&[EventKind::Up, EventKind::Back, EventKind::Closed]) <= 1
                && (count(&[EventKind::Back]) == 0 || count(&[EventKind::GaveUp]) == 1)
                && (count(&[EventKind::Up]) == 0 || count(&[EventKind::GaveUp]) == 0);
            if order != whole || !paired || !last_is_end {
                self.fail(
                    self.world.t,
                    &format!("S12 pairing: {incident}: {events:?}"),
                );
            }
        }
    }

    /// Nobody gets more mails in an hour than [`limits::MAILS_PER_HOUR`], and those are 20.
    pub(super) fn s16_storm(&self) {
        assert_eq!(limits::MAILS_PER_HOUR, 20);
        let mut lately: BTreeMap<&str, VecDeque<i64>> = BTreeMap::new();
        for (t, fact) in &self.facts {
            let Fact::Mailed { entry, taken: true } = fact else {
                continue;
            };
            if entry.channel != Channel::Mail {
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
                Fact::Noted(Note::Opened { incident, .. }) => {
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
                Fact::Noted(Note::Opened { profile, .. } | Note::Closed { profile, .. })
                    if with(profile) => {}
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
            let Fact::Noted(Note::Closed { profile, .. }) = fact else {
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
