//! Whether a browser is answered where we are not: when it is sent, what its answer is worth, and how long that holds. Moved by
//! hand, to the millisecond.

use std::time::Duration;

use probe::model::{
    Addresses, Cause, CheckResult, Effect, Event, Hold, NotEvidence, Profile, Start, When, limits,
};
use probe::policy;

use super::evidence::{OTHER, SHOP, at, check, hand, led, shop, urls};
use super::hand::Hand;
use super::setup::{each_host, each_profile, host, profile, secs, settings};
use super::world::BEGIN;

const BLOG: &str = "https://blog.example.com:9443/";
const NEW: &str = "https://shop.example.com/new";

/// A shop that is down after three failures.
fn three(change: impl Fn(&mut Profile)) -> Hand {
    hand(|site| {
        site.failure_threshold = 3;
        change(site);
    })
}

/// The shop's next probe finds this, 30 ms after it began; says whether a browser is sent.
fn fails(hand: &mut Hand, checks: &[CheckResult]) -> bool {
    hand.begins("shop");
    hand.ms += 30;
    found(hand, checks)
}

fn found(hand: &mut Hand, checks: &[CheckResult]) -> bool {
    let (probe, _) = shop(hand).in_flight.unwrap();
    let effects = hand.step(Event::Probed {
        probe,
        profile: profile("shop"),
        checks: checks.to_vec(),
    });
    sent(&effects)
}

fn sent(effects: &[Effect]) -> bool {
    let mut sent = effects.iter();
    sent.any(|effect| matches!(effect, Effect::ProbeAsBrowser { .. }))
}

fn error() -> Vec<CheckResult> {
    vec![check(SHOP, Some(Cause::ServerError))]
}

fn well() -> Vec<CheckResult> {
    vec![check(SHOP, None)]
}

/// The browser that is under way finds this; says whether a restart is ordered.
fn browsed(hand: &mut Hand, checks: &[CheckResult]) -> bool {
    let (probe, _) = shop(hand).browser.asked.expect("one is under way");
    let effects = hand.step(Event::ProbedAsBrowser {
        probe,
        profile: profile("shop"),
        checks: checks.to_vec(),
    });
    assert_eq!(shop(hand).browser.asked, None);
    restarts(&effects)
}

fn restarts(effects: &[Effect]) -> bool {
    let mut orders = effects.iter();
    orders.any(|effect| matches!(effect, Effect::Recover(_)))
}

fn held(hand: &Hand) -> Option<&Hold> {
    hand.fleet.hosts[&host("web1")].hold.as_ref()
}

fn is_kept_out(hand: &Hand) -> bool {
    let not = shop(hand).evidence.not.as_deref();
    matches!(not, Some(NotEvidence::AnswersBrowsers { .. }))
}

/// One failure before a restart is due, and only where the server was reached and a restart may rest on what it did.
#[test]
fn a_browser_is_sent_one_failure_before_a_restart() {
    let reached = [Cause::Closed, Cause::ServerError, Cause::ResponseTimeout];
    for (threshold, first) in [(1, 1), (2, 1), (3, 2), (5, 4)] {
        for cause in reached {
            let mut hand = hand(|site| site.failure_threshold = threshold);
            for nth in 1..=first {
                let sent = fails(&mut hand, &[check(SHOP, Some(cause))]);
                assert_eq!(sent, nth == first, "{cause}: {nth} of {threshold}");
            }
            assert!(
                !fails(&mut hand, &[check(SHOP, Some(cause))]),
                "is under way"
            );
        }
    }
    for cause in [Cause::Refused, Cause::Content, Cause::TlsTimeout] {
        let mut hand = three(|_| ());
        for _ in 0..3 {
            assert!(!fails(&mut hand, &[check(SHOP, Some(cause))]), "{cause}");
        }
    }
}

/// Nobody is asked where no restart is near: it was never well, it fails elsewhere, or the host is not restarted for it.
#[test]
fn no_browser_is_sent_where_nothing_rests_on_it() {
    for threshold in [1, 3] {
        let mut never = hand(|site| site.failure_threshold = threshold);
        never.changes(|site| urls(site, &[NEW]));
        let mut away = hand(|site| site.failure_threshold = threshold);
        let mut unlisted = hand(|site| site.failure_threshold = threshold);
        each_host(&mut unlisted.settings, |host| host.restart.causes.clear());
        let error = |url| check(url, Some(Cause::ServerError));
        let there = led(error(SHOP), &[SHOP], "https://www.example.net/", None);
        for _ in 0..4 {
            assert!(!fails(&mut never, &[error(NEW)]));
            assert!(!fails(&mut away, std::slice::from_ref(&there)));
            assert!(!fails(&mut unlisted, &[error(SHOP)]));
        }
    }
}

