//! The weekly report (`alerts.email.report: weekly`): one on each Monday at nine, in the time zone of
//! `alerts.timezone`.
//!
//! - It covers the time since the report before it, the first one since reports were configured; it says from when to
//!   when.
//! - If probe did not run at that moment, the next run sends it, up to [`LATE`] after it. After that it waits for the
//!   next Monday and covers all the time since the last report.
//! - Two reports are at least [`APART`] apart on our own line of time, whatever the wall clock does. If the wall clock
//!   is set back, the due time moves back with it.
//! - Without profiles there is no report. When there are profiles again, the next Monday reports what was watched
//!   before as well. Pauses and maintenance windows do not stop it.
//! - All that it says is fixed in the write that queues it.
//! - Down means the same as in `probe history`: an incident was open, counted from its first failure. The report says
//!   for how long our own network was down, probe did not run, or a site could not be judged; such time does not count
//!   as up.

use std::time::Duration;

use crate::model::{
    Channel, Drill, Drills, Ending, EventKind, HostName, HostTrack, Period, ProfileName, Standing,
    Timestamp, Week, WeekHost, WeekRestart, WeekSite, WeekSlow, limits, monday,
};

use crate::policy::draft::Draft;
use crate::policy::host::lesson;
use crate::policy::tell::outbox;

/// A report that is later than this waits for the next one.
const LATE: Duration = Duration::from_secs(3 * 86_400);

/// Least time between two reports: half a week, so that a late report does not delay the next one.
const APART: Duration = Duration::from_secs(84 * 3600);

/// The next Monday is never further away than this, even with the end of summer time.
const AHEAD: Duration = Duration::from_secs(7 * 86_400 + 7_200);

/// Sites listed. If there are more, those that were up all the time are only counted.
const SITES: usize = 30;

/// Hosts listed with their restarts.
const HOSTS: usize = 20;

/// Restarts listed of one host, the newest.
const RESTARTS: usize = 10;

/// Slow sites listed.
const SLOWEST: usize = 5;

/// Certificates are listed that end within this, or within the first step of `warn_before` if that is longer.
const CERTIFICATES: Duration = Duration::from_secs(30 * 86_400);

/// Certificates listed, and places of each.
const ENDINGS: usize = 20;

/// Hosts without a drill that are listed.
const UNDRILLED: usize = 20;

fn wanted(draft: &Draft<'_>) -> bool {
    let email = draft.settings.email.as_ref();
    email.is_some_and(|email| email.report)
}

/// A run begins or the configuration changed: the due time is computed anew, because the time zone may have changed.
pub(in crate::policy) fn started(draft: &mut Draft<'_>) {
    let zone = &draft.settings.wording.zone.rules;
    if let Some(period) = &mut draft.fleet.core.week
        && let Some(due) = monday(zone, period.asked)
    {
        period.due = due;
    }
}

/// Makes the report when it is due.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    if !wanted(draft) {
        draft.fleet.core.week = None;
        return;
    }
    let (now, wall) = (draft.now, draft.wall(draft.now));
    // Removing all profiles and adding them again does not start another period.
    let nobody = draft.settings.profiles.is_empty();
    let Some(mut period) = draft.fleet.core.week.clone() else {
        if !nobody {
            begin(draft, 1, true);
        }
        return;
    };
    let set_back = period.due.since(wall) > AHEAD;
    if wall < period.due && !set_back {
        return;
    }
    let late = wall.since(period.due) > LATE;
    let again = !period.first && now.since(period.began) < APART;
    if set_back || late || again || nobody {
        if let Some(due) = monday(&draft.settings.wording.zone.rules, wall) {
            (period.asked, period.due) = (wall, due);
            draft.fleet.core.week = Some(period);
            draft.durable = true;
        }
        return;
    }
    let week = write(draft, &period);
    let mut notification = draft.blank(EventKind::Report);
    notification.since = Some(week.from);
    notification.until = Some(wall);
    notification.certificates = certificates(draft);
    notification.week = Some(Box::new(week));
    outbox::queue(draft, &notification);
    begin(draft, period.number.saturating_add(1), false);
}

fn begin(draft: &mut Draft<'_>, number: u32, first: bool) {
    let (now, wall) = (draft.now, draft.wall(draft.now));
    let Some(due) = monday(&draft.settings.wording.zone.rules, wall) else {
        return;
    };
    draft.fleet.core.week = Some(Period {
        number,
        began: now,
        asked: wall,
        due,
        first,
        blind: Duration::ZERO,
        away: Duration::ZERO,
    });
    draft.durable = true;
}

/// When it is due, on the fleet's line.
pub(in crate::policy) fn wakeup(fleet: &crate::model::Fleet) -> Option<Timestamp> {
    let period = fleet.core.week.as_ref()?;
    Some(Timestamp(
        period.due.0.saturating_sub(fleet.core.clock.skew_ms),
    ))
}

