//! How long restarts held, and what that teaches.
//!
//! A restart holds from the end of the first incident that closes after it until the host's next incident begins; for
//! no time at all if none closed before the next restart. Three or more restarts within [`limits::LESSON_WINDOW`], none
//! of which held for [`limits::LESSON_HELD`], are a lesson: the fault comes back whatever is restarted, and every mail
//! about that host says so. While the last restart still holds there is no lesson.

use std::time::Duration;

use crate::model::{Ailment, Held, HostTrack, Lesson, Past, Timestamp, limits};

/// Fewer restarts than this teach nothing.
const LEAST: usize = 3;

/// A restart began. Restarts since `period`, when the period of the weekly report began, are kept as well.
pub(in crate::policy) fn began(
    track: &mut HostTrack,
    now: Timestamp,
    period: Option<Timestamp>,
    ailment: Option<Ailment>,
) {
    let told = |past: &Past| period.is_some_and(|period| past.began >= period);
    track
        .past
        .retain(|past| now.since(past.began) < limits::LESSON_WINDOW || told(past));
    let surplus = (track.past.len() + 1).saturating_sub(limits::ATTEMPTS_KEPT);
    track.past.drain(..surplus);
    track.past.push(Past::new(now, ailment));
}

/// Forgets the restart that was ordered then: it did not take place.
pub(in crate::policy) fn undone(track: &mut HostTrack, began: Timestamp) {
    track.past.retain(|past| past.began != began);
}

/// An incident of one of the host's profiles is over.
pub(in crate::policy) fn back(track: &mut HostTrack, now: Timestamp) {
    if let Some(last) = track.past.last_mut() {
        last.ended(now);
    }
}

/// An incident of one of the host's profiles began; it fails since `since`.
pub(in crate::policy) fn again(track: &mut HostTrack, since: Timestamp) {
    if let Some(last) = track.past.last_mut() {
        last.relapsed(since);
    }
}

/// What the past teaches.
pub(in crate::policy) fn of(track: &HostTrack, now: Timestamp) -> Option<Lesson> {
    let recent = track
        .past
        .iter()
        .filter(|past| now.since(past.began) < limits::LESSON_WINDOW);
    let recent: Vec<&Past> = recent.collect();
    let newest = recent.len().checked_sub(1)?;
    let mut held = Vec::new();
    for (place, past) in recent.into_iter().enumerate() {
        match past.held(now) {
            Held::For(span) => held.push(span),
            // Not back before the next one, or not known yet.
            Held::No if place < newest => held.push(Duration::ZERO),
            Held::No => {}
            Held::Still(_) => return None,
        }
    }
    let longest = held.iter().max().copied()?;
    (held.len() >= LEAST && longest < limits::LESSON_HELD).then(|| Lesson {
        restarts: u32::try_from(held.len()).unwrap_or(u32::MAX),
        longest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp(minutes * MINUTE)
    }

    fn track(course: &[(i64, Option<i64>, Option<i64>)]) -> HostTrack {
        let past = course.iter().map(|(began, back, again)| Past {
            began: at(*began),
            ailment: None,
            back: back.map(at),
            again: again.map(at),
        });
        HostTrack {
            past: past.collect(),
            ..HostTrack::default()
        }
    }

    #[test]
    fn three_restarts_that_did_not_hold_are_a_lesson() {
        let brief = [
            (0, Some(1), Some(20)),
            (21, Some(22), Some(50)),
            (51, None, None),
        ];
        let now = at(60);
        assert_eq!(of(&track(&brief), now), None, "two are judged");
        let more = [&brief[..], &[(55, None, None)]].concat();
        let longest = Duration::from_secs(28 * 60);
        let lesson = Lesson {
            restarts: 3,
            longest,
        };
        assert_eq!(of(&track(&more), now), Some(lesson));
        let held = [&brief[..], &[(55, Some(56), Some(120)), (121, None, None)]].concat();
        assert_eq!(of(&track(&held), at(122)), None, "one held for an hour");
        let holds = [&brief[..], &[(55, Some(56), None)]].concat();
        assert_eq!(of(&track(&holds), now), None, "the last one holds");
        assert_eq!(of(&track(&more), at(8 * 24 * 60)), None, "a week later");
        assert_eq!(of(&track(&[]), now), None);
    }

    #[test]
    fn the_course_is_written_down_as_it_goes() {
        let mut host = HostTrack::default();
        again(&mut host, at(0));
        back(&mut host, at(0));
        began(&mut host, at(1), None, None);
        again(&mut host, at(2));
        back(&mut host, at(3));
        back(&mut host, at(4));
        again(&mut host, at(5));
        again(&mut host, at(6));
        assert_eq!(host.past, track(&[(1, Some(3), Some(5))]).past);
        began(&mut host, at(7), None, None);
        undone(&mut host, at(7));
        assert_eq!(host.past.len(), 1);
        for minute in 8..100 {
            began(&mut host, at(minute), None, None);
        }
        assert_eq!(host.past.len(), limits::ATTEMPTS_KEPT);
        // Those of a longer period are kept for its report.
        let later = at(9 * 24 * 60);
        let mut kept = host.clone();
        began(&mut kept, later, Some(at(90)), None);
        assert_eq!(kept.past.len(), 11);
        began(&mut host, later, Some(at(100)), None);
        assert_eq!(host.past.len(), 1);
    }
}
