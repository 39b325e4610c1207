//! When a message that was not taken is tried again, and when it is given up.
//!
//! | why it was not taken | next try |
//! |---|---|
//! | no relay could be talked to, or it is not known whether one took it | after 30 s, doubling to 15 min |
//! | a relay or a service asked for a later try | the same, but at least 60 s, or as long as the service said |
//! | the login was refused | after 15 min |
//! | a relay declined it for a reason that may pass | after an hour; the third time in a row it is refused for good |
//!
//! After five days it is given up. Waits are up to a tenth longer by a hash of entry, recipient and try: entries that
//! failed together do not come back together, and the same state decides the same in every process.

use std::time::Duration;

use crate::model::{Delivery, Entry, Stay, Timestamp, fnv1a, limits};

/// How a try ended, all limits applied, and when the next one is due.
pub(in crate::policy) fn after(
    entry: &Entry,
    delivery: Delivery,
    now: Timestamp,
) -> (Delivery, Timestamp) {
    let expired = now.since(entry.queued) >= limits::MAIL_EXPIRY;
    let given_up = |reason: &str| Delivery::Rejected {
        reason: format!("given up after five days: {reason}"),
    };
    let (delivery, least) = match delivery {
        Delivery::Deferred { reason, .. } | Delivery::Unclear { reason } if expired => {
            (given_up(&reason), Duration::ZERO)
        }
        Delivery::Deferred {
            reason,
            stay: Stay::Declined(_),
        } => {
            let times = declined(entry).saturating_add(1);
            if times >= limits::MAIL_DECLINED {
                let reason = format!("refused {times} times, an hour apart: {reason}");
                (Delivery::Rejected { reason }, Duration::ZERO)
            } else {
                let stay = Stay::Declined(times);
                let delivery = Delivery::Deferred { reason, stay };
                (delivery, limits::MAIL_RETRY_DECLINED)
            }
        }
        Delivery::Deferred { reason, stay } => {
            let least = match stay {
                Stay::Trouble | Stay::Declined(_) => Duration::ZERO,
                Stay::Later => limits::MAIL_RETRY_LATER,
                Stay::After(seconds) => Duration::from_secs(seconds.into()),
                Stay::Login => limits::MAIL_RETRY_LOGIN,
            };
            (Delivery::Deferred { reason, stay }, least)
        }
        Delivery::Sent { .. } | Delivery::Unclear { .. } | Delivery::Rejected { .. } => {
            (delivery, Duration::ZERO)
        }
    };
    (delivery, now + wait(entry).max(longer(entry, least)))
}

/// How often in a row it was declined.
const fn declined(entry: &Entry) -> u8 {
    match entry.last {
        Some(Delivery::Deferred {
            stay: Stay::Declined(times),
            ..
        }) => times,
        Some(
            Delivery::Deferred {
                stay: Stay::Trouble | Stay::Later | Stay::After(_) | Stay::Login,
                ..
            }
            | Delivery::Sent { .. }
            | Delivery::Unclear { .. }
            | Delivery::Rejected { .. },
        )
        | None => 0,
    }
}

/// The usual wait after the tries so far.
pub(in crate::policy) fn wait(entry: &Entry) -> Duration {
    let doublings = entry.tries.saturating_sub(1).min(10);
    let doubled = limits::MAIL_RETRY_FIRST.saturating_mul(2_u32.saturating_pow(doublings));
    longer(entry, doubled.min(limits::MAIL_RETRY_MAX))
}