/// While it keeps us out it is asked once a minute, to the millisecond, and the first answer to us ends it.
#[test]
fn a_site_that_keeps_us_out_is_asked_once_a_minute() {
    let kept_out = || {
        let mut hand = three(|site| site.interval = site.retry_interval);
        fails(&mut hand, &error());
        assert!(fails(&mut hand, &error()));
        browsed(&mut hand, &well());
        assert!(!is_kept_out(&hand), "its own next failure makes it certain");
        let (asked, _) = shop(&hand).browser.seen.unwrap();
        while hand.now().since(asked) < secs(35) {
            assert!(!fails(&mut hand, &error()));
            assert!(is_kept_out(&hand));
            assert_eq!(shop(&hand).evidence.began, []);
        }
        (hand, asked)
    };
    for (since, again) in [(59_999, false), (60_000, true)] {
        let (mut hand, asked) = kept_out();
        hand.begins("shop");
        hand.ms = u64::try_from(asked.0 - BEGIN).unwrap() + since;
        assert_eq!(found(&mut hand, &error()), again, "{since} ms later");
    }
    let (mut hand, _) = kept_out();
    while !fails(&mut hand, &error()) {}
    // Now browsers are kept out as well: its failures count anew, and before a restart it is asked about them.
    browsed(&mut hand, &error());
    assert!(!fails(&mut hand, &error()));
    assert_eq!(shop(&hand).evidence.began.len(), 1);
    assert!(fails(&mut hand, &error()), "one before a restart");
    fails(&mut hand, &well());
    assert_eq!(shop(&hand).browser, Default::default());
}

/// What came back late says nothing; the next failure asks again.
#[test]
fn what_comes_back_late_says_nothing() {
    for (late, counts) in [(0, true), (1, false)] {
        for answered in [true, false] {
            let mut hand = three(|_| ());
            fails(&mut hand, &error());
            fails(&mut hand, &error());
            let (_, asked) = shop(&hand).browser.asked.unwrap();
            let timeout = hand.settings.profiles[&profile("shop")].timeout;
            let longest = timeout + limits::LATE_SLACK + Duration::from_millis(late);
            hand.ms += u64::try_from(longest.as_millis()).unwrap();
            browsed(&mut hand, &if answered { well() } else { error() });
            let seen = counts.then_some((asked, answered));
            assert_eq!(shop(&hand).browser.seen, seen, "{late} ms late");
            let again = fails(&mut hand, &error());
            assert_eq!(again, !counts, "{late} ms late");
            assert_eq!(is_kept_out(&hand), counts && answered);
        }
    }
}

/// The answer to a browser that was given up says nothing.
#[test]
fn an_answer_to_another_browser_says_nothing() {
    let mut hand = three(|_| ());
    fails(&mut hand, &error());
    fails(&mut hand, &error());
    let before = shop(&hand).browser;
    let (mut probe, _) = before.asked.unwrap();
    probe.0 += 1_000;
    hand.step(Event::ProbedAsBrowser {
        probe,
        profile: profile("shop"),
        checks: well(),
    });
    assert_eq!(shop(&hand).browser, before);
    // So does one that comes when the site is well again.
    let (probe, _) = before.asked.unwrap();
    fails(&mut hand, &well());
    hand.step(Event::ProbedAsBrowser {
        probe,
        profile: profile("shop"),
        checks: well(),
    });
    assert_eq!(shop(&hand).browser, Default::default());
}

/// What comes back when nothing fails us any more by what could be the server's says nothing: it is asked again, and no restart
/// is ordered before that.
#[test]
fn an_answer_to_no_failure_says_nothing() {
    // What is no fault of the server takes away the evidence before it, and with that the reason to ask at once.
    for (between, again) in [(Cause::Monitor, true), (Cause::Dns, false)] {
        let mut hand = three(|_| ());
        fails(&mut hand, &error());
        assert!(fails(&mut hand, &error()), "a browser is sent");
        fails(&mut hand, &[check(SHOP, Some(between))]);
        assert!(!browsed(&mut hand, &well()));
        assert_eq!(shop(&hand).browser.seen, None, "{between}");
        assert_eq!(fails(&mut hand, &error()), again, "{between}");
        assert!(!hand.fleet.hosts[&host("web1")].acting, "{between}");
    }
}

