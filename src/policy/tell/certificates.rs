//! Certificates that end soon: one warning for each step of `warn_before` and each certificate, never an incident.
//!
//! - A step is reached when less time is left than it says. If the largest step is longer than a third of the
//!   certificate's life, all steps shrink in proportion until the largest is that third. For a certificate of six days,
//!   the default steps become two days, sixteen hours and two hours.
//! - If several steps are reached at once, only the smallest is told, so a first start brings one mail.
//! - A step that was told for one profile counts for all that show the same certificate; the mail lists them. A new
//!   certificate starts from the first step.
//! - Steps that are reached within a minute go into one mail. It leaves when no probe is in flight, or [`COLLECT`]
//!   after the first.
//! - What was told is remembered in the profile, in the same write as the message.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Cause, Certificate, Ending, EventKind, Fleet, ProfileName, Timestamp, Warned};

use crate::policy::draft::Draft;
use crate::policy::tell::outbox;

/// How long the first warning waits for others.
const COLLECT: Duration = Duration::from_secs(60);

/// Warnings that a profile remembers; enough for several URLs and a few renewals.
const REMEMBERED: usize = 32;

/// URLs listed for one certificate.
const PLACES: usize = 20;

/// The smallest step that is reached, as configured; `None` if none is, or if the certificate has ended.
fn reached(shown: &Certificate, steps: &[Duration], now: Timestamp) -> Option<Duration> {
    let largest = steps.iter().max()?.as_millis().max(1);
    let third = shown.not_after.since(shown.not_before).as_millis() / 3;
    let left = shown.not_after.since(now).as_millis();
    let scaled = |step: Duration| step.as_millis().saturating_mul(third.min(largest)) / largest;
    let due = steps.iter().copied().filter(|step| left < scaled(*step));
    due.min().filter(|_| now < shown.not_after)
}

/// A profile was probed: notes the steps that its certificates have newly reached.
pub(in crate::policy) fn probed(draft: &mut Draft<'_>, name: &ProfileName) {
    if !draft.settings.is_heard() {
        return;
    }
    let (profile, track) = (
        draft.settings.profiles.get(name),
        draft.fleet.profiles.get(name),
    );
    let Some((profile, track)) = profile.zip(track) else {
        return;
    };
    let (now, wall) = (draft.now, draft.wall(draft.now));
    let mut crossed: BTreeMap<String, (Duration, Certificate)> = BTreeMap::new();
    for check in &track.last {
        let ours = matches!(check.cause(), Some(Cause::TlsCertificate | Cause::Monitor));
        let Some(shown) = check.certificate.as_deref().filter(|_| !ours) else {
            continue;
        };
        let told = track
            .warned
            .get(&shown.fingerprint)
            .map(|warned| warned.step);
        if let Some(step) = reached(shown, &profile.tls.warn_before, wall)
            && told.is_none_or(|told| step < told)
        {
            crossed.insert(shown.fingerprint.clone(), (step, shown.clone()));
        }
    }
    for (fingerprint, (step, shown)) in crossed {
        let elsewhere = told_elsewhere(&draft.fleet, &fingerprint, step);
        let track = draft.fleet.profile_mut(name);
        let ends = shown.not_after;
        track
            .warned
            .insert(fingerprint.clone(), Warned { step, ends });
        while track.warned.len() > REMEMBERED {
            let first = track.warned.iter().min_by_key(|(_, warned)| warned.ends);
            let Some(first) = first.map(|(fingerprint, _)| fingerprint.clone()) else {
                break;
            };
            track.warned.remove(&first);
        }
        if !elsewhere {
            draft.fleet.core.warnings.push((
                now,
                Ending {
                    fingerprint,
                    names: shown.names,
                    subject: shown.subject,
                    issuer: shown.issuer,
                    ends,
                    step,
                    places: Vec::new(),
                },
            ));
        }
    }
}

fn told_elsewhere(fleet: &Fleet, fingerprint: &str, step: Duration) -> bool {
    let mut warned = fleet
        .profiles
        .values()
        .filter_map(|track| track.warned.get(fingerprint));
    warned.any(|warned| warned.step <= step)
}

/// Sends the collected warnings.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    let Some((first, _)) = draft.fleet.core.warnings.first() else {
        return;
    };
    if draft.fleet.probing > 0 && draft.now.since(*first) < COLLECT {
        return;
    }
    let mut told: BTreeMap<String, Ending> = BTreeMap::new();
    for (_, ending) in std::mem::take(&mut draft.fleet.core.warnings) {
        told.insert(ending.fingerprint.clone(), ending); // of two steps the later one is smaller
    }
    for (name, track) in &draft.fleet.profiles {
        if track.removed.is_some() {
            continue;
        }
        for check in &track.last {
            let fingerprint = check.certificate.as_ref().map(|shown| &shown.fingerprint);
            if let Some(ending) = fingerprint.and_then(|fingerprint| told.get_mut(fingerprint))
                && ending.places.len() < PLACES
            {
                ending.places.push(format!("{name}: {}", check.url));
            }
        }
    }
    let mut notification = draft.blank(EventKind::Certificate);
    notification.certificates = told.into_values().collect();
    notification.certificates.sort_by_key(|ending| ending.ends);
    outbox::queue(draft, &notification);
    draft.durable = true;
}

/// When the collected warnings leave at the latest.
pub(in crate::policy) fn wakeup(fleet: &Fleet) -> Option<Timestamp> {
    fleet
        .core
        .warnings
        .first()
        .map(|(first, _)| *first + COLLECT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn certificate(life_hours: i64) -> Certificate {
        Certificate {
            not_before: Timestamp(0),
            not_after: Timestamp(life_hours * HOUR),
            days_left: 0,
            subject: "CN=a".to_owned(),
            issuer: "CN=b".to_owned(),
            names: vec![],
            fingerprint: format!("{life_hours}"),
            chain: vec![],
        }
    }

    #[test]
    fn the_smallest_step_that_is_reached() {
        let days = |n: u64| Duration::from_secs(n * 86_400);
        let steps = [days(21), days(7), days(1)];
        for (life, left, expected) in [
            (90 * 24, 21 * 24, None),
            (90 * 24, 21 * 24 - 1, Some(days(21))),
            (90 * 24, 7 * 24 - 1, Some(days(7))),
            (90 * 24, 5, Some(days(1))),
            (90 * 24, 0, None),
            (90 * 24, -5, None),
            (6 * 24, 48, None),
            (6 * 24, 47, Some(days(21))),
            (6 * 24, 15, Some(days(7))),
            (6 * 24, 2, Some(days(1))),
        ] {
            let now = Timestamp((life - left) * HOUR);
            let got = reached(&certificate(life), &steps, now);
            assert_eq!(got, expected, "life {life} h, left {left} h");
        }
        assert_eq!(reached(&certificate(24), &[], Timestamp(0)), None);
    }
}
