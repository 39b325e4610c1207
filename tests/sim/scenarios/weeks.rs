//! Stories of the weekly report. They begin on a Sunday, 22 Nov 2026, 05:59 UTC.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    Cause, Email, Entry, EventKind, Happened, Held, Settings, Timestamp, Week, Wording, Zone,
};
use probe::render::history;
use probe::render::mail::compose;

use super::super::invariants;
use super::super::setup::{each_profile, email, secs, settings};
use super::super::world::{BEGIN, Fact, Heals, Mail, Ssh, World};
use super::MINUTE;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn weekly(sites: &[&str], zone: &str) -> Settings {
    let mut settings = settings(sites);
    // Slow enough for months to be played.
    each_profile(&mut settings, |site| site.interval = 10 * MINUTE);
    settings.email = Some(Arc::new(Email {
        report: true,
        ..email()
    }));
    settings.wording = Arc::new(Wording {
        zone: Zone::try_new(zone).unwrap(),
        ..Wording::default()
    });
    settings
}

fn reports(world: &World) -> Vec<&Entry> {
    let told = |entry: &&Entry| entry.notification.event == EventKind::Report;
    world.mails().into_iter().filter(told).collect()
}

fn weeks(world: &World) -> Vec<Week> {
    let told = reports(world).into_iter();
    told.filter_map(|entry| entry.notification.week.as_deref().cloned())
        .collect()
}

/// When each was made, to the minute, by UTC.
fn made(world: &World) -> Vec<String> {
    let at = |entry: &Entry| entry.notification.at.to_string();
    let told = reports(world).into_iter();
    told.map(|entry| at(entry).chars().take(16).collect())
        .collect()
}

/// Each Monday at nine by the clock on the wall, and never one more, over a month in which summer time begins.
#[test]
fn a_month_of_mondays() {
    let mut world = World::new(weekly(&["shop@web1"], "Europe/Berlin"));
    // 12 March 2027, a Friday.
    world.wall_offset = 110 * 86_400_000;
    world.at(12 * DAY, |world| world.ill("web1", Some(Cause::Refused)));
    world.run_daemon();
    world.go_on(32 * DAY);
    assert_eq!(
        made(&world),
        [
            "2027-03-15T08:00",
            "2027-03-22T08:00",
            "2027-03-29T07:00",
            "2027-04-05T07:00",
            "2027-04-12T07:00"
        ]
    );
    let weeks = weeks(&world);
    assert!(weeks[0].first && !weeks[1].first);
    assert_eq!(weeks[2].span, 7 * DAY - HOUR, "an hour was left out");
    for (place, week) in weeks.iter().enumerate() {
        let hit = place == 2;
        assert_eq!(week.restarts, u32::from(hit), "{place}");
        assert_eq!(week.sites[0].outages, u32::from(hit), "{place}");
        assert_eq!(week.share_of_all() < Some(10_000), hit, "{place}");
        assert!(!week.sites[0].still);
    }
    assert!(matches!(
        weeks[2].hosts[0].restarts[0].held,
        Held::Still(span) if span > DAY
    ));
    assert!(
        weeks[3].hosts.is_empty(),
        "its restart is of the week before"
    );
    let periods = reports(&world);
    for pair in periods.windows(2) {
        assert_eq!(pair[0].notification.until, pair[1].notification.since);
    }
    invariants::check(&world, "mondays");
}

/// What was down over the moment counts in both weeks, each its own part.
#[test]
fn an_outage_over_the_moment_is_shared() {
    let mut settings = weekly(&["shop"], "UTC");
    each_profile(&mut settings, |site| site.interval = 2 * MINUTE);
    let mut world = World::new(settings);
    let moment = 27 * HOUR + MINUTE;
    let site = super::profile("shop");
    let gone = site.clone();
    world.at(moment - HOUR, move |world| {
        world.sites.insert(gone, Some(Cause::Status));
    });
    world.at(moment + 2 * HOUR, move |world| {
        world.sites.insert(site, None);
    });
    world.run_daemon();
    world.go_on(9 * DAY);
    let weeks = weeks(&world);
    assert_eq!(weeks.len(), 2);
    let near = |week: &Week, wanted: Duration| {
        let down = week.sites[0].down;
        let slack = 5 * MINUTE;
        assert!(down + slack >= wanted && down <= wanted + slack, "{down:?}");
    };
    assert!(weeks[0].sites[0].still && !weeks[1].sites[0].still);
    near(&weeks[0], HOUR);
    near(&weeks[1], 2 * HOUR);
    invariants::check(&world, "shared");
}

