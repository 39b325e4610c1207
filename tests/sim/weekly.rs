//! What the weekly report lists, from what was remembered of its period; moved by hand.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    Cause, CheckOutcome, CheckResult, Event, EventKind, Finding, Period, Start, Tally, Timestamp,
    Week, limits,
};

use super::hand::Hand;
use super::setup::{profile, secs, settings};
use super::world::BEGIN;

const PERIOD: u32 = 7;

/// The period of the report began when the run did.
fn hand(sites: &[&str]) -> Hand {
    let mut settings = settings(sites);
    settings.network.canaries.clear();
    let email = settings.email.as_mut().unwrap();
    Arc::make_mut(email).report = true;
    let mut hand = Hand::new(settings);
    hand.step(Event::Started(Start::Daemon));
    hand.fleet.core.week = Some(Period {
        number: PERIOD,
        began: hand.now(),
        asked: Timestamp(BEGIN),
        due: Timestamp(BEGIN) + secs(86_400),
        first: true,
        blind: Duration::ZERO,
        away: Duration::ZERO,
    });
    hand
}

impl Hand {
    /// The next probe of the shop takes so long.
    fn takes_so_long(&mut self, took: Duration, cause: Option<Cause>) {
        self.begins("shop");
        let (probe, _) = self.fleet.profiles[&profile("shop")].in_flight.unwrap();
        let outcome = cause.map_or(CheckOutcome::Ok, |cause| {
            CheckOutcome::found(cause, Finding::bare(cause))
        });
        let mut check = CheckResult::new("https://shop.example.com/", outcome);
        check.timings.total = took;
        self.step(Event::Probed {
            probe,
            profile: profile("shop"),
            checks: vec![check],
        });
    }

    /// What the report says when it is due.
    fn reports(&mut self) -> Week {
        let week = self.fleet.core.week.as_mut().unwrap();
        week.due = week.asked;
        self.step(Event::Ticked);
        let mut told = self.fleet.outbox.values().map(|entry| &entry.notification);
        let told = told.find(|told| told.event == EventKind::Report).unwrap();
        told.week.as_deref().unwrap().clone()
    }
}

/// How slow a site is, its answers say: not how long a failure took, and not a probe that tells nothing of it.
#[test]
fn only_what_was_well_is_slow() {
    let mut hand = hand(&["shop"]);
    let ms = Duration::from_millis;
    let mut slowest = Timestamp(0);
    for (took, cause) in [
        (100, None),
        (9_000, Some(Cause::Status)),
        (8_000, Some(Cause::Monitor)),
        (300, None),
    ] {
        hand.takes_so_long(ms(took), cause);
        slowest = hand.now();
    }
    let week = hand.reports();
    let [slow] = week.slowest.as_slice() else {
        panic!("{:?}", week.slowest)
    };
    assert_eq!((slow.longest, slow.mean), (ms(300), ms(200)));
    assert_eq!(slow.at.0 / 1_000, slowest.0 / 1_000);
    // Who was never well has no answer that was slow.
    let mut hand = self::hand(&["shop"]);
    hand.takes_so_long(ms(9_000), Some(Cause::Status));
    assert_eq!(hand.reports().slowest, []);
}

/// Up to thirty sites are all listed; of more only those that were down, however short, and then those that could not be judged for
/// five minutes. The worst is first.
#[test]
fn of_many_sites_those_are_listed_that_were_not_up() {
    let blank = u32::try_from(limits::UNJUDGED.as_secs()).unwrap();
    // Outages, seconds down, seconds without a judgement.
    let ailed = [
        ("short", (1, 0, 0)),
        ("just", (0, 0, blank)),
        ("long", (2, 600, 0)),
        ("unlucky", (0, 0, blank - 1)),
        ("night", (0, 0, 9_000)),
    ];
    for sites in [30, 31] {
        let mut names: Vec<String> = (0..sites - ailed.len()).map(|n| format!("up{n}")).collect();
        names.extend(ailed.map(|(name, _)| name.to_owned()));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut hand = hand(&names);
        for (name, (outages, down_s, unjudged_s)) in ailed {
            hand.fleet.profile_mut(&profile(name)).week = Tally {
                period: PERIOD,
                outages,
                down_s,
                unjudged_s,
                ..Tally::default()
            };
        }
        let week = hand.reports();
        let listed: Vec<&str> = week
            .sites
            .iter()
            .map(|site| site.profile.as_str())
            .collect();
        assert_eq!(listed[..4], ["long", "short", "night", "just"]);
        let more = (week.down_more, week.unjudged_more, week.up_more);
        if sites == 30 {
            assert_eq!((listed.len(), more), (30, (0, 0, 0)));
        } else {
            assert_eq!((listed.len(), more), (4, (0, 0, 27)));
        }
    }
}
