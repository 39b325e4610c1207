//! Looking at a host before it is restarted.
//!
//! The host is looked at one failure before a restart is due, over the same login, so that the restart does not wait
//! for the look. A restart rests on facts that are no older than [`limits::LOOK_FRESH`], from a look that began after
//! the host began to fail, after its last restart had settled, and after the failure became what it is: a server that
//! gave errors and now is gone may be in somebody else's restart. Nobody looks while our own network is down.
//!
//! What the look found decides:
//!
//! - Facts: the rule table says what they mean ([`triage`](crate::policy::host::triage)). If the ailment passes by
//!   itself, the host is looked at again when it will have passed, else after [`limits::LOOK_PASSING`]; what has not
//!   passed after [`limits::WAIT`] is waited for no more in this failure. If they speak
//!   against a restart, it is looked at again after a minute, then each time after twice as long, up to a quarter of an
//!   hour.
//! - No login: the restart could not be sent either ([`login`](crate::policy::host::login)).
//! - Most hosts fail together, and the look does not show that the server does not run: it is looked at again as above
//!   ([`brake`]).
//! - A login, but the look does not end: the host swaps or cannot fork, so no restart. It is looked at again as above.
//! - Other output than facts: on a host with the agent no restart, and another look as above. On a host without the
//!   agent it is a shell we do not understand: the restart goes on without facts, because people asked for it.

use crate::model::{
    Ailment, Diagnosis, Effect, Happened, Hold, Host, HostFacts, HostName, HostTrack, Look,
    ProbeId, ProfileName, Reach, Standing, Timestamp, When, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::triage::{self, Remedy, Symptoms, Triaged, triage};
use crate::policy::host::{brake, login};
use crate::policy::site::{canary, port};

/// The hold by what the last look found, until the host is to be looked at again.
pub(in crate::policy) fn refusal(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
    profile: &ProfileName,
) -> Option<Hold> {
    let look = track.look.as_ref().filter(|_| host.diagnose)?;
    let refused = is_of_now(track, look).then(|| refused(draft, host, track, look, profile));
    let stands = |hold: &Hold| hold.until().is_some_and(|until| until > draft.now);
    refused.flatten().filter(stands)
}

/// Whether the host must be looked at before it is restarted on this profile's evidence.
pub(in crate::policy) fn rule(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
    profile: &ProfileName,
) -> Option<Hold> {
    if !host.diagnose {
        return None;
    }
    let Some(look) = &track.look else {
        return Some(Hold::AwaitingFacts);
    };
    if !is_of_now(track, look) {
        return Some(Hold::AwaitingFacts);
    }
    let alike_from = draft
        .fleet
        .profiles
        .get(profile)
        .and_then(|track| track.evidence.alike_from);
    let fresh = alike_from.is_none_or(|from| look.began >= from)
        && draft.now.since(look.began) < limits::LOOK_FRESH;
    let is_in = !matches!(look.diagnosis, Diagnosis::NotIn { .. });
    let clear = fresh && is_in && refused(draft, host, track, look, profile).is_none();
    (!clear).then_some(Hold::AwaitingFacts)
}

/// Whether the last look shows that the server itself does not run, which no fault of the network or of ourselves does.
/// `None`: the host must be looked at for that; while it `waits` for another host, once is enough.
pub(in crate::policy) fn shows_stopped(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
    profile: &ProfileName,
    waits: bool,
) -> Option<bool> {
    let cannot = canary::is_down(draft) || login::refusal(draft.now, track).is_some();
    if !host.diagnose || cannot {
        return Some(false);
    }
    let look = track.look.as_ref().filter(|look| is_of_now(track, look))?;
    let stopped = does_not_run(draft, &host.name, profile);
    let age = draft.now.since(look.began);
    let good = if stopped {
        limits::LOOK_FRESH
    } else {
        login::wait(look.refusals)
    };
    (age < good || (stopped && waits)).then_some(stopped)
}

fn does_not_run(draft: &Draft<'_>, host: &HostName, profile: &ProfileName) -> bool {
    let found = finding(draft, host, profile).map(|found| found.ailment);
    matches!(
        found,
        Some(Ailment::Stopped | Ailment::OomKilled | Ailment::PhpDown)
    )
}

/// Whether a look is about the present failure: it began after the host began to fail and after its last restart had
/// settled.
fn is_of_now(track: &HostTrack, look: &Look) -> bool {
    let since = track.failing_since.unwrap_or(look.began);
    look.began >= track.evidence_from && look.began >= since
}

fn refused(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
    look: &Look,
    profile: &ProfileName,
) -> Option<Hold> {
    let again = look.began + login::wait(look.refusals);
    match &look.diagnosis {
        Diagnosis::NotIn { .. } => None,
        Diagnosis::Unreadable { .. } if !host.agent => None,
        Diagnosis::Unreadable { reason } | Diagnosis::Stuck { reason } => Some(Hold::Unseen {
            reason: reason.clone(),
            until: again,
        }),
        Diagnosis::Facts(facts) => {
            let found = found(draft, host, track, facts, look.began, profile)?;
            let until = match found.remedy {
                Remedy::Restart => return None,
                Remedy::Wait => {
                    let soon = look.began + limits::LOOK_PASSING;
                    found.until.map_or(soon, |until| until.max(soon))
                }
                Remedy::Refuse => again,
            };
            Some(Hold::Ailing {
                ailment: found.ailment,
                because: found.because,
                until,
            })
        }
    }
}

/// What the rule table says of the host's last look, if that found facts.
pub(in crate::policy) fn finding(
    draft: &Draft<'_>,
    name: &HostName,
    profile: &ProfileName,
) -> Option<Triaged> {
    let host = draft.settings.hosts.get(name)?;
    let track = draft.fleet.hosts.get(name)?;
    let look = track.look.as_ref()?;
    found(
        draft,
        host,
        track,
        look.diagnosis.facts()?,
        look.began,
        profile,
    )
}

fn found(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
    facts: &HostFacts,
    seen: Timestamp,
    profile: &ProfileName,
) -> Option<Triaged> {
    symptoms(draft, host, track, facts, seen, profile).map(|symptoms| triage(&symptoms))
}

/// What the rule table looks at.
fn symptoms<'a>(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
    facts: &'a HostFacts,
    seen: Timestamp,
    profile: &ProfileName,
) -> Option<Symptoms<'a>> {
    let cause = draft.fleet.profiles.get(profile)?.evidence.cause?;
    let track_of = draft.fleet.profiles.get(profile)?;
    let since = track_of.evidence.alike_from.or(track_of.failing_since)?;
    let waited = waits_of_now(track, seen);
    let waited = waited.filter(|(_, since)| seen.since(*since) >= limits::WAIT);
    Some(Symptoms {
        facts,
        seen,
        cause,
        urls: urls(draft, &host.name, cause.server_gone()),
        failing: seen.since(since),
        serves_others: host.restart.when == When::Auto && serves_others(draft, &host.name, since),
        command: host.restart.rung(track.attempts + 1).to_string(),
        guards: host.guards,
        waited: waited.map(|(ailment, _)| *ailment).collect(),
    })
}

