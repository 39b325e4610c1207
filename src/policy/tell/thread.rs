//! One thread of mails for all sites of a host that go down together.
//!
//! The first incident speaks: every message of the thread is about its site and names the others. An incident that
//! opens on the same host within [`limits::JOIN`] after it is led, if both have a fault of the host or the same cause:
//! it gets no message of its own. When the speaking incident is over before the others, the next one takes over the
//! thread with all that was told in it. The thread ends with its last incident. Sites that joined or came back since
//! the last message get a message of their own only if nothing else was told for [`limits::SITES_NEWS`].

use crate::model::{
    Affected, Cause, EventKind, HostName, IncidentId, ProfileName, SiteState, Standing, Telling,
    limits,
};

use crate::policy::draft::Draft;
use crate::policy::site::incident::ails_host;
use crate::policy::site::judge;

/// The profiles of a host whose incidents speak for a thread.
pub(in crate::policy) fn speakers(draft: &Draft<'_>, host: &HostName) -> Vec<ProfileName> {
    let mut names = draft.profiles_of(host);
    names.retain(|name| telling(draft, name).is_some_and(|telling| !telling.led));
    names
}

/// What people were told of a profile's open incident.
pub(in crate::policy) fn telling<'a>(
    draft: &'a Draft<'_>,
    name: &ProfileName,
) -> Option<&'a Telling> {
    draft.fleet.profiles.get(name)?.telling.as_deref()
}

/// The profiles of a thread, even if one was removed from the configuration or moved to another host.
fn mates(draft: &mut Draft<'_>, thread: &IncidentId) -> Vec<ProfileName> {
    draft.fleet.reindex();
    let open = draft.fleet.index.open.iter();
    let of =
        |name: &&ProfileName| telling(draft, name).is_some_and(|telling| telling.thread == *thread);
    open.filter(of).cloned().collect()
}

/// The profile of this thread that speaks, or with `led` the first of those that are led.
fn mate(draft: &mut Draft<'_>, thread: &IncidentId, led: bool) -> Option<ProfileName> {
    let mut names = mates(draft, thread).into_iter();
    names.find(|name| telling(draft, name).is_some_and(|telling| telling.led == led))
}

/// The profile whose incident speaks for this thread.
pub(in crate::policy) fn speaker(
    draft: &mut Draft<'_>,
    thread: &IncidentId,
) -> Option<ProfileName> {
    mate(draft, thread, false)
}

/// Another profile that is down in this thread.
pub(in crate::policy) fn other(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    thread: &IncidentId,
) -> Option<ProfileName> {
    mates(draft, thread).into_iter().find(|mate| mate != name)
}

/// An incident was opened: it joins the thread of its host's sites, if there is one that fits.
pub(in crate::policy) fn join(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(host) = draft.host_of(name) else {
        return;
    };
    let now = draft.now;
    let Some(opened) = telling(draft, name) else {
        return;
    };
    let alike = |other: &Telling| {
        let same = other.cause == opened.cause;
        let ails = ails_host(Some(other.cause)) && ails_host(Some(opened.cause));
        (same || ails) && now.since(other.opened) <= limits::JOIN
    };
    let joined = speakers(draft, &host)
        .into_iter()
        .filter(|other| other != name)
        .find(|other| telling(draft, other).is_some_and(alike));
    let Some(speaker) = joined else { return };
    let Some(thread) = telling(draft, &speaker).map(|other| other.thread.clone()) else {
        return;
    };
    if let Some(other) = &mut draft.fleet.profile_mut(&speaker).telling {
        let before = other.listed.len();
        other.listed.retain(|site| site.profile != *name);
        if other.sequence > 0 && other.listed.len() == before {
            other.news.get_or_insert(now);
        }
    }
    if let Some(telling) = &mut draft.fleet.profile_mut(name).telling {
        (telling.thread, telling.led) = (thread, true);
    }
}

/// An incident is over. Returns whether its thread goes on without it; then the thread tells of it.
pub(in crate::policy) fn goes_on(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    state: SiteState,
) -> bool {
    let Some(mut over) = telling(draft, name).cloned() else {
        return false;
    };
    let (now, thread) = (draft.now, over.thread.clone());
    let site = Affected {
        profile: name.clone(),
        state,
        cause: Some(over.cause),
        since: draft.wall(over.began()),
        until: Some(draft.wall(now)),
        unconfirmed: false,
    };
    let Some(next) = mate(draft, &thread, !over.led) else {
        return false;
    };
    let Some(speaks) = &mut draft.fleet.profile_mut(&next).telling else {
        return false;
    };
    if speaks.led {
        // It takes over the thread with all that was told in it.
        over.over.retain(|site| site.profile != next);
        **speaks = Telling {
            since: over.since.min(speaks.since),
            own_since: Some(speaks.began()),
            opened: over.opened.min(speaks.opened),
            cause: speaks.cause,
            latest: speaks.latest,
            first: over.first.clone().or_else(|| Some(name.clone())),
            led: false,
            ..over
        };
    }
    speaks.over.retain(|known| known.profile != site.profile);
    speaks.over.push(site);
    if speaks.sequence > 0 {
        speaks.news.get_or_insert(now);
    }
    true
}