/// A machine that was off on Monday reports when it is on again, once; off for longer, on the next Monday.
#[test]
fn off_over_monday() {
    for (off, wanted) in [
        (2 * DAY, ["2026-11-24T05:59", "2026-11-30T09:00"]),
        (6 * DAY, ["2026-11-30T09:00", "2026-12-07T09:00"]),
    ] {
        let mut world = World::new(weekly(&["shop@web1"], "UTC"));
        world.run_daemon();
        world.go_on(HOUR);
        world.restart_after_crash = None;
        world.crash();
        world.go_on(off - HOUR);
        world.run_daemon();
        world.go_on(17 * DAY - off);
        let made = made(&world);
        assert_eq!(made[..2], wanted, "{off:?}");
        assert_eq!(made.len(), if off == 2 * DAY { 3 } else { 2 });
        // What was not seen is told: from the last step to the first one after it.
        let away = weeks(&world)[0].away;
        let slack = 15 * MINUTE;
        assert!(
            away + slack >= off - HOUR && away <= off + slack,
            "{away:?}"
        );
        assert_eq!(weeks(&world)[1].away, Duration::ZERO);
        let letter = compose(reports(&world)[0], &Wording::default());
        let said = letter.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("probe did not run: nothing could be seen"),
            "{said}"
        );
        invariants::check(&world, "off");
    }
}

/// S24: no jump of the wall clock makes a second report of a week, or loses more than the one it jumped over.
#[test]
fn a_clock_that_jumps_makes_no_second_report() {
    for (jump, back) in [
        (20 * DAY, true),
        (3650 * DAY, true),
        (3650 * DAY, false),
        (2 * HOUR, true),
    ] {
        let mut world = World::new(weekly(&["shop@web1"], "UTC"));
        let by = i64::try_from(jump.as_millis()).unwrap();
        world.at(9 * DAY, move |world| world.wall_offset = by);
        if back {
            world.at(9 * DAY + HOUR, |world| world.wall_offset = 0);
        }
        // And back by two weeks for an hour, on a Monday evening.
        world.at(29 * DAY + 12 * HOUR, |world| {
            world.wall_offset -= 14 * 86_400_000
        });
        world.at(29 * DAY + 13 * HOUR, |world| {
            world.wall_offset += 14 * 86_400_000
        });
        world.run_daemon();
        world.go_on(50 * DAY);
        let told = reports(&world);
        // Seven Mondays and a bit: 1, 8, …, 50 days after the beginning.
        assert!(
            (7..=8).contains(&told.len()),
            "{jump:?}: {:?}",
            made(&world)
        );
        let weeks = weeks(&world);
        assert!(weeks.iter().skip(1).all(|week| week.span >= 84 * HOUR));
        invariants::check(&world, "jumps");
    }
}

/// A mail server that is down on Monday delays the report and changes nothing of it.
#[test]
fn no_mail_server_on_monday() {
    let mut world = World::new(weekly(&["shop@web1"], "UTC"));
    world.at(26 * HOUR, |world| world.mail = Mail::Down);
    world.at(40 * HOUR, |world| world.ill("web1", Some(Cause::Refused)));
    world.at(50 * HOUR, |world| world.mail = Mail::Up);
    world.run_daemon();
    world.go_on(3 * DAY);
    let told = reports(&world);
    assert_eq!(told.len(), 1);
    let week = told[0].notification.week.as_deref().unwrap();
    assert_eq!((week.restarts, week.down), (0, Duration::ZERO), "as it was");
    assert_eq!(made(&world), ["2026-11-23T09:00"]);
    let letter = compose(told[0], &Wording::default());
    assert_eq!(letter.date, Timestamp(BEGIN) + 27 * HOUR + MINUTE);
    invariants::check(&world, "no-server");
}

/// Runs of `probe once` alone report as well, at the first one after the moment.
#[test]
fn cron_reports_as_well() {
    let mut world = World::new(weekly(&["shop@web1"], "Asia/Tokyo"));
    world.run_cron();
    world.go_on(9 * DAY);
    assert_eq!(made(&world), ["2026-11-23T00:00", "2026-11-30T00:00"]);
    assert!(weeks(&world).iter().all(|week| week.away.is_zero()));
    invariants::check(&world, "cron");
}

/// S33, and who did not ask: nobody hears.
#[test]
fn nobody_asked_or_nothing_to_watch() {
    let mut unasked = weekly(&["shop@web1"], "UTC");
    unasked.email = Some(Arc::new(email()));
    for settings in [unasked, weekly(&[], "UTC")] {
        let mut world = World::new(settings);
        world.run_daemon();
        world.go_on(9 * DAY + secs(1));
        assert!(world.mails().is_empty());
    }
}

