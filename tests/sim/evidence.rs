//! Which failures a restart may rest on, result by result: where a redirect led, which of several URLs speaks, and which checks
//! were ever well.

use std::net::SocketAddr;
use std::sync::Arc;

use probe::model::{
    Addresses, Cause, CheckOutcome, CheckResult, Event, Finding, Hop, NotEvidence, Orders, Profile,
    ProfileState, ProfileTrack, Reach, Start, Timings,
};

use super::hand::Hand;
use super::setup::{host, profile, secs, settings};

pub(super) const SHOP: &str = "https://shop.example.com/";
pub(super) const OTHER: &str = "https://shop.example.com/cart";
const HERE: &str = "192.0.2.10:443";
const THERE: &str = "198.51.100.7:443";

/// What a probe of one URL found.
pub(super) fn check(url: &str, cause: Option<Cause>) -> CheckResult {
    let outcome = cause.map_or(CheckOutcome::Ok, |cause| {
        CheckOutcome::found(cause, Finding::bare(cause))
    });
    let mut check = CheckResult::new(url, outcome);
    check.address = Some(at(HERE));
    check
}

pub(super) fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// A shop and a blog on one host, the blog at a port of its own; no canary is asked, and no restart is near.
pub(super) fn hand(change: impl Fn(&mut Profile)) -> Hand {
    let mut settings = settings(&["shop@web1", "blog@web1"]);
    settings.network.canaries.clear();
    let site = settings.profiles.get_mut(&profile("blog")).unwrap();
    Arc::make_mut(site).urls = vec!["https://blog.example.com:9443/".parse().unwrap()];
    let site = Arc::make_mut(settings.profiles.get_mut(&profile("shop")).unwrap());
    site.failure_threshold = 10;
    change(site);
    let mut hand = Hand::new(settings);
    hand.step(Event::Started(Start::Daemon));
    hand
}

pub(super) fn urls(site: &mut Profile, urls: &[&str]) {
    site.urls = urls.iter().map(|url| url.parse().unwrap()).collect();
}

pub(super) fn shop(hand: &Hand) -> &ProfileTrack {
    &hand.fleet.profiles[&profile("shop")]
}

impl Hand {
    /// The shop's next probe finds this.
    pub(super) fn shows(&mut self, checks: &[CheckResult]) {
        self.begins("shop");
        let (probe, _) = shop(self).in_flight.unwrap();
        self.ms += 30;
        self.step(Event::Probed {
            probe,
            profile: profile("shop"),
            checks: checks.to_vec(),
        });
        // Whether the host is silent altogether is asked first where a connection is.
        let host = host("web1");
        if let Some((probe, _)) = self.fleet.hosts[&host].reaching {
            let reach = Reach::Answered;
            self.step(Event::Reached { probe, host, reach });
        }
    }

    /// The shop is configured otherwise.
    pub(super) fn changes(&mut self, change: impl Fn(&mut Profile)) {
        let site = self.settings.profiles.get_mut(&profile("shop")).unwrap();
        let site = Arc::make_mut(site);
        site.fingerprint += 1;
        change(site);
        self.step(Event::Started(Start::Reload));
    }

    /// What the shop's last failure is worth: its cause where it counts, else why it does not.
    pub(super) fn worth(&self) -> Result<Cause, Option<NotEvidence>> {
        let evidence = &shop(self).evidence;
        match (evidence.began.is_empty(), evidence.cause) {
            (false, Some(cause)) => Ok(cause),
            _ => Err(evidence.not.as_deref().cloned()),
        }
    }

    /// Which of the shop's checks count.
    fn counting(&self) -> Vec<bool> {
        let checks = shop(self).checks.iter();
        checks.map(|check| check.counts).collect()
    }
}

fn elsewhere(authority: &str) -> Result<Cause, Option<NotEvidence>> {
    let authority = authority.to_owned();
    Err(Some(NotEvidence::Elsewhere { authority }))
}

pub(super) const NEVER_UP: Result<Cause, Option<NotEvidence>> = Err(Some(NotEvidence::NeverUp));

/// A place is the host's own by its name or by the address that led there, and by its port.
#[test]
fn a_redirect_leads_to_this_host_or_elsewhere() {
    let error = Cause::ServerError;
    for (to, address, worth) in [
        // Its own names, at usual ports and at those that are configured, wherever that is answered.
        (OTHER, Some(THERE), Ok(error)),
        ("http://shop.example.com/", Some(THERE), Ok(error)),
        ("http://shop.example.com:8080/", Some(THERE), Ok(error)),
        ("https://blog.example.com:9443/", Some(THERE), Ok(error)),
        ("https://blog.example.com/", Some(THERE), Ok(error)),
        (
            "https://shop.example.com:8443/",
            Some(THERE),
            elsewhere("shop.example.com:8443"),
        ),
        (
            "https://shop.example.com:9443/",
            Some(THERE),
            elsewhere("shop.example.com:9443"),
        ),
        // Any name at the address that led there.
        ("https://www.example.net/", Some(HERE), Ok(error)),
        ("http://www.example.net/", Some("192.0.2.10:80"), Ok(error)),
        (
            "https://www.example.net:9443/",
            Some("192.0.2.10:9443"),
            Ok(error),
        ),
        (
            "https://www.example.net:8443/",
            Some("192.0.2.10:8443"),
            elsewhere("www.example.net:8443"),
        ),
        // Another name, at another address or at none.
        (
            "https://www.example.net/",
            Some(THERE),
            elsewhere("www.example.net:443"),
        ),
        (
            "http://www.example.net/",
            None,
            elsewhere("www.example.net:80"),
        ),
        ("https://", Some(HERE), elsewhere("another place")),
    ] {
        let mut hand = hand(|site| urls(site, &[SHOP, "http://shop.example.com:8080/"]));
        hand.shows(&[led(check(SHOP, Some(error)), &[SHOP], to, address)]);
        assert_eq!(hand.worth(), worth, "{to} at {address:?}");
    }
}