/// A browser was answered, so what failed before was ours alone: one refusal after it, as a reload of the server makes, is one.
#[test]
fn what_failed_before_an_answer_is_no_evidence_for_another_fault() {
    let mut hand = three(|_| ());
    fails(&mut hand, &error());
    assert!(fails(&mut hand, &error()), "a browser is sent");
    assert!(!browsed(&mut hand, &well()));
    fails(&mut hand, &[check(SHOP, Some(Cause::Refused))]);
    assert!(
        hand.durable,
        "that earlier failures are no evidence outlives a crash"
    );
    assert!(!hand.fleet.hosts[&host("web1")].acting);
    assert_eq!(shop(&hand).evidence.began.len(), 1);
}

/// A run for the shop alone, of which no mail is told: nothing keeps it but what comes in.
fn run() -> Hand {
    let mut settings = settings(&["shop@web1"]);
    settings.network.canaries.clear();
    settings.email = None;
    each_profile(&mut settings, |site| site.interval = secs(600));
    let mut hand = Hand::new(settings);
    hand.step(Event::Started(Start::Due));
    hand
}

fn stays(hand: &Hand) -> bool {
    !policy::settled(&hand.settings, &hand.fleet)
}

/// No restart rests on such a failure before the browser's answer is there, and none where it was answered; a run stays for that,
/// and for what the next failure makes of it.
#[test]
fn a_restart_waits_for_the_browser() {
    for (checks, restarted) in [(error(), true), (well(), false)] {
        let mut hand = run();
        for _ in 0..3 {
            fails(&mut hand, &error());
        }
        assert_eq!(held(&hand), Some(&Hold::AwaitingProbe));
        // People have heard of it: nobody stays for that.
        let track = hand.fleet.profile_mut(&profile("shop"));
        track.telling.as_mut().unwrap().sequence = 1;
        hand.step(Event::Ticked);
        assert!(stays(&hand), "the browser is under way");
        assert_eq!(browsed(&mut hand, &checks), restarted);
        if !restarted {
            assert_eq!(held(&hand), Some(&Hold::AwaitingProbe));
            assert!(stays(&hand), "the next failure makes it certain");
            fails(&mut hand, &error());
            assert_eq!(held(&hand).map(Hold::word), Some("answers_browsers"));
            assert!(!stays(&hand));
        }
    }
}

/// The blog's next probe finds this, and its browser as much; says whether a restart is ordered.
fn blog_fails(hand: &mut Hand, browser: bool) -> bool {
    let found = vec![check(BLOG, Some(Cause::ServerError))];
    hand.begins("blog");
    let track = |hand: &Hand| hand.fleet.profiles[&profile("blog")].clone();
    let (probe, _) = track(hand).in_flight.unwrap();
    let mut effects = hand.step(Event::Probed {
        probe,
        profile: profile("blog"),
        checks: found.clone(),
    });
    if let Some((probe, _)) = track(hand).browser.asked.filter(|_| browser) {
        effects.extend(hand.step(Event::ProbedAsBrowser {
            probe,
            profile: profile("blog"),
            checks: found,
        }));
    }
    restarts(&effects)
}

/// A restart that rests on several sites waits for what browsers get of each, and of no other one.
#[test]
fn a_restart_waits_for_the_browsers_of_the_sites_it_rests_on() {
    let mut hand = three(|_| ());
    for _ in 0..3 {
        fails(&mut hand, &error());
        assert!(!blog_fails(&mut hand, true));
    }
    assert_eq!(
        held(&hand),
        Some(&Hold::AwaitingProbe),
        "the shop's is under way"
    );
    assert!(browsed(&mut hand, &error()));

    let mut hand = three(|site| site.failure_threshold = 10);
    each_host(&mut hand.settings, |host| host.restart.when = When::Any);
    fails(&mut hand, &error());
    let ordered = [0; 3].map(|_| blog_fails(&mut hand, true));
    assert_eq!(ordered, [false, false, true], "the shop is not asked yet");
}

