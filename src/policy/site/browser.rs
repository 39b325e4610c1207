//! Whether a site answers a browser where it does not answer us. Then a rule there blocks us, and the server is well.
//!
//! - If a server was reached but did not answer well, the site is probed once more with a browser's headers. This
//!   happens one failure before a restart is due, so that the restart does not wait for it.
//! - No restart rests on such failures before the browser's result is known ([`Hold::AwaitingProbe`]), and none if the
//!   browser was answered: then the failures before it are no evidence, whatever the next failure is. The site may have
//!   come back in between, so the next failure of its own decides: if there is one, a rule blocks us
//!   ([`NotEvidence::AnswersBrowsers`]). While that lasts, the site is asked again once in [`AGAIN`].
//! - If the browser was not answered, for whatever reason, or could not be sent from here, a restart may follow. This
//!   holds for as long as the failures a restart would rest on, and at least for [`AGAIN`]. After that the site is
//!   asked again, because a rule may begin to block us while a site waits for its restart.
//! - A result that comes late, or after no failure can be the server's any more, is ignored; the next failure asks
//!   again.

use std::time::Duration;

use crate::model::{
    AsBrowser, Cause, CheckResult, Effect, Hold, NotEvidence, ProbeId, Profile, ProfileName,
    ProfileTrack, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::site::evidence::{self, Worth};
use crate::policy::site::judge;

/// Time between two such probes: one more probe a minute is no more than a site that is well gets.
const AGAIN: Duration = Duration::from_secs(60);

/// What a failure that began then is worth, given what is known of a browser's answers.
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

/// Removes failures from the evidence that may have been failures only for us: those before a browser was answered; and
/// if no browser was asked, those that reached the server when this one did not. Returns whether there were any.
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

/// A failure was weighed: sends a probe with a browser's headers if a restart could rest on this failure or the next.
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
    // Together with the next failure, a restart would rest on these.
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

/// Whether a browser was answered; `None` if that is not known for the present failure. The browser's probe must have
/// begun after the failure became what it is and after the host's last restart had settled. It must also be later than
/// the oldest failure a restart would rest on, or at most a moment old: with frequent probes, new failures begin before
/// its result is in.
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

/// The hold on a restart that rests on this profile's evidence while it is not known that a browser is not answered
/// either.
pub(in crate::policy) fn awaited(draft: &Draft<'_>, name: &ProfileName) -> Option<Hold> {
    let (profile, track) = (
        draft.settings.profiles.get(name)?,
        draft.fleet.profiles.get(name)?,
    );
    let reached = track.evidence.cause.is_some_and(Cause::was_reached);
    let fails = answer(draft, profile, track) == Some(false);
    (reached && !fails).then_some(Hold::AwaitingProbe)
}

/// Whether a run must wait for it: for the browser's result, or for the failure after it that shows what it means.
pub(in crate::policy) fn is_awaited(track: &ProfileTrack) -> bool {
    let answered = track.browser.seen.is_some_and(|(_, answered)| answered);
    let open = track.unknown.is_none() && track.evidence.not.is_none();
    track.browser.asked.is_some() || (answered && open)
}

/// A profile was probed with a browser's headers.
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

/// Whether a browser was answered at every URL that fails for us by a fault the server may have; `None` if no URL does.
fn answers(draft: &Draft<'_>, profile: &Profile, checks: &[CheckResult]) -> Option<bool> {
    let track = draft.fleet.profiles.get(&profile.name)?;
    // A site that is no longer believed to be in maintenance tells a browser the same.
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

/// The site answers us again: what browsers got is forgotten.
pub(in crate::policy) fn forget(track: &mut ProfileTrack) {
    track.browser = AsBrowser::default();
}