/// A check that was led over these places, each on this host but those of another name.
pub(super) fn led(
    mut check: CheckResult,
    over: &[&str],
    to: &str,
    address: Option<&str>,
) -> CheckResult {
    let hops = over.iter().map(|url| Hop {
        url: (*url).to_owned(),
        address: Some(at(if url.contains("shop") { HERE } else { THERE })),
        http_status: Some(301),
        http_version: None,
        timings: Timings::default(),
    });
    check.hops = hops.collect();
    check.redirects = 1;
    check.final_url = Some(to.to_owned());
    check.address = address.map(at);
    check
}

/// The deadline is that of all places together: what is used up elsewhere is lacking here.
#[test]
fn a_deadline_that_ends_here_was_used_up_elsewhere() {
    let over = [SHOP, "https://login.example.net/"];
    let used = || elsewhere("login.example.net:443");
    for (cause, worth) in [
        (Cause::ConnectTimeout, used()),
        (Cause::TlsTimeout, used()),
        (Cause::ResponseTimeout, used()),
        (Cause::ServerError, Ok(Cause::ServerError)),
        (Cause::Closed, Ok(Cause::Closed)),
    ] {
        let mut hand = hand(|_| ());
        hand.shows(&[led(check(SHOP, Some(cause)), &over, OTHER, Some(HERE))]);
        assert_eq!(hand.worth(), worth, "{cause}");
        let mut hand = self::hand(|_| ());
        hand.shows(&[led(check(SHOP, Some(cause)), &[SHOP], OTHER, Some(HERE))]);
        assert_eq!(hand.worth(), Ok(cause), "it never left: {cause}");
    }
}

/// Where several addresses of a URL fail by the same, all must do so elsewhere; one that fails by something else says nothing.
#[test]
fn one_address_of_a_url_that_fails_here_is_enough() {
    let all = |site: &mut Profile| site.addresses = Addresses::All;
    let second = |mut check: CheckResult| {
        check.address = Some(at("192.0.2.11:443"));
        check
    };
    let away = || {
        let failed = check(SHOP, Some(Cause::ServerError));
        led(failed, &[SHOP], "https://www.example.net/", None)
    };
    let here = |cause| second(check(SHOP, Some(cause)));
    for (checks, worth) in [
        ([away(), here(Cause::ServerError)], Ok(Cause::ServerError)),
        (
            [away(), here(Cause::Content)],
            elsewhere("www.example.net:443"),
        ),
        ([away(), here(Cause::Refused)], Ok(Cause::Refused)),
    ] {
        let mut hand = hand(all);
        hand.shows(&checks);
        assert_eq!(hand.worth(), worth, "{checks:?}");
    }
}

/// Of several URLs the one that says most about the server speaks, and of reasons against them the first.
#[test]
fn of_several_urls_the_worst_speaks_and_the_first_reason_is_told() {
    let away = |url| {
        let failed = check(url, Some(Cause::ServerError));
        led(failed, &[url], "https://www.example.net/", Some(THERE))
    };
    for (checks, worth) in [
        (
            [
                check(SHOP, Some(Cause::ServerError)),
                check(OTHER, Some(Cause::Refused)),
            ],
            Ok(Cause::Refused),
        ),
        (
            [away(SHOP), check(OTHER, Some(Cause::ServerError))],
            Ok(Cause::ServerError),
        ),
        (
            [check(SHOP, Some(Cause::Content)), away(OTHER)],
            elsewhere("www.example.net:443"),
        ),
        (
            [check(SHOP, Some(Cause::Content)), check(OTHER, None)],
            Err(None),
        ),
    ] {
        let mut hand = hand(|site| urls(site, &[SHOP, OTHER]));
        hand.shows(&checks);
        assert_eq!(hand.worth(), worth, "{checks:?}");
    }
    // One that was never well, and one that fails elsewhere.
    for (first, second) in [
        (NEVER_UP, [1, 0]),
        (elsewhere("www.example.net:443"), [0, 1]),
    ] {
        let mut hand = hand(|_| ());
        let added = ["https://shop.example.com/new", SHOP];
        let urls_now = second.map(|place: usize| added[1 - place]);
        hand.changes(|site| urls(site, &urls_now));
        let checks = urls_now.map(|url| match url {
            SHOP => away(SHOP),
            new => check(new, Some(Cause::ServerError)),
        });
        hand.shows(&checks);
        assert_eq!(hand.worth(), first, "{urls_now:?}");
    }
}

