//! What one attempt leaves behind, moved by hand and to the millisecond: its deadline, when it counts as ended, what it counts for.

use std::time::Duration;

use probe::model::{
    Cause, CheckOutcome, CheckResult, Effect, Event, Finding, HostTrack, Incident, Reason,
    RecoverOrder, RecoveryOutcome, RecoveryReport, Stage, Standing, Start, limits,
};

use super::hand::Hand;
use super::setup::{host, profile, secs, settings};

/// One site on one host, and no canaries.
impl Hand {
    /// Goes on to the next due probe, which finds this.
    fn probe(&mut self, cause: Option<Cause>) -> Vec<Effect> {
        let site = profile("shop");
        let mut effects = Vec::new();
        while self.fleet.profiles[&site].in_flight.is_none() {
            self.ms += 1_000;
            effects.extend(self.step(Event::Ticked));
        }
        let (probe, _) = self.fleet.profiles[&site].in_flight.unwrap();
        let outcome = cause.map_or(CheckOutcome::Ok, |cause| {
            CheckOutcome::found(cause, Finding::bare(cause))
        });
        let checks = vec![CheckResult::new("https://shop.example.com/", outcome)];
        let profile = site;
        effects.extend(self.step(Event::Probed {
            probe,
            profile,
            checks,
        }));
        effects
    }

    /// Fails until a restart is ordered.
    pub(super) fn order(&mut self) -> RecoverOrder {
        for _ in 0..300 {
            let effects = self.probe(Some(Cause::Refused));
            let order = effects.into_iter().find_map(|effect| match effect {
                Effect::Recover(order) => Some(order),
                _ => None,
            });
            if let Some(order) = order {
                return order;
            }
        }
        panic!("nothing was ordered: {:?}", self.track().hold);
    }

    /// A first restart is ordered.
    pub(super) fn ordered() -> (Self, RecoverOrder) {
        let mut settings = settings(&["shop@web1"]);
        settings.network.canaries.clear();
        let mut hand = Self::new(settings);
        hand.step(Event::Started(Start::Daemon));
        let order = hand.order();
        (hand, order)
    }

    pub(super) fn end(
        &mut self,
        order: &RecoverOrder,
        outcome: RecoveryOutcome,
        broken: bool,
    ) -> Vec<Effect> {
        self.step(Event::Recovered {
            host: order.host.clone(),
            attempt: order.attempt,
            report: RecoveryReport {
                outcome,
                exit_status: None,
                duration: secs(5),
                reason: (outcome == RecoveryOutcome::NotExecuted).then(|| Reason::NoConnection {
                    limit: "25s".into(),
                }),
                output: String::new(),
                config_broken: broken,
            },
        })
    }

    fn track(&self) -> &HostTrack {
        &self.fleet.hosts[&host("web1")]
    }

    fn incident(&self) -> &Incident {
        self.fleet.profiles[&profile("shop")]
            .incident
            .as_ref()
            .unwrap()
    }
}

/// The limit of a command and how long it settles, in the settings of these tests.
const LIMIT: Duration = Duration::from_secs(120);
const SETTLE: Duration = Duration::from_secs(45);

#[test]
fn an_answer_is_waited_for_until_the_commands_limit_and_the_login_are_over() {
    let (mut hand, order) = Hand::ordered();
    let restart = &hand.settings.hosts[&order.host].restart;
    assert_eq!((restart.timeout, restart.settle), (LIMIT, SETTLE));
    let ordered = hand.now();
    let deadline = ordered + LIMIT + secs(35);
    assert!(matches!(hand.track().stage, Stage::Restarting { deadline: at, .. } if at == deadline));
    assert_eq!(hand.track().starts, [ordered + secs(35)]);
    assert_eq!(hand.track().evidence_from, deadline + SETTLE);
    let left = deadline.since(ordered).as_millis() as u64;
    hand.ms += left - 1;
    hand.step(Event::Ticked);
    assert!(matches!(hand.track().stage, Stage::Restarting { .. }));
    hand.ms += 1;
    hand.step(Event::Ticked);
    assert!(
        matches!(hand.track().stage, Stage::Settling { until, .. } if until == deadline + SETTLE)
    );
    let report = hand.track().last.as_ref().unwrap().report.as_ref().unwrap();
    assert_eq!(report.outcome, RecoveryOutcome::Unknown);
}

