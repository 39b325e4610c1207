//! How old an order to restart may be when it is durable, to the millisecond.

use std::time::Duration;

use probe::model::{
    Attempt, AttemptId, Event, Fleet, RecoverOrder, Rung, Stage, Timestamp, limits,
};
use probe::policy::{Release, release};

use super::setup::{host, secs};

const DECIDED: Timestamp = Timestamp(1_795_327_200_000);

fn order(attempt: u64) -> RecoverOrder {
    RecoverOrder {
        host: host("web1"),
        attempt: AttemptId(attempt),
        rung: Rung::Remote("sudo -n kusanagi restart".into()),
    }
}

/// The host waits for its second attempt, ordered so long ago.
fn fleet(age: Duration) -> Fleet {
    let mut fleet = Fleet::default();
    fleet.core.clock.now = DECIDED + age;
    let track = fleet.host_mut(&host("web1"));
    track.stage = Stage::Restarting {
        attempt: AttemptId(2),
        deadline: DECIDED + secs(155),
    };
    track.last = Some(Attempt {
        id: AttemptId(2),
        number: 1,
        command: "sudo -n kusanagi restart".into(),
        ailment: None,
        drill: false,
        braked: false,
        began: DECIDED,
        ended: None,
        report: None,
    });
    fleet
}

#[test]
fn an_order_is_begun_within_ten_seconds_or_not_at_all() {
    assert_eq!(limits::ORDER_FRESH, secs(10));
    for (age, left) in [
        (0, Some(10_000)),
        (1, Some(9_999)),
        (9_999, Some(1)),
        (10_000, None),
        (10_001, None),
        (600_000, None),
    ] {
        let age = Duration::from_millis(age);
        match (release(&fleet(age), &order(2)), left) {
            (Release::Within(found), Some(left)) => {
                assert_eq!(found, Duration::from_millis(left), "{age:?}");
            }
            (
                Release::Late(Event::Outdated {
                    attempt, age: told, ..
                }),
                None,
            ) => assert_eq!((attempt, told), (AttemptId(2), age)),
            (found, _) => panic!("{age:?}: {found:?}"),
        }
    }
}

#[test]
fn an_order_for_which_nobody_waits_is_overtaken() {
    let is_overtaken =
        |fleet: &Fleet, attempt| matches!(release(fleet, &order(attempt)), Release::Overtaken);
    let young = fleet(secs(1));
    assert!(is_overtaken(&young, 1) && !is_overtaken(&young, 2));
    let mut settling = young.clone();
    settling.host_mut(&host("web1")).stage = Stage::Settling {
        attempt: AttemptId(2),
        until: DECIDED + secs(60),
    };
    assert!(is_overtaken(&settling, 2));
    assert!(is_overtaken(&Fleet::default(), 2));
}