/// The URLs of the host's sites that fail with failures that count. If the server still answers, sites that are probed
/// past their caches are left out: the host may answer itself from a cache, which proves nothing.
fn urls(draft: &Draft<'_>, host: &HostName, server_gone: bool) -> Vec<String> {
    let mut urls = Vec::new();
    for (name, profile) in draft.watched(host) {
        let track = draft.fleet.profiles.get(name);
        let fails = track.is_some_and(|track| {
            let fails = matches!(track.standing, Standing::Failing | Standing::Down);
            fails && track.evidence.not.is_none()
        });
        let cached = profile.cache_bypass != crate::model::CacheBypass::Off && !server_gone;
        if fails && !cached {
            urls.extend(profile.urls.iter().map(crate::model::shown_url));
        }
    }
    urls
}

/// Whether another site of the host was well in a probe that ended after this failure began.
fn serves_others(draft: &Draft<'_>, host: &HostName, since: Timestamp) -> bool {
    draft.watched(host).any(|(name, _)| {
        let track = draft.fleet.profiles.get(name);
        track.is_some_and(|track| {
            matches!(track.standing, Standing::Up | Standing::Degraded)
                && track.unknown.is_none()
                && track.probed.is_some_and(|probed| probed > since)
        })
    })
}

/// Orders looks at the hosts that need one.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    draft.fleet.reindex();
    let wanted: Vec<HostName> = draft.fleet.index.unseen.iter().cloned().collect();
    for name in wanted {
        let Some(host) = draft.host(&name).filter(|host| host.diagnose) else {
            continue;
        };
        let Some(track) = draft.fleet.hosts.get(&name) else {
            continue;
        };
        if track.looking.is_some() || !is_wanted(draft, &host, track) {
            continue;
        }
        let probe = draft.fleet.next_probe();
        draft.fleet.host_mut(&name).looking = Some((probe, draft.now));
        draft.effects.push(Effect::Diagnose { probe, host: name });
    }
}