/// A probe of a profile was well: counts it with its response time.
pub(in crate::policy) fn answered(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(number) = draft.fleet.core.week.as_ref().map(|week| week.number) else {
        return;
    };
    let wall = draft.wall(draft.now);
    let track = draft.fleet.profile_mut(name);
    let took = track.last.iter().map(|check| check.timings.total).max();
    if let Some(took) = took {
        track.week = track.week.of(number);
        track.week.count(took, wall);
    }
}

/// An incident of a profile that began then is over.
pub(in crate::policy) fn over(draft: &mut Draft<'_>, name: &ProfileName, since: Timestamp) {
    let Some((number, began)) = draft.fleet.core.week.as_ref().map(|w| (w.number, w.began)) else {
        return;
    };
    let now = draft.now;
    let track = draft.fleet.profile_mut(name);
    track.week = track.week.of(number);
    track.week.over(now.since(since.max(began)));
}

/// A profile that was not judged since then is judged again, or no longer watched.
pub(in crate::policy) fn judged(draft: &mut Draft<'_>, name: &ProfileName, since: Timestamp) {
    let Some((number, began)) = draft.fleet.core.week.as_ref().map(|w| (w.number, w.began)) else {
        return;
    };
    let now = draft.now;
    let track = draft.fleet.profile_mut(name);
    track.week = track.week.of(number);
    track.week.blank(now.since(since.max(began)));
}

/// Our own network is back after it was down since then.
pub(in crate::policy) fn seeing(draft: &mut Draft<'_>, since: Timestamp) {
    let now = draft.now;
    if let Some(week) = &mut draft.fleet.core.week {
        week.blind += now.since(since.max(week.began));
    }
}

/// Counts the time since the last step (at `seen`) as not watched, if it is too long.
pub(in crate::policy) fn passed(draft: &mut Draft<'_>, seen: Timestamp) {
    let Some(began) = draft.fleet.core.week.as_ref().map(|week| week.began) else {
        return;
    };
    let gap = draft.now.since(seen.max(began));
    // Time in which our own network is down is counted when it is back.
    if gap <= limits::UNWATCHED_AFTER || draft.fleet.core.network.down_since.is_some() {
        return;
    }
    let profiles = draft.settings.profiles.values();
    let most_often = profiles.map(|profile| profile.interval).min();
    let too_much = most_often.is_some_and(|usual| gap > usual.saturating_mul(3));
    if let Some(week) = draft.fleet.core.week.as_mut().filter(|_| too_much) {
        week.away += gap;
    }
}

/// A host is restarted.
pub(in crate::policy) fn restarted(draft: &mut Draft<'_>, name: &HostName) {
    if let Some(number) = draft.fleet.core.week.as_ref().map(|week| week.number) {
        let track = draft.fleet.host_mut(name);
        track.week = track.week.of(number);
        track.week.count = track.week.count.saturating_add(1);
    }
}

/// The restart that began then did not take place.
pub(in crate::policy) fn undone(draft: &mut Draft<'_>, name: &HostName, began: Timestamp) {
    let week = draft.fleet.core.week.as_ref();
    if let Some(number) = week.filter(|week| began >= week.began).map(|w| w.number) {
        let track = draft.fleet.host_mut(name);
        track.week = track.week.of(number);
        track.week.count = track.week.count.saturating_sub(1);
    }
}