/// While a site waits for its restart, a rule may come to keep us out of it: that no browser was answered is asked again before
/// it is older than the failures a restart would rest on, and than a minute.
#[test]
fn while_a_restart_is_held_browsers_are_asked_again() {
    let (yes, no) = (true, false);
    for (threshold, pace, asks) in [
        (1, 70, [yes; 6]),
        (2, 70, [yes; 6]),
        (3, 70, [no, yes, no, yes, no, yes]),
        (4, 70, [no, no, yes, no, no, yes]),
        (1, 20, [yes, no, no, yes, no, no]),
        (3, 20, [no, yes, no, no, yes, no]),
    ] {
        let mut hand = three(|site| {
            site.failure_threshold = threshold;
            site.retry_interval = secs(pace);
        });
        each_host(&mut hand.settings, |host| host.restart.when = When::All);
        for (nth, asks) in asks.into_iter().enumerate() {
            assert_eq!(
                fails(&mut hand, &error()),
                asks,
                "{nth} of {threshold}, {pace} s"
            );
            if asks {
                assert!(!browsed(&mut hand, &error()));
            }
        }
        for _ in 0..threshold {
            if !fails(&mut hand, &error()) {
                continue;
            }
            browsed(&mut hand, &[check(SHOP, None)]);
            fails(&mut hand, &error());
            assert!(is_kept_out(&hand), "{threshold}");
        }
    }
}

/// Failures of which no browser was asked may be ours alone, and say nothing of a server that is gone afterwards.
#[test]
fn what_no_browser_was_asked_of_counts_for_no_other_fault() {
    let refused = [check(SHOP, Some(Cause::Refused))];
    for (first, needed) in [(error(), 4), (refused.to_vec(), 3)] {
        let mut hand = hand(|site| site.failure_threshold = 3);
        let mut nth = 1;
        fails(&mut hand, &first);
        while held(&hand) != Some(&Hold::Restarting) {
            assert!(nth < 6, "{first:?}");
            fails(&mut hand, &refused);
            nth += 1;
        }
        assert_eq!(nth, needed, "{first:?}");
    }
}

/// What it found is true of the fault that it was sent for: not of another one, and not of what a restart left behind.
#[test]
fn another_fault_is_asked_anew() {
    // Not answered: nothing keeps the next failure from a restart, unless it is another fault's.
    let unanswered = || {
        let mut hand = three(|site| site.failure_threshold = 4);
        for nth in 1..=3 {
            assert_eq!(fails(&mut hand, &error()), nth == 3);
        }
        browsed(&mut hand, &error());
        hand
    };
    let mut hand = unanswered();
    assert!(!fails(&mut hand, &error()), "it is known");
    let mut hand = unanswered();
    let closed = [check(SHOP, Some(Cause::Closed))];
    assert!(fails(&mut hand, &closed), "the server is gone now");
    // A restart has settled since, at this very moment or later.
    for (later, again) in [(0, false), (1, true)] {
        let mut hand = unanswered();
        let (asked, _) = shop(&hand).browser.seen.unwrap();
        hand.fleet.host_mut(&host("web1")).evidence_from = asked + Duration::from_millis(later);
        assert_eq!(fails(&mut hand, &error()), again, "{later} ms later");
    }
    // In the very moment in which the fault began.
    let mut hand = hand_of_two();
    hand.begins("shop");
    assert!(found(&mut hand, &error()), "in the same millisecond");
    browsed(&mut hand, &error());
    fails(&mut hand, &error());
    assert_eq!(held(&hand), Some(&Hold::Restarting), "it is known");

    // Answered: its own next failures are no evidence, unless they are another fault's.
    let answered = || {
        let mut hand = three(|site| site.failure_threshold = 4);
        for _ in 0..3 {
            fails(&mut hand, &error());
        }
        browsed(&mut hand, &well());
        hand
    };
    let mut hand = answered();
    fails(&mut hand, &error());
    assert!(is_kept_out(&hand));
    fails(&mut hand, &[check(SHOP, Some(Cause::Refused))]);
    assert_eq!(hand.worth(), Ok(Cause::Refused), "nobody is refused so");
    let mut hand = answered();
    fails(&mut hand, &[check(SHOP, Some(Cause::Maintenance))]);
    fails(&mut hand, &error());
    assert_eq!(
        hand.worth(),
        Ok(Cause::ServerError),
        "another row of failures"
    );
    let mut hand = hand_of_two();
    hand.begins("shop");
    assert!(found(&mut hand, &error()), "in the same millisecond");
    browsed(&mut hand, &well());
    fails(&mut hand, &error());
    assert!(is_kept_out(&hand));
}

fn hand_of_two() -> Hand {
    hand(|site| site.failure_threshold = 2)
}