/// Whether a host needs a look: not while the last look is still good or our own network is down.
fn is_wanted(draft: &Draft<'_>, host: &Host, track: &HostTrack) -> bool {
    if canary::is_down(draft) || login::refusal(draft.now, track).is_some() {
        return false;
    }
    let lacks = |(name, _): (&ProfileName, _)| rule(draft, host, track, name).is_some();
    let awaited = track.hold == Some(Hold::AwaitingFacts) && draft.watched(&host.name).any(lacks);
    let Some(look) = &track.look else {
        return true;
    };
    // A look ahead of the restart must still be fresh at the next failure, one retry interval and one probe later.
    let retry = draft
        .watched(&host.name)
        .map(|(_, profile)| profile.retry_interval + profile.timeout);
    let ahead = limits::LOOK_FRESH.saturating_sub(retry.max().unwrap_or_default());
    if !is_of_now(track, look) {
        return true;
    }
    let good = draft.now.since(look.began) < ahead;
    let waits = look.refusals > 0 && look.began + login::wait(look.refusals) > draft.now;
    awaited || !(good || waits)
}

/// A host was looked at.
pub(in crate::policy) fn diagnosed(
    draft: &mut Draft<'_>,
    probe: ProbeId,
    name: &HostName,
    diagnosis: Diagnosis,
) {
    let Some(track) = draft.fleet.hosts.get_mut(name) else {
        return;
    };
    let Some((_, began)) = track.looking.take_if(|(id, _)| *id == probe) else {
        return;
    };
    let before = track.look.as_ref().filter(|look| is_of_now(track, look));
    let before = before.map_or(0, |look| look.refusals);
    let track = draft.fleet.host_mut(name);
    track.look = Some(Box::new(Look {
        began,
        diagnosis: diagnosis.clone(),
        refusals: 1,
    }));
    match &diagnosis {
        Diagnosis::NotIn { reason, refused } => {
            login::failed(draft, name, reason.clone(), *refused);
            port::ask(draft, name.clone());
        }
        Diagnosis::Facts(_) | Diagnosis::Stuck { .. } | Diagnosis::Unreadable { .. } => {
            login::worked(draft, name);
            port::reached(draft.fleet.host_mut(name), Reach::Answered, draft.now);
        }
    }
    let subject = subject(draft, name);
    if let Some(waits) = subject.as_ref().and_then(|one| waits(draft, name, one)) {
        draft.fleet.host_mut(name).waits = waits;
    }
    let against = draft
        .host(name)
        .zip(draft.fleet.hosts.get(name))
        .zip(subject.as_ref())
        .is_some_and(|((host, track), profile)| {
            let look = track.look.as_deref();
            let refused = look.and_then(|look| refused(draft, &host, track, look, profile));
            refused.is_some()
                || (brake::mass_failure(draft, track, profile).is_some()
                    && !does_not_run(draft, name, profile))
        });
    let ailment = subject
        .as_ref()
        .and_then(|profile| finding(draft, name, profile))
        .map(|found| found.ailment);
    if let Some(look) = &mut draft.fleet.host_mut(name).look {
        look.refusals = if against { before + 1 } else { 0 };
    }
    draft.happened.push(Happened::Diagnosed {
        host: name.clone(),
        ailment,
        diagnosis,
    });
}

/// What is known to pass by itself, each since when; what was found in an earlier failure of the host says nothing of this one.
fn waits_of_now(track: &HostTrack, seen: Timestamp) -> impl Iterator<Item = &(Ailment, Timestamp)> {
    let failing = track.failing_since.unwrap_or(seen);
    let waits = track.waits.iter();
    waits.filter(move |(_, since)| *since >= failing)
}

/// What the last look found that passes by itself, each since when, in the present failure of the host.
fn waits(
    draft: &Draft<'_>,
    name: &HostName,
    profile: &ProfileName,
) -> Option<Vec<(Ailment, Timestamp)>> {
    let host = draft.settings.hosts.get(name)?;
    let track = draft.fleet.hosts.get(name)?;
    let look = track.look.as_ref()?;
    let facts = look.diagnosis.facts()?;
    let symptoms = symptoms(draft, host, track, facts, look.began, profile)?;
    let since = |ailment: Ailment| {
        let known = waits_of_now(track, look.began).find(|(one, _)| *one == ailment);
        known.map_or(look.began, |(_, since)| *since)
    };
    let all = triage::waits(&symptoms);
    Some(all.map(|ailment| (ailment, since(ailment))).collect())
}

/// The failing profile on whose evidence the host would be restarted: preferably one whose server is gone.
pub(in crate::policy) fn subject(draft: &Draft<'_>, host: &HostName) -> Option<ProfileName> {
    let failing = draft.watched(host).filter_map(|(name, _)| {
        let track = draft.fleet.profiles.get(name)?;
        let fails = matches!(track.standing, Standing::Failing | Standing::Down);
        let counts = fails && track.evidence.not.is_none();
        let cause = track.evidence.cause.filter(|_| counts)?;
        Some((!cause.server_gone(), name))
    });
    failing.min().map(|(_, name)| name.clone())
}
