//! What a message of an incident says: the state, what was done, and what comes next, all as it is when the message is
//! queued. What comes next is read from the state that the decision leaves, never taken from the event that is told: a
//! hold that was over in the same decision is not told any more.
//!
//! People are told of an incident once it is known what comes next: after the look at its host, and after the host's
//! other sites were probed as well, so that one message names all of them. The look has its own time limit; for the
//! other sites the message waits at most [`limits::GATHER`]. A restart waits for no mail.

use crate::model::{
    Attempt, CheckResult, DatedFacts, EventKind, Fleet, Hold, HostName, Next, ProfileName, Remark,
    Stage, Telling, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::lesson;
use crate::policy::site::judge::seen;
use crate::policy::tell::{flap, outbox, thread};

/// Tells people of a profile's incident, and of those for which it speaks.
pub(in crate::policy) fn tell(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    event: EventKind,
    next: Next,
    remark: Option<Remark>,
) {
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    let Some(telling) = &track.telling else {
        return;
    };
    let said = matches!(
        event,
        EventKind::Restarted | EventKind::GaveUp | EventKind::Back | EventKind::Closed
    );
    if telling.muted && !said {
        let now = draft.now;
        if let Some(telling) = &mut draft.fleet.profile_mut(name).telling {
            (telling.told, telling.news) = (now, None);
        }
        return;
    }
    let profile = draft.settings.profiles.get(name);
    let host = profile.and_then(|profile| profile.host.clone());
    let mut told = draft.blank(event);
    let over = told.ends();
    told.incident = Some(telling.thread.clone());
    told.sequence = telling.sequence;
    let began = draft.wall(telling.began());
    told.answers = !over && track.successes > 0 && track.last.iter().all(CheckResult::is_ok);
    told.profile = Some(name.clone());
    told.first.clone_from(&telling.first);
    let settings = host
        .as_ref()
        .and_then(|host| draft.settings.hosts.get(host));
    told.ssh = settings.map(|host| host.ssh.clone());
    told.operator_ssh = settings.and_then(|host| host.operator_ssh.clone());
    told.lesson = host
        .as_ref()
        .and_then(|host| lesson::of(draft.fleet.hosts.get(host)?, draft.now));
    told.facts = host
        .as_ref()
        .and_then(|host| facts(draft, host, telling.since));
    told.host = host;
    told.slow = profile.and_then(|profile| profile.slow);
    told.opened = Some(draft.wall(telling.opened));
    told.until = over.then(|| draft.wall(draft.now));
    // The end says how the outage began; every other message says what is so now.
    told.cause = Some(if over {
        telling.cause
    } else {
        thread::shown(draft, name, telling)
    });
    told.seen = if over { Vec::new() } else { seen(&track.last) };
    // A restart that begins now is what comes next, not what was done.
    let begins = matches!(next, Next::Restart { .. });
    let done = attempts(draft, name, telling).filter(|attempt| !begins || attempt.ended.is_some());
    told.attempts = done
        .map(|attempt| attempt.shifted(|at| draft.wall(at)))
        .collect();
    told.next = match next {
        Next::Held(hold) => Next::Held(hold.shifted(|at| draft.wall(at))),
        Next::Prove { from } => Next::Prove {
            from: draft.wall(from),
        },
        Next::Restart { .. } | Next::WatchOnly | Next::Nothing => next,
    };
    told.remark = remark;
    told.story = over && telling.sequence == 0;
    told.flaps = flap::flaps(draft, name);
    told.sites = thread::sites(draft, name, event);
    // Of the sites of which the event is true: not since one went down that has long been back.
    let concerned = told.sites.iter().filter(|site| told.concerns(site));
    let earliest = concerned.map(|site| site.since).min();
    told.since = Some(earliest.unwrap_or(began));
    outbox::queue(draft, &told);
    let now = draft.now;
    if let Some(telling) = &mut draft.fleet.profile_mut(name).telling {
        telling.sequence += 1;
        telling.told = now;
        if let Next::Held(hold) = &told.next {
            telling.withheld.insert(hold.word().to_owned());
        }
    }
    thread::named(draft, name, &told.sites);
    if event == EventKind::GaveUp {
        flap::unmute(draft, name);
    }
}

/// The attempts in a profile's incident, and in the earlier ones of its thread for which it speaks.
fn attempts<'a>(
    draft: &'a Draft<'_>,
    name: &ProfileName,
    telling: &'a Telling,
) -> impl Iterator<Item = &'a Attempt> {
    let track = draft.fleet.profiles.get(name);
    let incident = track.and_then(|track| track.incident.as_ref());
    let own = incident.map_or(&[][..], |incident| &incident.attempts);
    let known = |attempt: &&Attempt| own.iter().all(|own| own.id != attempt.id);
    telling.attempts.iter().filter(known).chain(own)
}