fn write(draft: &Draft<'_>, period: &Period) -> Week {
    let (fleet, now) = (&draft.fleet, draft.now);
    let mut sites = Vec::new();
    let mut slowest: Vec<WeekSlow> = Vec::new();
    for name in draft.settings.profiles.keys() {
        let track = fleet.profiles.get(name);
        let tally = track.map(|track| track.week.of(period.number));
        let tally = tally.unwrap_or_default();
        let open = track.and_then(|track| track.incident.as_ref());
        let lasts = open.map(|open| now.since(open.since.max(period.began)));
        let blank = track.and_then(|track| match track.standing {
            Standing::New => Some(period.began),
            Standing::Up | Standing::Degraded | Standing::Failing | Standing::Down => {
                Some(track.unjudged.as_ref()?.since.max(period.began))
            }
        });
        let blank = blank.map_or(Duration::ZERO, |since| now.since(since));
        sites.push(WeekSite {
            unjudged: Duration::from_secs(tally.unjudged_s.into()) + blank,
            profile: name.clone(),
            down: Duration::from_secs(tally.down_s.into()) + lasts.unwrap_or_default(),
            outages: tally.outages.saturating_add(u32::from(open.is_some())),
            still: open.is_some(),
        });
        if let Some(mean) = tally.mean() {
            slowest.push(WeekSlow {
                profile: name.clone(),
                longest: Duration::from_millis(tally.longest_ms.into()),
                at: Timestamp(i64::from(tally.longest_at) * 1000),
                mean,
            });
        }
    }
    let profiles = count(sites.len());
    let down = sites.iter().map(|site| site.down).sum();
    let unjudged = sites.iter().map(|site| site.unjudged).sum();
    // A single probe without a result does not put a site on the list.
    let blank = |site: &WeekSite| site.unjudged >= limits::UNJUDGED;
    let rank = |site: &WeekSite| (site.outages > 0, site.down, blank(site), site.unjudged);
    sites.sort_by(|a, b| (rank(b), &a.profile).cmp(&(rank(a), &b.profile)));
    let hit = sites.iter().filter(|site| site.outages > 0).count();
    let told = sites.iter().filter(|site| site.outages > 0 || blank(site));
    let told = told.count();
    let listed = match sites.len() > SITES {
        true => told.min(SITES),
        false => sites.len(),
    };
    let down_more = hit.saturating_sub(listed);
    let unjudged_more = told.saturating_sub(listed) - down_more;
    let up_more = sites.len() - listed - down_more - unjudged_more;
    sites.truncate(listed);
    slowest.sort_by(|a, b| (b.longest, &a.profile).cmp(&(a.longest, &b.profile)));
    slowest.truncate(SLOWEST);
    let mut hosts: Vec<WeekHost> = Vec::new();
    let mut restarts = 0_u32;
    for (name, track) in &fleet.hosts {
        let all = held(draft, track, period.began);
        let times = track.week.of(period.number).count.max(count(all.len()));
        restarts = restarts.saturating_add(times);
        if times > 0 {
            hosts.push(WeekHost {
                host: name.clone(),
                count: times,
                restarts: all,
                lesson: lesson::of(track, now),
            });
        }
    }
    hosts.sort_by(|a, b| (b.count, &a.host).cmp(&(a.count, &b.host)));
    hosts.truncate(HOSTS);
    for host in &mut hosts {
        let surplus = host.restarts.len().saturating_sub(RESTARTS);
        host.restarts.drain(..surplus);
    }
    let blind = fleet.core.network.down_since;
    let blind = blind.map_or(Duration::ZERO, |since| now.since(since.max(period.began)));
    let configured = draft.settings.hosts.keys();
    let drilled = |name: &str| fleet.drills.hosts.get(name).copied();
    // A look with facts came by the same login as a drill.
    let let_in = |host: &&HostName| {
        let look = fleet.hosts.get(*host).and_then(|track| track.look.as_ref());
        look.is_some_and(|look| look.diagnosis.facts().is_some())
    };
    let undrilled = configured
        .clone()
        .filter(|host| drilled(host.as_str()).is_none() && !let_in(host));
    let hosts_drilled = configured
        .clone()
        .filter_map(|host| Some((host.to_string(), drilled(host.as_str())?)));
    let mut rehearsed: Vec<(String, Drill)> = hosts_drilled.collect();
    // Failed ones first, then the oldest.
    rehearsed.sort_by_key(|(_, drill)| (drill.well, drill.at));
    rehearsed.truncate(HOSTS);
    let undelivered = fleet.outbox.values().filter(|entry| {
        entry.is_dead() && entry.channel == Channel::Mail && entry.queued >= period.began
    });
    Week {
        from: draft.wall(period.began),
        span: now.since(period.began),
        first: period.first,
        blind: period.blind + blind,
        away: period.away,
        profiles,
        down_more: count(down_more),
        unjudged_more: count(unjudged_more),
        up_more: count(up_more),
        sites,
        down,
        unjudged,
        hosts,
        restarts,
        slowest,
        drills: Drills {
            hosts: rehearsed.into_iter().collect(),
            mail: fleet.drills.mail,
        },
        undrilled: undrilled.take(UNDRILLED).cloned().collect(),
        undelivered: count(undelivered.count()),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A host's restarts of the period, and how each held.
fn held(draft: &Draft<'_>, track: &HostTrack, began: Timestamp) -> Vec<WeekRestart> {
    let of_period = track.past.iter().filter(|past| past.began >= began);
    of_period
        .map(|past| WeekRestart {
            at: draft.wall(past.began),
            needed: past.needed(draft.now),
            held: past.held(draft.now),
        })
        .collect()
}

/// Certificates that end soon, in the order in which they end, each once.
fn certificates(draft: &Draft<'_>) -> Vec<Ending> {
    let wall = draft.wall(draft.now);
    let mut endings: Vec<Ending> = Vec::new();
    for (name, profile) in &draft.settings.profiles {
        let steps = profile.tls.warn_before.iter().copied();
        let ahead = steps.max().unwrap_or_default().max(CERTIFICATES);
        let last = draft.fleet.profiles.get(name).map(|track| &track.last);
        for check in last.into_iter().flatten() {
            let Some(shown) = check.certificate.as_deref() else {
                continue;
            };
            if shown.not_after.since(wall) > ahead {
                continue;
            }
            let place = format!("{name}: {}", check.url);
            let known = endings
                .iter_mut()
                .find(|known| known.fingerprint == shown.fingerprint);
            match known {
                Some(known) if known.places.len() < ENDINGS => known.places.push(place),
                Some(_) => {}
                None => endings.push(Ending {
                    fingerprint: shown.fingerprint.clone(),
                    names: shown.names.clone(),
                    subject: shown.subject.clone(),
                    issuer: shown.issuer.clone(),
                    ends: shown.not_after,
                    step: ahead,
                    places: vec![place],
                }),
            }
        }
    }
    endings.sort_by(|a, b| (a.ends, &a.fingerprint).cmp(&(b.ends, &b.fingerprint)));
    endings.truncate(ENDINGS);
    endings
}
