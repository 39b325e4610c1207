//! What is remembered of a day: every probe counted once, in its five minutes, and written once. What hours and days
//! come to: all the time between probes once, and every incident once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use probe::engine::{Control, Until, drive};
use probe::model::{Changes, Fleet, Rollup, Share, Slot, Start, limits};
use tokio::sync::mpsc;

use super::engine::{Bench, ports, run};
use super::setup::{profile, secs, settings};

#[tokio::test(start_paused = true)]
async fn every_probe_is_in_one_slot_and_no_write_loses_or_repeats_one() {
    let bench = Bench::new();
    bench.ill.store(false, Ordering::SeqCst);
    let (order, mut control) = mpsc::channel(1);
    let mut run = run(settings(&["shop"]), Until::Shutdown);
    run.start = Start::Daemon;
    let mut ports = ports(&bench);
    let driving = tokio::spawn(async move { drive(&mut ports, run, &mut control).await });
    tokio::time::sleep(secs(700)).await;
    bench.writable.store(false, Ordering::SeqCst);
    bench.ill.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(700)).await;
    bench.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(500)).await;
    order.send(Control::Stop).await.unwrap();
    let ended = driving.await.unwrap();
    let slots = bench.slots.lock().unwrap().clone();
    assert!((5..=7).contains(&slots.len()), "{slots:?}");
    assert!(
        slots.is_sorted_by(|one, other| one.number < other.number),
        "{slots:?}"
    );
    for pair in slots.windows(2) {
        assert_eq!(pair[1].number, pair[0].number + 1);
    }
    // A probe a minute while it was well.
    assert_eq!((slots[1].well, slots[1].failed), (5, 0));
    assert!(slots[4].failed > 5 && slots[4].well == 0, "{slots:?}");
    let now = ended.fleet.profiles[&profile("shop")].slot;
    assert_eq!(now.number, slots.last().unwrap().number + 1);
}

#[tokio::test(start_paused = true)]
async fn hours_and_days_hold_all_the_time_once() {
    let bench = Bench::new();
    bench.ill.store(false, Ordering::SeqCst);
    let (order, mut control) = mpsc::channel(1);
    let mut run = run(settings(&["shop"]), Until::Shutdown);
    run.start = Start::Daemon;
    let mut ports = ports(&bench);
    let driving = tokio::spawn(async move { drive(&mut ports, run, &mut control).await });
    tokio::time::sleep(secs(3_000)).await;
    bench.ill.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(900)).await;
    bench.ill.store(false, Ordering::SeqCst);
    // A disk that takes nothing for a while loses nothing of it.
    bench.writable.store(false, Ordering::SeqCst);
    tokio::time::sleep(secs(400)).await;
    bench.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(600)).await;
    order.send(Control::Stop).await.unwrap();
    let ended = driving.await.unwrap();
    let track = &ended.fleet.profiles[&profile("shop")];
    let zone = jiff::tz::TimeZone::UTC;
    let mut all = Rollup::default();
    let shares = bench.shares.lock().unwrap().clone();
    for share in shares.iter().chain([&Share::of_slot(&track.slot, &zone)]) {
        all.add(&share.rollup);
    }
    let seconds = |time: Duration| time.as_secs();
    assert!((4_800..=4_900).contains(&seconds(all.judged)), "{all:?}");
    assert_eq!(all.unjudged, Duration::ZERO);
    // From the first failure to the second answer in a row.
    assert!((890..=1_020).contains(&seconds(all.down)), "{all:?}");
    assert_eq!(all.outages, 1);
    assert!((60..=72).contains(&all.well), "{all:?}");
    assert!(all.failed > 10, "{all:?}");
    let share = all.uptime().unwrap();
    assert!((7_800..=8_200).contains(&share), "{share}");
    let hours: std::collections::BTreeSet<u32> = shares.iter().map(|share| share.hour).collect();
    assert!((2..=3).contains(&hours.len()), "{hours:?}");
}

#[test]
fn a_commit_takes_a_part_and_a_failed_one_gives_it_back() {
    let mut fleet = Fleet::default();
    let name = profile("shop");
    let total = limits::SLOTS_AT_ONCE * 2 + 7;
    for number in 0..total {
        let mut slot = Slot {
            number: u32::try_from(number).unwrap(),
            ..Slot::default()
        };
        slot.count(Some(Duration::from_millis(1)));
        fleet.finish(&name, slot);
    }
    let numbers = |changes: &Changes| -> Vec<u32> {
        changes.slots.iter().map(|(_, slot)| slot.number).collect()
    };
    let first = numbers(&fleet.changes());
    assert_eq!(first.len(), limits::SLOTS_AT_ONCE);
    fleet.unwritten();
    let mut seen = Vec::new();
    while fleet.is_touched() {
        seen.extend(numbers(&fleet.changes()));
        fleet.written();
    }
    let all: Vec<u32> = (0..u32::try_from(total).unwrap()).collect();
    assert_eq!(seen, all, "in order, each once");
}
