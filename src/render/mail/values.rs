//! What the pieces of a mail know: the values of one notification, in words. Every mail's pieces know all of them;
//! what a mail has nothing to say for is none.

use minijinja::{Value, context};

use crate::model::{Attempt, Ending, Notification, RecoveryOutcome, Remark, limits};
use crate::render::explain;
use crate::render::words::{Voice, key};

use super::about::{awaits_after, held, site, together};
use super::{advice, clean, deeds, ending, next, summary, week};

/// Everything that `down/subject` and its like may name.
pub(super) fn values(voice: &Voice, note: &Notification) -> Value {
    let moment = |at| voice.moment(at, note.at);
    let restart = deeds::last(voice, note);
    let first = note.certificates.first();
    let others = note.certificates.len().saturating_sub(1);
    let blind = ends(voice, note);
    let week = note.week.as_deref().map(|week| week::sums(voice, week));
    let week = week.as_ref();
    context! {
        site => site(voice, note),
        many => together(note) > 0,
        host => note.host.as_ref().map(|host| host.as_str()),
        since => note.since.map(moment),
        until => note.until.map(moment),
        lasted => lasted(voice, note),
        from_minute => blind.0,
        until_minute => blind.1,
        cause => cause(voice, note),
        meaning => note.cause.filter(|_| !note.answers).map(|cause| explain::cause_sentence(voice, cause)),
        next => next::sentence(voice, note),
        lesson => next::lesson(voice, note),
        held => held(note).map(|hold| explain::hold_phrase(voice, hold)),
        no_way_in => awaits_after(note, RecoveryOutcome::NotExecuted),
        declined => awaits_after(note, RecoveryOutcome::Declined),
        in_hand => advice::is_in_hand(note),
        restarts => Attempt::restarts(&note.attempts),
        attempt => note.attempts.last().map(|attempt| attempt.number),
        untold => note.story,
        outages => note.flaps.map(|flaps| flaps.outages),
        flaps_since => note.flaps.map(|flaps| moment(flaps.since)),
        summary => summary::summary(voice, note),
        messages => note.items.len(),
        tag => restart.tag,
        result => restart.result,
        story => restart.story,
        remark => note.remark.as_ref().map(|remark| said(voice, remark)),
        first => first.map(ending::whose),
        others => others,
        left => first.map(|first: &Ending| voice.span(first.ends.since(note.at))),
        ends => first.map(|first| voice.day_clock(first.ends)),
        day => first.map(|first| voice.day(first.ends)),
        week_sites => week.map(|week| week.sites),
        week_share => week.and_then(|week| week.share.as_deref()),
        week_restarts => week.map(|week| week.restarts),
        week_still => week.map(|week| week.still),
        week_hit => week.map(|week| week.hit),
        week_down => week.map(|week| week.down.as_str()),
        week_span => week.map(|week| week.span.as_str()),
        week_until => week.map(|_| voice.day_clock(note.until.unwrap_or(note.at))),
        week_first => week.map(|week| week.first),
        week_blind => week.and_then(|week| week.blind.as_deref()),
        week_away => week.and_then(|week| week.away.as_deref()),
        week_never => week.map(|week| week.never),
        week_unjudged => week.and_then(|week| week.unjudged.as_deref()),
    }
}

fn said(voice: &Voice, remark: &Remark) -> String {
    let said = match remark {
        Remark::Finding(finding) => explain::finding(voice, finding),
        Remark::Reason(reason) => explain::reason(voice, reason),
        Remark::Path(_) | Remark::Kept(_) | Remark::GaveUp(_) | Remark::Unwatched => {
            remark.to_string()
        }
    };
    clean::line(&said, limits::DETAIL_CHARS)
}

/// From when to when we could not see: without dates where both are on one day.
fn ends(voice: &Voice, note: &Notification) -> (String, Option<String>) {
    let from = note.since.unwrap_or(note.at);
    match note.until {
        Some(until) if voice.same_day(from, until) => {
            (voice.bare_minute(from), Some(voice.minute(until)))
        }
        Some(until) => (voice.day_clock(from), Some(voice.day_clock(until))),
        None => (voice.minute(from), None),
    }
}

/// What was found, in the words of a subject.
pub(super) fn cause(voice: &Voice, note: &Notification) -> String {
    if note.answers {
        return voice.word(key!(Page, "answers"));
    }
    explain::maybe_cause_phrase(voice, note.cause)
}

/// How long it lasted, when both ends are known.
pub(super) fn lasted(voice: &Voice, note: &Notification) -> Option<String> {
    let since = note.since?;
    Some(voice.span(note.until.unwrap_or(note.at).since(since)))
}