/// All sites are taken out for an hour and put back: the week goes on, and is reported once.
#[test]
fn a_fleet_that_was_empty_for_an_hour_has_no_other_week() {
    let mut world = World::new(weekly(&["shop@web1"], "UTC"));
    let web1 = super::super::setup::host("web1");
    let back = web1.clone();
    world.at(3 * DAY, move |world| world.remove(&web1));
    world.at(3 * DAY + HOUR, move |world| world.restore(&back));
    world.run_daemon();
    world.go_on(16 * DAY);
    let weeks = weeks(&world);
    let firsts: Vec<bool> = weeks.iter().map(|week| week.first).collect();
    assert_eq!(firsts, [true, false, false]);
    assert_eq!(weeks[1].span, 7 * DAY);
}

/// Also where it is empty on Monday at nine: what was due then is told a week later.
#[test]
fn a_fleet_that_is_empty_on_monday_is_reported_a_week_later() {
    let mut world = World::new(weekly(&["shop@web1"], "UTC"));
    let web1 = super::super::setup::host("web1");
    let back = web1.clone();
    // The second Monday is the eighth day.
    world.at(8 * DAY - HOUR, move |world| world.remove(&web1));
    world.at(9 * DAY, move |world| world.restore(&back));
    for day in [2, 12] {
        world.at(day * DAY, |world| world.ill("web1", Some(Cause::Refused)));
    }
    world.run_daemon();
    world.go_on(16 * DAY);
    let weeks = weeks(&world);
    assert_eq!(weeks.len(), 2);
    assert_eq!(weeks[1].span, 14 * DAY);
    assert!(!weeks[1].first);
    assert_eq!(
        weeks[1].away,
        Duration::ZERO,
        "it ran, with nothing to watch"
    );
    // Restarts of the first of its weeks are in it, too.
    assert_eq!((weeks[1].restarts, weeks[1].hosts[0].count), (2, 2));
    let held: Vec<Held> = weeks[1].hosts[0]
        .restarts
        .iter()
        .map(|one| one.held)
        .collect();
    assert!(
        matches!(held[..], [Held::For(first), Held::Still(_)] if first > 9 * DAY),
        "{held:?}"
    );
}

/// What was ordered and did not take place is no restart: nobody got in.
#[test]
fn an_attempt_that_was_no_restart_is_not_counted() {
    let mut world = World::new(weekly(&["shop@web1"], "UTC"));
    let web1 = super::super::setup::host("web1");
    world.machines.get_mut(&web1).unwrap().ssh = Ssh::Closed;
    world.at(2 * HOUR, |world| world.ill("web1", Some(Cause::Refused)));
    world.at(3 * HOUR, |world| world.ill("web1", None));
    world.at(5 * HOUR, move |world| {
        world.machines.get_mut(&web1).unwrap().ssh = Ssh::Ok;
    });
    world.at(8 * DAY + 5 * HOUR, |world| {
        world.ill("web1", Some(Cause::Refused));
    });
    world.run_daemon();
    world.go_on(16 * DAY);
    let weeks = weeks(&world);
    let restarts: Vec<u32> = weeks.iter().map(|week| week.restarts).collect();
    assert_eq!(restarts, [0, 0, 1]);
    assert!(weeks[0].hosts.is_empty() && weeks[0].sites[0].outages == 1);
}

/// A day in which a site could not be judged is no day in which it was up, and one that never was has no share at all.
#[test]
fn what_was_not_judged_counts_neither_way() {
    let mut world = World::new(weekly(&["shop", "blog", "never"], "UTC"));
    let of = super::super::setup::profile;
    world.sites.insert(of("never"), Some(Cause::Monitor));
    world.at(10 * DAY, move |world| {
        _ = world.sites.insert(of("shop"), Some(Cause::Monitor))
    });
    world.at(11 * DAY, move |world| {
        _ = world.sites.insert(of("shop"), None)
    });
    world.at(12 * DAY, move |world| {
        _ = world.sites.insert(of("shop"), Some(Cause::Dns))
    });
    world.at(13 * DAY, move |world| {
        _ = world.sites.insert(of("shop"), None)
    });
    world.run_daemon();
    world.go_on(16 * DAY);
    let week = &weeks(&world)[2];
    let site = |name| {
        week.sites
            .iter()
            .find(|site| site.profile == of(name))
            .unwrap()
    };
    let near = |span: Duration, days: u32| span.abs_diff(DAY * days) < HOUR;
    assert!(near(site("shop").unjudged, 1) && near(site("shop").down, 1));
    assert_eq!(week.share(site("shop")), Some(8_333), "five days of six");
    assert_eq!(week.share(site("blog")), Some(10_000));
    assert_eq!(week.share(site("never")), None);
    assert_eq!(week.share_of_all(), Some(9_230), "twelve days of thirteen");
    assert!(near(week.unjudged, 8));
    invariants::check(&world, "not judged");
}