/// A check is known by its URL, with its credentials, and by what is expected of it; one that stays keeps what is known of it.
#[test]
fn what_is_known_of_a_check_stays_with_it() {
    let (one, two) = (
        "https://one:secret@shop.example.com/",
        "https://two:secret@shop.example.com/",
    );
    let mut hand = hand(|_| ());
    hand.shows(&[check(SHOP, None)]);
    hand.changes(|site| urls(site, &[one, two]));
    assert_eq!(hand.counting(), [false, false], "each is another check");
    // Two addresses in ascending order would be one URL with `addresses: all`; here each result is a URL.
    hand.shows(&[check(SHOP, None), check(SHOP, Some(Cause::ServerError))]);
    assert_eq!(hand.counting(), [true, false]);
    hand.changes(|site| site.interval = secs(120));
    assert_eq!(hand.counting(), [true, false], "another interval");
    hand.changes(|site| urls(site, &[two, OTHER, one]));
    assert_eq!(hand.counting(), [false, false, true], "another order");
    hand.changes(|site| site.expectation = 7);
    assert_eq!(hand.counting(), [false; 3], "other expectations");
}

/// An earlier version remembered the results of all URLs: of those that are asked now, the ones it had count.
#[test]
fn what_an_earlier_version_asked_counts_url_by_url() {
    let mut hand = hand(|_| ());
    hand.shows(&[check(SHOP, None)]);
    hand.fleet.profile_mut(&profile("shop")).checks.clear();
    hand.changes(|site| urls(site, &[OTHER, SHOP]));
    assert_eq!(hand.counting(), [false, true]);
}

/// Each check counts from when it was well itself, for good, and that is on the disk before anything rests on it.
#[test]
fn a_check_counts_once_it_was_well() {
    let three = [SHOP, OTHER, "https://shop.example.com/new"];
    let mut hand = hand(|_| ());
    hand.changes(|site| urls(site, &[OTHER, three[2], SHOP]));
    hand.changes(|site| urls(site, &three));
    assert_eq!(hand.counting(), [true, false, false]);
    let mut found = |causes: [Option<Cause>; 3]| {
        let checks = [0, 1, 2].map(|place| check(three[place], causes[place]));
        hand.shows(&checks);
        (hand.counting(), hand.durable)
    };
    let (well, fails) = (None, Some(Cause::Content));
    let maintenance = Some(Cause::Maintenance);
    let slow = Some(Cause::Slow);
    for (causes, counting, learned) in [
        ([well, fails, fails], [true, false, false], false),
        ([well, slow, fails], [true, true, false], true),
        ([well, well, fails], [true, true, false], false),
        ([fails, fails, fails], [true, true, false], false),
        ([fails, fails, well], [true; 3], true),
        ([fails, fails, fails], [true; 3], false),
    ] {
        // What opens an incident is on the disk as well: these are too few for one.
        assert_eq!(found(causes), (counting.to_vec(), learned), "{causes:?}");
    }
    // Who says that it is in maintenance was not well.
    hand.changes(|site| urls(site, &[SHOP, three[2], "https://shop.example.com/old"]));
    let checks = [
        check(SHOP, None),
        check(three[2], None),
        check("https://shop.example.com/old", maintenance),
    ];
    hand.shows(&checks);
    assert_eq!(hand.counting(), [true, true, false]);
}

/// Who says that a profile counts says it of all its checks; so does a state that was damaged.
#[test]
fn a_person_says_it_of_every_check() {
    let rearm = Orders {
        rearm: ["shop".to_owned()].into(),
        ..Orders::default()
    };
    for event in [Event::Ordered(rearm), Event::Damaged(String::new())] {
        let mut hand = hand(|_| ());
        hand.changes(|site| urls(site, &[OTHER, "https://shop.example.com/new"]));
        assert_eq!(hand.counting(), [false, false]);
        hand.step(event);
        assert_eq!(hand.counting(), [true, true]);
    }
}

/// One success ends it that a site is no more taken at its word that it is in maintenance, also where its failures were evidence.
#[test]
fn whoever_was_well_is_taken_at_its_word_again() {
    let mut hand = hand(|_| ());
    let says = [check(SHOP, Some(Cause::Maintenance))];
    hand.shows(&[check(SHOP, None)]);
    hand.shows(&says);
    let until = shop(&hand).maintenance.unwrap().until;
    while hand.fleet.now() <= until {
        hand.shows(&says);
    }
    assert_eq!(hand.worth(), Ok(Cause::ServerError), "not for ever");
    hand.shows(&[check(SHOP, None)]);
    assert_eq!(shop(&hand).maintenance, None);
    hand.shows(&says);
    assert_eq!(shop(&hand).state(), ProfileState::Degraded);
}
