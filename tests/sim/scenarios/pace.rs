//! When probes are made: no drift, spread, few at once to one machine, and as the site asks.

use std::collections::BTreeMap;

use probe::model::{
    Cause, CheckOutcome, CheckResult, Event, Happened, ProfileName, Start, When, limits,
};
use probe::policy;

use super::super::hand::Hand;
use super::super::setup::{profile, secs, settings};
use super::super::world::{BEGIN, Fact, World};
use super::{MINUTE, compare};

impl Hand {
    fn answer(&mut self, check: &CheckResult) {
        let (probe, profile) = self.under_way.remove(0);
        let checks = vec![check.clone()];
        self.step(Event::Probed {
            probe,
            profile,
            checks,
        });
    }

    fn wake(&self) -> u64 {
        let at = policy::wakeup(&self.settings, &self.fleet).unwrap();
        u64::try_from(at.0 - BEGIN).unwrap()
    }
}

fn well() -> CheckResult {
    CheckResult::new("https://shop.example.com/", CheckOutcome::Ok)
}

#[test]
fn lateness_does_not_add_up() {
    let mut hand = Hand::new(settings(&["shop"]));
    hand.step(Event::Started(Start::Daemon));
    for period in 0..10_000_u64 {
        hand.answer(&well());
        assert_eq!(hand.wake(), (period + 1) * 60_000);
        hand.ms = hand.wake() + 3;
        hand.step(Event::Ticked);
        assert_eq!(hand.under_way.len(), 1);
    }
    assert_eq!(hand.fleet.skipped, 0);
}

#[test]
fn after_a_long_sleep_there_is_one_probe_and_the_others_are_counted() {
    let mut hand = Hand::new(settings(&["shop"]));
    hand.step(Event::Started(Start::Daemon));
    hand.answer(&well());
    hand.ms = 10 * 60_000 + 500;
    hand.step(Event::Ticked);
    assert_eq!(hand.under_way.len(), 1);
    let skipped = Happened::Skipped {
        profile: profile("shop"),
        count: 9,
    };
    assert!(hand.notes.contains(&skipped), "{:?}", hand.notes);
    assert_eq!(hand.fleet.skipped, 9);
    hand.answer(&well());
    assert_eq!(hand.wake(), 11 * 60_000, "the grid stays");
}

#[test]
fn a_result_that_comes_after_three_due_times_skips_two() {
    let mut hand = Hand::new(settings(&["shop"]));
    hand.step(Event::Started(Start::Daemon));
    hand.ms = 3 * 60_000 + 10;
    hand.answer(&well());
    assert_eq!(hand.fleet.skipped, 2);
    assert_eq!(hand.under_way.len(), 1, "the last one is made, late");
}

#[test]
fn a_429_slows_our_own_probing_and_heals_nothing() {
    for (asks, wanted) in [(200, 200_000), (205, 210_000), (86_400, 900_000)] {
        let mut asked = settings(&["shop@web1"]);
        asked.network.canaries.clear();
        let mut hand = Hand::new(asked);
        hand.step(Event::Started(Start::Daemon));
        let outcome = CheckOutcome::found(Cause::Status, "HTTP status 429".into());
        let mut check = CheckResult::new("https://shop.example.com/", outcome);
        (check.http_status, check.retry_after) = (Some(429), Some(secs(asks)));
        hand.answer(&check);
        assert_eq!(hand.wake(), wanted);
        assert!(policy::settled(&hand.settings, &hand.fleet));
    }
}