/// What we are shown, and a browser: whether that is an answer.
#[test]
fn what_counts_as_an_answer_to_a_browser() {
    let with = |url: &str, cause, status| CheckResult {
        http_status: Some(status),
        ..check(url, Some(cause))
    };
    let shown = |url, cause| check(url, Some(cause));
    let one = |browser: CheckResult| (error(), vec![browser]);
    let ours = |url| shown(url, Cause::Monitor);
    for ((us, browser), answered) in [
        (one(check(SHOP, None)), true),
        (one(shown(SHOP, Cause::Slow)), true),
        (one(shown(SHOP, Cause::Maintenance)), true),
        (one(with(SHOP, Cause::Status, 403)), true),
        (one(shown(SHOP, Cause::ServerError)), false),
        (one(with(SHOP, Cause::Truncated, 200)), false),
        (one(shown(SHOP, Cause::Refused)), false),
        (one(ours(SHOP)), false),
        (one(shown(SHOP, Cause::Dns)), false),
        // At another authority it fails by what would be a server's, too.
        (
            one(led(
                with(SHOP, Cause::ServerError, 500),
                &[SHOP],
                "https://www.example.net/",
                None,
            )),
            false,
        ),
        // Every URL that fails us must be answered, and no other may be missing that is evidence.
        (
            (
                vec![shown(SHOP, Cause::ServerError), shown(OTHER, Cause::Closed)],
                vec![check(SHOP, None), check(OTHER, None)],
            ),
            true,
        ),
        (
            (
                vec![shown(SHOP, Cause::ServerError), shown(OTHER, Cause::Closed)],
                vec![check(SHOP, None), ours(OTHER)],
            ),
            false,
        ),
        (
            (
                vec![shown(SHOP, Cause::ServerError), check(OTHER, None)],
                vec![check(SHOP, None), ours(OTHER)],
            ),
            true,
        ),
        (
            (
                vec![shown(SHOP, Cause::ServerError), check(OTHER, None)],
                vec![check(SHOP, None), shown(OTHER, Cause::Refused)],
            ),
            false,
        ),
        (
            (
                vec![
                    shown(SHOP, Cause::ServerError),
                    shown(OTHER, Cause::Content),
                ],
                vec![check(SHOP, None), ours(OTHER)],
            ),
            true,
        ),
        // One that was never well is nobody's evidence.
        (
            (
                vec![
                    shown(SHOP, Cause::ServerError),
                    shown(NEW, Cause::ServerError),
                ],
                vec![check(SHOP, None), shown(NEW, Cause::ServerError)],
            ),
            true,
        ),
    ] {
        let mut hand = three(|site| {
            let asked: Vec<&str> = us.iter().map(|check| check.url.as_str()).collect();
            let known: Vec<&str> = asked.iter().copied().filter(|url| *url != NEW).collect();
            urls(site, &known);
        });
        if us.iter().any(|check| check.url == NEW) {
            hand.changes(|site| urls(site, &[SHOP, NEW]));
        }
        fails(&mut hand, &us);
        assert!(fails(&mut hand, &us), "{us:?}");
        browsed(&mut hand, &browser);
        let seen = shop(&hand).browser.seen.map(|(_, answered)| answered);
        assert_eq!(seen, Some(answered), "{us:?} {browser:?}");
    }
}

/// With `addresses: all` one address that answers is an answer.
#[test]
fn one_address_that_answers_a_browser_is_enough() {
    let mut hand = three(|site| site.addresses = Addresses::All);
    let two = |first, second| {
        let mut checks = [check(SHOP, first), check(SHOP, second)];
        checks[1].address = Some(at("192.0.2.11:443"));
        checks
    };
    let error = Some(Cause::ServerError);
    fails(&mut hand, &two(error, error));
    assert!(fails(&mut hand, &two(error, error)));
    browsed(&mut hand, &two(Some(Cause::Monitor), None));
    assert!(shop(&hand).browser.seen.unwrap().1);
}

/// A cause that the host is not restarted for is no answer either where the server was reached.
#[test]
fn an_error_that_no_restart_is_for_is_no_answer() {
    let mut hand = three(|_| ());
    each_host(&mut hand.settings, |host| {
        host.restart.causes = [Cause::Closed].into_iter().collect();
    });
    let closed = [check(SHOP, Some(Cause::Closed))];
    fails(&mut hand, &closed);
    assert!(fails(&mut hand, &closed));
    browsed(&mut hand, &error());
    assert!(!shop(&hand).browser.seen.unwrap().1);
}

/// Who is no longer taken at its word that it is in maintenance tells a browser the same.
#[test]
fn a_maintenance_that_is_doubted_is_no_answer() {
    let mut hand = three(|_| ());
    let says = [check(SHOP, Some(Cause::Maintenance))];
    fails(&mut hand, &says);
    let until = shop(&hand).maintenance.unwrap().until;
    while hand.now() < until {
        fails(&mut hand, &says);
    }
    while !fails(&mut hand, &says) {}
    browsed(&mut hand, &says);
    assert!(!shop(&hand).browser.seen.unwrap().1);
}