fn longer(entry: &Entry, wait: Duration) -> Duration {
    let hash = fnv1a([
        &entry.id.0.to_be_bytes()[..],
        entry.to.as_bytes(),
        &entry.tries.to_be_bytes(),
    ]);
    let parts = u32::try_from(hash % 1000).unwrap_or(0);
    wait + wait / 10_000 * parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, EntryId, EventKind, Notification};

    const SECOND: i64 = 1000;

    fn entry(id: u64) -> Entry {
        Entry {
            id: EntryId(id),
            notification: Notification::blank(EventKind::Down, Timestamp(0)),
            from: "probe@monitor.example.com".into(),
            channel: Channel::Mail,
            to: "ops@example.com".into(),
            queued: Timestamp(0),
            tries: 0,
            due: Timestamp(0),
            last: None,
            open: false,
            unclear: false,
            outlived: false,
        }
    }

    fn stays(stay: Stay) -> Delivery {
        Delivery::Deferred {
            reason: "words".into(),
            stay,
        }
    }

    /// The waits in seconds between tries that all end alike, until the entry is dead or eight were made.
    fn waits(id: u64, end: &Delivery) -> (Vec<i64>, Entry) {
        let mut entry = entry(id);
        let (mut now, mut waits) = (Timestamp(0), Vec::new());
        while waits.len() < 8 && !entry.is_dead() {
            entry.tries += 1;
            let (delivery, due) = after(&entry, end.clone(), now);
            entry.last = Some(delivery);
            if !entry.is_dead() {
                waits.push((due.0 - now.0) / SECOND);
            }
            now = due;
        }
        (waits, entry)
    }

    /// Each wait is what it should be, up to a tenth longer.
    #[track_caller]
    fn assert_waits(waits: &[i64], expected: &[i64]) {
        assert_eq!(waits.len(), expected.len(), "{waits:?}");
        for (wait, least) in waits.iter().zip(expected) {
            assert!((*least..=least + least / 10).contains(wait), "{waits:?}");
        }
    }

    #[test]
    fn m1_trouble_is_tried_again_soon_and_then_every_quarter_of_an_hour() {
        for end in [
            stays(Stay::Trouble),
            Delivery::Unclear {
                reason: "words".into(),
            },
        ] {
            let (waits, _) = waits(1, &end);
            assert_waits(&waits, &[30, 60, 120, 240, 480, 900, 900, 900]);
        }
    }

    #[test]
    fn m1_waits_are_spread_and_the_same_in_every_process() {
        let firsts: Vec<i64> = (0..50)
            .map(|id| {
                let mut entry = entry(id);
                entry.tries = 6;
                let (_, due) = after(&entry, stays(Stay::Trouble), Timestamp(0));
                assert_eq!(
                    due,
                    after(&entry, stays(Stay::Trouble), Timestamp(0)).1,
                    "no chance in it"
                );
                due.0
            })
            .collect();
        let mut different = firsts.clone();
        different.sort_unstable();
        different.dedup();
        assert!(different.len() > 40, "{firsts:?}");
        assert!(firsts.iter().all(|wait| (900_000..=990_000).contains(wait)));
    }

    #[test]
    fn m1_after_five_days_it_is_given_up() {
        let day = 24 * 3600 * SECOND;
        let mut entry = entry(1);
        entry.tries = 400;
        for stay in [
            Stay::Trouble,
            Stay::Later,
            Stay::After(900),
            Stay::Login,
            Stay::Declined(1),
        ] {
            let end = after(&entry, stays(stay), Timestamp(5 * day - 1)).0;
            assert!(matches!(end, Delivery::Deferred { .. }), "{end:?}");
            let end = after(&entry, stays(stay), Timestamp(5 * day)).0;
            let reason = "given up after five days: words".into();
            assert_eq!(end, Delivery::Rejected { reason });
        }
    }

    #[test]
    fn m4_greylisting_is_not_tried_again_within_its_minute() {
        let (waits, _) = waits(1, &stays(Stay::Later));
        assert_waits(&waits, &[60, 60, 120, 240, 480, 900, 900, 900]);
    }

    #[test]
    fn a_service_that_names_its_time_is_not_asked_before() {
        let (waits, _) = waits(1, &stays(Stay::After(300)));
        assert_waits(&waits, &[300, 300, 300, 300, 480, 900, 900, 900]);
    }

    #[test]
    fn m6_what_may_pass_has_three_tries_in_different_hours() {
        let (waits, entry) = waits(1, &stays(Stay::Declined(1)));
        assert_waits(&waits, &[3600, 3600]);
        let reason = "refused 3 times, an hour apart: words".into();
        assert_eq!(entry.last, Some(Delivery::Rejected { reason }));
    }

    #[test]
    fn m6_what_happens_in_between_begins_the_count_anew() {
        let mut entry = entry(1);
        for stay in [
            Stay::Declined(1),
            Stay::Declined(1),
            Stay::Trouble,
            Stay::Declined(1),
        ] {
            entry.tries += 1;
            entry.last = Some(after(&entry, stays(stay), Timestamp(0)).0);
        }
        assert_eq!(entry.last, Some(stays(Stay::Declined(1))));
    }

    #[test]
    fn m6_what_is_refused_for_good_is_dead_at_once() {
        let (waits, entry) = waits(
            1,
            &Delivery::Rejected {
                reason: "550 5.1.1".into(),
            },
        );
        assert_eq!(waits, [0_i64; 0]);
        assert!(entry.is_dead());
    }

    #[test]
    fn m10_a_refused_login_is_tried_every_quarter_of_an_hour_and_not_more() {
        let (waits, _) = waits(1, &stays(Stay::Login));
        assert_waits(&waits, &[900; 8]);
    }
}
