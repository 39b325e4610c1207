//! Whether a browser is answered where we are not: then a rule keeps us out, and the server is well.
//!
//! Where a server was reached and did not answer well, the site is asked once more with a browser's headers: one failure
//! before a restart is due, so that nobody waits for it. No restart rests on such a failure before that has come back, and
//! none where it was answered; while it stays so, it is asked again once in [`AGAIN`]. That it was not answered holds for the
//! failures that count, and for [`AGAIN`] at least: while a site waits for its restart, a rule may come to keep us out of it.
//! A site may have come back in the moment between: its own next failure makes it certain. A browser that is not answered, for whatever reason, or that could
//! not be sent from here, keeps nobody from a restart. What comes back late says nothing, nor what comes back when nothing fails
//! us any more by what could be the server's: it is asked again with the next failure. Where it was answered, the failures
//! before it are no evidence any more, whatever the next one is.

use std::time::Duration;

use crate::model::{
    AsBrowser, Cause, CheckResult, Effect, Hold, NotEvidence, ProbeId, Profile, ProfileName,
    ProfileTrack, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::site::evidence::{self, Worth};
use crate::policy::site::judge;

/// A second probe a minute is what a well site is asked as well.
const AGAIN: Duration = Duration::from_secs(60);

/// What a failure that began then is worth, for all that is known of what browsers get.
pub(in crate::policy) fn weigh(
    track: &ProfileTrack,
    profile: &Profile,
    worth: Worth,
    began: Timestamp,
) -> Worth {
    let since = track.failing_since.unwrap_or(began);
    match (&worth, track.browser.seen) {
        (Worth::Evidence(cause), Some((asked, true)))
            if cause.was_reached() && asked >= since && asked < began =>
        {
            let header = profile.named_by();
            Worth::Not(NotEvidence::AnswersBrowsers { header })
        }
        _ => worth,
    }
}

/// Failures that may be ours alone are no evidence for another kind of failure: those that a browser's answer has shown to be,
/// and, where this one did not reach the server and the last one did, those of which no browser was asked. Says whether any
/// was.
pub(in crate::policy) fn disprove(track: &mut ProfileTrack, worth: &Worth) -> bool {
    let before = track.evidence.began.len();
    match track.browser.seen {
        Some((asked, true)) => track.evidence.began.retain(|began| *began > asked),
        Some((_, false)) => {}
        None => {
            let reached = track.evidence.cause.is_some_and(Cause::was_reached);
            if reached && matches!(worth, Worth::Evidence(cause) if !cause.was_reached()) {
                track.evidence.began.clear();
            }
        }
    }
    track.evidence.began.len() < before
}

/// A failure was weighed: asks where the next one, or this one, could be what a restart rests on.
pub(in crate::policy) fn ask(draft: &mut Draft<'_>, profile: &Profile) {
    let now = draft.now;
    let Some(track) = draft.fleet.profiles.get(&profile.name) else {
        return;
    };
    let blocked = matches!(
        track.evidence.not.as_deref(),
        Some(NotEvidence::AnswersBrowsers { .. })
    );
    let near = track.evidence.began.len() + 1 >= profile.failure_threshold as usize
        && !track.evidence.began.is_empty();
    let reached = track.evidence.cause.is_some_and(Cause::was_reached);
    // With the next failure these are what a restart rests on.
    let mut latest = track.evidence.began.iter().rev();
    let oldest = latest.nth((profile.failure_threshold as usize).saturating_sub(2));
    let known = match track.browser.seen {
        Some((asked, _)) if blocked => now.since(asked) < AGAIN,
        Some((asked, _)) => {
            let lasts = oldest.is_some_and(|oldest| asked >= *oldest);
            (lasts || now.since(asked) < AGAIN) && answer(draft, profile, track).is_some()
        }
        None => false,
    };
    if !reached || known || !(near || blocked) || track.browser.asked.is_some() {
        return;
    }
    let probe = draft.fleet.next_probe();
    draft.fleet.profile_mut(&profile.name).browser.asked = Some((probe, now));
    draft.effects.push(Effect::ProbeAsBrowser {
        probe,
        profile: profile.name.clone(),
    });
}

/// Whether browsers were answered, since this failure is what it is and the host's last restart had settled; and since the
/// failures began that a restart would rest on, or a moment ago: where probes come quickly, new ones begin before it is known.
fn answer(draft: &Draft<'_>, profile: &Profile, track: &ProfileTrack) -> Option<bool> {
    let host = profile.host.as_ref();
    let settled = host.and_then(|host| draft.fleet.hosts.get(host));
    let settled = settled.map(|host| host.evidence_from);
    let from = settled.max(track.evidence.alike_from);
    let (asked, answered) = track.browser.seen?;
    let oldest = track.evidence.began.first();
    let lasts = oldest.is_none_or(|oldest| asked >= *oldest)
        || draft.now.since(asked) <= AGAIN + judge::longest(profile);
    (lasts && from.is_none_or(|from| asked >= from)).then_some(answered)
}

/// What keeps a host from being restarted on this profile's evidence until it is known what browsers get.
pub(in crate::policy) fn awaited(draft: &Draft<'_>, name: &ProfileName) -> Option<Hold> {
    let (profile, track) = (
        draft.settings.profiles.get(name)?,
        draft.fleet.profiles.get(name)?,
    );
    let reached = track.evidence.cause.is_some_and(Cause::was_reached);
    let fails = answer(draft, profile, track) == Some(false);
    (reached && !fails).then_some(Hold::AwaitingProbe)
}

/// Whether a run has to stay for it: for the answer, or for the failure after one that says what it means.
pub(in crate::policy) fn is_awaited(track: &ProfileTrack) -> bool {
    let answered = track.browser.seen.is_some_and(|(_, answered)| answered);
    let open = track.unknown.is_none() && track.evidence.not.is_none();
    track.browser.asked.is_some() || (answered && open)
}

/// A profile was asked as a browser asks.
pub(in crate::policy) fn probed(
    draft: &mut Draft<'_>,
    probe: ProbeId,
    name: &ProfileName,
    checks: Vec<CheckResult>,
) {
    let Some(profile) = draft.profile(name) else {
        return;
    };
    let Some(track) = draft.fleet.profiles.get_mut(name) else {
        return;
    };
    let Some((_, began)) = track.browser.asked.take_if(|(id, _)| *id == probe) else {
        return;
    };
    let host = profile.host.as_ref().and_then(|host| draft.host(host));
    let causes = host.as_ref().map_or(&[][..], |host| &host.restart.causes);
    let checks = judge::gathered(&profile, checks);
    let answered = match evidence::weigh(draft, &profile, &checks, causes) {
        Worth::Evidence(_) => Some(false),
        Worth::Not(_) | Worth::Unlisted => answers(draft, &profile, &checks),
    };
    let late = draft.now.since(began) > judge::longest(&profile) + limits::LATE_SLACK;
    let Some(answered) = answered.filter(|_| !late) else {
        return;
    };
    draft.fleet.profile_mut(name).browser.seen = Some((began, answered));
}

/// Whether a browser was answered at every URL that fails us by what could be the server's; `None` where none does any more.
fn answers(draft: &Draft<'_>, profile: &Profile, checks: &[CheckResult]) -> Option<bool> {
    let track = draft.fleet.profiles.get(&profile.name)?;
    // A site that we take no more at its word that it is in maintenance tells a browser the same.
    let doubted = track.maintenance.is_some();
    let answer = |check: &CheckResult| match check.cause() {
        Some(Cause::Maintenance) => !doubted,
        Some(cause) if cause.was_reached() => false,
        Some(_) | None => check.is_ok() || check.http_status.is_some(),
    };
    let us = judge::by_url(profile, &track.last).enumerate();
    let both = us.zip(judge::by_url(profile, checks));
    let mut failing = both
        .filter(|((place, us), _)| {
            let reached = judge::url_failure(us).is_some_and(Cause::was_reached);
            reached && evidence::counts(track, *place)
        })
        .peekable();
    failing.peek()?;
    Some(failing.all(|(_, browser)| browser.iter().any(answer)))
}

/// It answers us again.
pub(in crate::policy) fn forget(track: &mut ProfileTrack) {
    track.browser = AsBrowser::default();
}