/// `probe history` reads the log, the report what is remembered: of any fortnight both count the same outages, restarts, times
/// and shares.
#[test]
fn history_and_report_count_the_same() {
    let mut restarts = 0;
    for seed in 0..3 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let sites = ["shop@web1", "blog@web1", "wiki@web2", "news"];
        let mut world = World::new(weekly(&sites, "UTC"));
        world.rng = fastrand::Rng::with_seed(seed);
        // Each day something stops, of which a restart heals some, helps others for a while, or cannot be made.
        for day in 0..9 {
            let begins = day * DAY + rng.u32(0..20 * 60) * MINUTE;
            let ends = begins + rng.u32(5..240) * MINUTE;
            let name = super::super::setup::host(["web1", "web2"][rng.usize(0..2)]);
            let heals = [Heals::Yes, Heals::No, Heals::For(3_000_000)][rng.usize(0..3)];
            let ssh = [Ssh::Ok, Ssh::Ok, Ssh::Closed, Ssh::Silent][rng.usize(0..4)];
            let host = name.clone();
            world.at(begins, move |world| {
                let machine = world.machines.get_mut(&host).unwrap();
                (machine.heals, machine.ssh) = (heals, ssh);
                world.ill(host.as_str(), Some(Cause::Refused));
            });
            world.at(ends, move |world| world.ill(name.as_str(), None));
            let (site, own) = (["blog", "news"][rng.usize(0..2)], rng.u32(0..23 * 60));
            let own = day * DAY + own * MINUTE;
            world.at(own, move |world| {
                _ = world
                    .sites
                    .insert(super::profile(site), Some(Cause::Status));
            });
            world.at(own + 50 * MINUTE, move |world| {
                _ = world.sites.insert(super::profile(site), None);
            });
        }
        world.run_daemon();
        world.go_on(8 * DAY + 3 * HOUR + 4 * MINUTE);
        let week = weeks(&world).pop().filter(|week| !week.first).unwrap();
        restarts += week.restarts;
        let fleet = world.fleet();
        let recorded: Vec<(Timestamp, Happened)> = (world.facts.iter())
            .filter_map(|(t, fact)| match fact {
                Fact::Noted(noted) => Some((Timestamp(*t), noted.clone())),
                _ => None,
            })
            .filter_map(|(at, mut noted)| {
                let kept = noted.for_observers(|at| fleet.wall(at));
                kept.then_some((at, noted))
            })
            .filter(|(at, _)| *at >= week.from)
            .collect();
        let names = world.settings.profiles.keys().cloned().collect();
        let past = history::past(&world.settings, &fleet, &names, week.from, &recorded);
        // The report is a few minutes older than the history.
        let near = |one: Duration, other: Duration| one.abs_diff(other) <= 4 * MINUTE;
        for site in &week.sites {
            let own = past.outages.iter().filter(|o| o.profile == site.profile);
            let down = own.clone().map(|outage| {
                let end = outage.until.unwrap_or(past.until);
                end.since(outage.since.max(past.from))
            });
            assert_eq!(own.count(), site.outages as usize, "seed {seed}: {site:?}");
            assert!(near(down.sum(), site.down), "seed {seed}: {site:?}");
            let (one, other) = (past.uptime(&site.profile), week.share(site));
            let apart = one.unwrap().abs_diff(other.unwrap());
            assert!(apart <= 1, "seed {seed}: {one:?} {other:?}");
        }
        let took_place = past.restarts.iter().filter(|one| one.took_place());
        assert_eq!(
            took_place.clone().count(),
            week.restarts as usize,
            "seed {seed}"
        );
        for host in &week.hosts {
            let own = took_place.clone().filter(|one| one.host == host.host);
            let own: Vec<_> = own.collect();
            let newest = own.len() - host.restarts.len();
            for (known, told) in own[newest..].iter().zip(&host.restarts) {
                let held = match (known.past.held(past.until), told.held) {
                    (Held::Still(one), Held::Still(other)) => near(one, other),
                    (one, other) => one == other,
                };
                let same = held && known.needed(past.until) == told.needed;
                assert!(
                    same && known.past.began == told.at,
                    "seed {seed}: {known:?} {told:?}"
                );
            }
        }
    }
    assert!(restarts > 5, "too few to compare: {restarts}");
}