#[test]
fn a_machine_is_probed_by_few_at_once_and_nobody_is_forgotten() {
    let names: Vec<String> = (0..40).map(|n| format!("s{n}@web1")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("lone");
    let mut hand = Hand::new(settings(&names));
    hand.step(Event::Started(Start::Due));
    assert_eq!(hand.under_way.len(), limits::PROBES_PER_HOST + 1);
    let mut seen: BTreeMap<ProfileName, u32> = BTreeMap::new();
    while let Some((_, name)) = hand.under_way.first().cloned() {
        *seen.entry(name).or_default() += 1;
        hand.answer(&well());
        assert!(hand.under_way.len() <= limits::PROBES_PER_HOST + 1);
    }
    assert_eq!(seen.len(), 41);
    assert!(seen.values().all(|count| *count == 1));
    assert!(policy::settled(&hand.settings, &hand.fleet));
}

#[test]
fn a_daemon_spreads_its_first_probes() {
    let names: Vec<String> = (0..100)
        .map(|n| format!("s{n:02}@web{}", n % 4 + 1))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut hand = Hand::new(settings(&names));
    hand.step(Event::Started(Start::Daemon));
    assert_eq!(hand.under_way.len(), 1, "the first at once");
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (due, name) in &hand.fleet.agenda {
        let at = due.0 - BEGIN;
        assert!((0..6000).contains(&at), "within a tenth of the interval");
        let host = hand.settings.profiles[name].host.clone().unwrap();
        if let Some(before) = last.insert(host.to_string(), at) {
            assert!(at - before >= 120, "{name}: {before} {at}");
        }
    }
}

/// An update that broke off leaves a site in maintenance: taken at its word for ten minutes, then a failure like another.
#[test]
fn maintenance_holds_but_not_for_ever() {
    let mut world = World::new(settings(&["shop@web1"]));
    world.at(MINUTE + secs(5), |world| {
        world.say("an update on web1 breaks off: 503 with Retry-After: 600");
        world.ill("web1", Some(Cause::Maintenance));
    });
    world.run_daemon();
    world.go_on(11 * MINUTE);
    assert_eq!((world.restarts("web1"), world.events().len()), (0, 0));
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    assert!(
        world
            .facts
            .iter()
            .any(|(_, fact)| matches!(fact, Fact::Noted(Happened::Changed { seen, .. }) if seen.iter().any(|seen| seen.to_string().contains("in maintenance for 10 min now")))),
    );
    assert!(
        world
            .fleet()
            .profiles
            .values()
            .all(|track| track.maintenance.is_none())
    );
    compare("maintenance-not-for-ever", &world);
}

/// A probe of this site takes as long as the pause between two; a run from cron ends all the same once there is nothing new
/// to learn, and does not stand in the way of the next ones until its longest time is over.
#[test]
fn a_run_does_not_wait_for_a_site_that_never_answers() {
    for name in ["lone", "shop@web1"] {
        let mut settings = settings(&[name]);
        super::super::setup::each_host(&mut settings, |host| host.restart.causes.clear());
        let mut world = World::new(settings);
        let site = profile(name.split('@').next().unwrap());
        world.at(MINUTE, move |world| {
            world.sites.insert(site, Some(Cause::ResponseTimeout));
        });
        world.run_cron();
        world.go_on(30 * MINUTE);
        let mut began = None;
        let mut longest = 0;
        for (t, fact) in &world.facts {
            match fact {
                Fact::Started => began = Some(*t),
                Fact::Ended { written } => {
                    assert!(written);
                    longest = longest.max(t - began.take().unwrap());
                }
                _ => {}
            }
        }
        // Three probes of 10 s each confirm it.
        assert!(longest <= 35_000, "{name}: a run took {longest} ms");
        assert_eq!(world.events(), [probe::model::EventKind::Down]);
    }
}

/// Two sites fail, and a restart needs both: a run does not end between the third failure of one and that of the other, which
/// takes longer.
#[test]
fn a_run_waits_for_the_failure_that_is_lacking() {
    let mut settings = settings(&["a@web1", "b@web1"]);
    super::super::setup::each_host(&mut settings, |host| {
        (host.restart.give_up_after, host.restart.when) = (9, When::All);
    });
    let mut world = World::new(settings);
    world.at(MINUTE, |world| {
        world.sites.insert(profile("a"), Some(Cause::ServerError));
        world
            .sites
            .insert(profile("b"), Some(Cause::ResponseTimeout));
    });
    world.run_cron();
    world.go_on(20 * MINUTE);
    let mut ends = Vec::new();
    let mut hold = None;
    for (_, fact) in &world.facts {
        match fact {
            Fact::Noted(Happened::Held { hold: held, .. }) => hold = Some(held.word()),
            Fact::Ended { .. } => ends.extend(hold.take()),
            _ => {}
        }
    }
    assert!(world.restarts("web1") > 1);
    assert!(!ends.contains(&"not_enough_down"), "{ends:?}");
}