#[test]
fn how_an_attempt_ended_decides_from_when_failures_count() {
    use RecoveryOutcome::{Declined, Failed, NotExecuted, Succeeded, TimedOut, Unknown};
    let soon = secs(5);
    for (outcome, lasts, settles) in [
        (Succeeded, soon, true),
        (Failed, soon, true),
        // What may still run on the host runs until its own limit: from when the client saw it begin, or from when it could
        // begin at the latest.
        (TimedOut, LIMIT, true),
        (Unknown, limits::SSH_OVERHEAD + LIMIT, true),
        (NotExecuted, soon, false),
        (Declined, soon, false),
    ] {
        let (mut hand, order) = Hand::ordered();
        let ordered = hand.now();
        hand.ms += 5_000;
        let effects = hand.end(&order, outcome, false);
        let ended = ordered + lasts;
        let from = if settles { ended + SETTLE } else { ended };
        let track = hand.track();
        assert_eq!(track.evidence_from, from, "{outcome:?}");
        assert_eq!(track.starts.len(), usize::from(settles), "{outcome:?}");
        assert_eq!(track.past.len(), usize::from(settles), "{outcome:?}");
        let counts = outcome != NotExecuted;
        assert_eq!(track.attempts, u32::from(counts), "{outcome:?}");
        let floor = ended + secs(30);
        assert!(!counts || track.not_before.unwrap() >= floor, "{outcome:?}");
        // Only where nobody got in the port is tried by itself.
        let tries = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Reach { .. }));
        assert_eq!(tries, outcome == NotExecuted, "{outcome:?}");
        let attempt = &hand.incident().attempts[0];
        let seen = attempt.report.as_ref().map(|report| report.outcome);
        assert_eq!(seen, Some(outcome), "the incident knows its end");
        let word = match outcome {
            NotExecuted => Some("ssh_unreachable"),
            Declined => Some("declined"),
            _ => None,
        };
        let told = hand.fleet.profiles[&profile("shop")].telling.as_ref();
        let words = &told.unwrap().withheld;
        for one in ["ssh_unreachable", "declined"] {
            assert_eq!(words.contains(one), word == Some(one), "{outcome:?}");
        }
    }
}

#[test]
fn a_configuration_that_is_broken_twice_is_asked_no_more() {
    let (mut hand, order) = Hand::ordered();
    hand.end(&order, RecoveryOutcome::Failed, true);
    assert_eq!(hand.track().broken, 1);
    let order = hand.order();
    hand.end(&order, RecoveryOutcome::Failed, true);
    assert_eq!(hand.track().broken, 2);
    for _ in 0..30 {
        let effects = hand.probe(Some(Cause::Refused));
        let acts = |effect: &Effect| matches!(effect, Effect::Recover(_));
        assert!(!effects.iter().any(acts));
    }
    assert!(matches!(hand.track().stage, Stage::GaveUp { .. }));
    // One that starts in between is another fault.
    let (mut hand, order) = Hand::ordered();
    hand.end(&order, RecoveryOutcome::Failed, true);
    let order = hand.order();
    hand.end(&order, RecoveryOutcome::Succeeded, false);
    assert_eq!(hand.track().broken, 0);
}

#[test]
fn what_is_taken_back_leaves_what_came_before() {
    let (mut hand, order) = Hand::ordered();
    hand.end(&order, RecoveryOutcome::Succeeded, false);
    let first = hand.track().starts.clone();
    let order = hand.order();
    assert_eq!((hand.track().starts.len(), hand.track().past.len()), (2, 2));
    assert_eq!(hand.incident().attempts.len(), 2);
    hand.step(Event::TakenBack {
        attempts: vec![(order.host, order.attempt)],
        entries: Vec::new(),
        unwritable: false,
    });
    let track = hand.track();
    assert_eq!(track.starts, first);
    assert_eq!(track.past.len(), 1);
    assert_eq!(track.attempts, 1);
    assert!(!track.acting && !hand.fleet.unwritable);
    let attempts = &hand.incident().attempts;
    assert_eq!((attempts.len(), attempts[0].number), (1, 1));
    assert!(track.evidence_from == hand.now() && track.last.is_none());
}

/// Nobody knows any more how long such a host settles; what was said when the restart was ordered holds, if it was carried out.
#[test]
fn a_host_that_is_taken_out_during_its_restart_keeps_its_word() {
    for (outcome, touched) in [
        (RecoveryOutcome::Succeeded, true),
        (RecoveryOutcome::NotExecuted, false),
    ] {
        let (mut hand, order) = Hand::ordered();
        let ordered = hand.now();
        hand.settings.hosts.clear();
        hand.ms += 5_000;
        hand.end(&order, outcome, false);
        let said = ordered + LIMIT + secs(35) + SETTLE;
        let from = if touched { said } else { ordered + secs(5) };
        assert_eq!(hand.track().evidence_from, from, "{outcome:?}");
    }
}

/// Sites that answer while a restart is under way may do so for the last time.
#[test]
fn a_site_is_not_back_before_the_restart_has_ended() {
    let (mut hand, order) = Hand::ordered();
    let standing = |hand: &Hand| hand.fleet.profiles[&profile("shop")].standing;
    for _ in 0..2 {
        hand.probe(None);
        assert_eq!(standing(&hand), Standing::Down, "its restart is under way");
    }
    hand.end(&order, RecoveryOutcome::Succeeded, false);
    hand.probe(None);
    assert_eq!(standing(&hand), Standing::Up);
}
