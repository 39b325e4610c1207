//! S12, S14, S15, S23: what people were told, and on what proof.

use std::collections::{BTreeMap, BTreeSet};

use probe::model::{Blame, EntryId, EventKind, IncidentId, Note, Notification, ProfileName};

use super::super::world::Fact;
use super::Course;

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
        let mut told: BTreeMap<(IncidentId, String), Vec<(u32, EventKind)>> = BTreeMap::new();
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
                    let n = &entry.notification;
                    if let Some(incident) = &n.incident {
                        told.entry((incident.clone(), entry.to.clone()))
                            .or_default()
                            .push((n.sequence, n.event));
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
            let order: Vec<u32> = events.iter().map(|(sequence, _)| *sequence).collect();
            let whole: Vec<u32> = (0..order.len() as u32).collect();
            let kinds: Vec<EventKind> = events.iter().map(|(_, event)| *event).collect();
            let count =
                |wanted: &[EventKind]| kinds.iter().filter(|event| wanted.contains(event)).count();
            let last_is_end = kinds
                .iter()
                .rposition(|event| is_end(*event))
                .is_none_or(|at| at + 1 == kinds.len());
            let paired = kinds.first() == Some(&EventKind::Down)
                && count(&[EventKind::Down]) == 1
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
            if !told.any(|(_, told)| names(told, profile)) {
                self.fail(
                    t,
                    &format!("S12: nobody heard of the incident of {profile}"),
                );
            }
        }
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

/// Whether a message names this site.
fn names(told: &Notification, profile: &ProfileName) -> bool {
    let beside = told.sites.iter().any(|site| site.profile == *profile);
    told.profile.as_ref() == Some(profile) || beside
}

pub(super) const fn is_end(event: EventKind) -> bool {
    matches!(event, EventKind::Up | EventKind::Back | EventKind::Closed)
}