/// What a look at the host found during this incident or just before it.
fn facts(draft: &Draft<'_>, host: &HostName, since: Timestamp) -> Option<Box<DatedFacts>> {
    let look = draft.fleet.hosts.get(host)?.look.as_ref()?;
    let facts = look.diagnosis.facts()?;
    (look.began + limits::LOOK_FRESH >= since).then(|| {
        Box::new(DatedFacts {
            at: draft.wall(look.began),
            facts: facts.clone(),
        })
    })
}

/// Whether people have not heard of a profile's incident yet.
pub(in crate::policy) fn is_untold(draft: &Draft<'_>, name: &ProfileName) -> bool {
    thread::telling(draft, name).is_some_and(|telling| telling.sequence == 0 && !telling.led)
}

/// Tells people that a profile is down, if they were not told yet.
pub(in crate::policy) fn announce(draft: &mut Draft<'_>, name: &ProfileName, next: Next) {
    if is_untold(draft, name) {
        tell(draft, name, EventKind::Down, next, None);
    }
}

/// What comes next for a profile that is down: by the stage of its host, and only on an idle host by what holds it.
pub(in crate::policy) fn next_for(draft: &Draft<'_>, name: &ProfileName) -> Next {
    let host = draft
        .settings
        .profiles
        .get(name)
        .and_then(|profile| profile.host.as_ref());
    let Some((settings, track)) = host.and_then(|host| {
        draft
            .settings
            .hosts
            .get(host)
            .zip(draft.fleet.hosts.get(host))
    }) else {
        return Next::WatchOnly;
    };
    let begins = |attempt: &&Attempt| track.acting && attempt.began == draft.now;
    match &track.stage {
        Stage::Restarting { .. } => match track.last.as_ref().filter(begins) {
            Some(attempt) => Next::Restart {
                command: attempt.command.clone(),
                number: attempt.number,
                of: settings.restart.give_up_after,
            },
            None => Next::Held(Hold::Restarting),
        },
        Stage::Settling { until, .. } => Next::Prove { from: *until },
        Stage::GaveUp { reason, .. } => Next::Held(Hold::GaveUp {
            reason: reason.clone(),
        }),
        Stage::Idle => track.hold.clone().map_or(Next::Nothing, Next::Held),
    }
}

/// Announces the incidents that people have not heard of, if it is known what comes next.
pub(in crate::policy) fn announce_opened(draft: &mut Draft<'_>) {
    draft.fleet.reindex();
    if draft.fleet.index.untold.is_empty() {
        return;
    }
    for name in draft.fleet.index.untold.clone() {
        if !is_known_soon(draft, &name) {
            let next = next_for(draft, &name);
            announce(draft, &name, next);
        }
    }
}

/// Tells of sites that joined a thread or are back, if nothing else was told since.
pub(in crate::policy) fn tell_news(draft: &mut Draft<'_>) {
    let due = |since| draft.now.since(since) >= limits::SITES_NEWS;
    let news = draft.fleet.index.news.iter();
    let names: Vec<ProfileName> = news
        .take_while(|(since, _)| due(*since))
        .map(|(_, name)| name.clone())
        .collect();
    for name in names {
        let next = next_for(draft, &name);
        tell(draft, &name, EventKind::Reminder, next, None);
    }
}

/// Whether it is known in a few seconds what comes next and which sites are affected: the profile's host is being
/// looked at, a canary or a probe is awaited, or other sites of the host were not probed since this one began to fail.
fn is_known_soon(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let Some(host) = draft.host_of(name) else {
        return false;
    };
    let track = draft.fleet.hosts.get(&host);
    let asked = track.and_then(|track| track.hold.as_ref());
    asked.is_some_and(Hold::is_question) || thread::is_gathering(draft, &host, name)
}

/// When the next untold incident is announced at the latest, or the next news of a thread or of flapping is due.
pub(in crate::policy) fn wakeup(fleet: &Fleet) -> Option<Timestamp> {
    let untold = fleet.index.untold.iter();
    let opened = untold
        .filter_map(|name| fleet.profiles.get(name)?.telling.as_ref())
        .map(|telling| telling.opened + limits::GATHER)
        .filter(|at| *at > fleet.now())
        .min();
    let news = fleet.index.news.first();
    let news = news.map(|(since, _)| *since + limits::SITES_NEWS);
    [opened, news, flap::wakeup(fleet)]
        .into_iter()
        .flatten()
        .min()
}