/// The sites of a thread, if there are several: those that are down, failing on the same host, back, or no longer
/// watched.
pub(in crate::policy) fn sites(
    draft: &mut Draft<'_>,
    name: &ProfileName,
    event: EventKind,
) -> Vec<Affected> {
    let Some(thread) = telling(draft, name).map(|telling| telling.thread.clone()) else {
        return Vec::new();
    };
    let mates = mates(draft, &thread);
    let Some(speaks) = telling(draft, name) else {
        return Vec::new();
    };
    let own = if event == EventKind::Closed {
        SiteState::Unwatched
    } else if matches!(event, EventKind::Up | EventKind::Back) {
        SiteState::Back
    } else {
        SiteState::Down
    };
    let ends = own != SiteState::Down;
    let site = |profile: &ProfileName, state, cause, since| Affected {
        profile: profile.clone(),
        state,
        cause,
        since: draft.wall(since),
        until: (state != SiteState::Down && ends).then(|| draft.wall(draft.now)),
        unconfirmed: state == SiteState::Failing,
    };
    let mut sites: Vec<Affected> = Vec::new();
    for mate in &mates {
        if let Some(other) = telling(draft, mate) {
            let state = if mate == name { own } else { SiteState::Down };
            let cause = if ends {
                other.cause
            } else {
                shown(draft, mate, other)
            };
            sites.push(site(mate, state, Some(cause), other.began()));
        }
    }
    let host = draft.host_of(name).filter(|_| !ends);
    for (profile, _) in host.iter().flat_map(|host| draft.watched(host)) {
        let Some(track) = draft.fleet.profiles.get(profile) else {
            continue;
        };
        let cause = track.evidence.cause;
        let ails = ails_host(cause) && ails_host(Some(speaks.cause));
        let alike = cause == Some(speaks.cause) || ails;
        if let (true, Standing::Failing, None, Some(since)) =
            (alike, track.standing, &track.incident, track.failing_since)
        {
            sites.push(site(profile, SiteState::Failing, cause, since));
        }
    }
    let mut more: Vec<Affected> = speaks.over.clone();
    more.extend(speaks.listed.iter().map(|site| resolved(draft, site)));
    for site in more {
        if sites.iter().all(|known| known.profile != site.profile) {
            sites.push(site);
        }
    }
    sites.sort_by(|a, b| (a.state, &a.profile).cmp(&(b.state, &b.profile)));
    if sites.len() > 1 { sites } else { Vec::new() }
}

/// A site that was named as failing: as down if that is confirmed by now, as back if it is well, else unchanged.
fn resolved(draft: &Draft<'_>, site: &Affected) -> Affected {
    let track = draft.fleet.profiles.get(&site.profile);
    if let Some(incident) = track.and_then(|track| track.incident.as_ref()) {
        return Affected {
            state: SiteState::Down,
            cause: Some(incident.cause),
            since: draft.wall(incident.since),
            unconfirmed: false,
            ..site.clone()
        };
    }
    let well = track.filter(|track| {
        matches!(track.standing, Standing::Up | Standing::Degraded) && track.removed.is_none()
    });
    match well {
        Some(track) => Affected {
            state: SiteState::Back,
            until: Some(draft.wall(track.since)),
            ..site.clone()
        },
        None => site.clone(),
    }
}

/// These sites were named in a message of the thread that this profile speaks for.
pub(in crate::policy) fn named(draft: &mut Draft<'_>, name: &ProfileName, sites: &[Affected]) {
    if let Some(telling) = &mut draft.fleet.profile_mut(name).telling {
        telling.news = None;
        for site in sites.iter().filter(|site| site.state == SiteState::Failing) {
            if telling
                .listed
                .iter()
                .all(|known| known.profile != site.profile)
            {
                telling.listed.push(site.clone());
            }
        }
    }
}

/// Whether other sites of the host have no result yet since this one began to fail.
pub(in crate::policy) fn is_gathering(
    draft: &Draft<'_>,
    host: &HostName,
    name: &ProfileName,
) -> bool {
    let Some(telling) = telling(draft, name) else {
        return false;
    };
    if !ails_host(Some(telling.cause)) || draft.now.since(telling.opened) >= limits::GATHER {
        return false;
    }
    draft.watched(host).any(|(other, _)| {
        let track = draft.fleet.profiles.get(other);
        other != name
            && track.is_some_and(|track| {
                let probed = track.probed.is_some_and(|at| at >= telling.since);
                !probed || track.suspicion.is_some()
            })
    })
}

/// The cause by which a profile that is down fails now, or failed last.
pub(in crate::policy) fn shown(draft: &Draft<'_>, name: &ProfileName, telling: &Telling) -> Cause {
    let profile = draft.settings.profiles.get(name);
    let shown = profile.zip(draft.fleet.profiles.get(name));
    shown
        .and_then(|(profile, track)| judge::failing(profile, &track.last))
        .or(telling.latest)
        .unwrap_or(telling.cause)
}

/// A profile was probed: remembers by what it fails, for messages that are written while it answers or cannot be judged.
pub(in crate::policy) fn probed(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(telling) = telling(draft, name) else {
        return;
    };
    let latest = shown(draft, name, telling);
    if telling.latest.unwrap_or(telling.cause) != latest
        && let Some(telling) = &mut draft.fleet.profile_mut(name).telling
    {
        telling.latest = Some(latest);
    }
}
