//! The real loop over a disk that takes its time: commits run beside it, acts wait for theirs, and a process that dies
//! anywhere has done nothing that was not written before.

mod outside;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use probe::engine::{Control, Ended, Run, Until, drive};
use probe::model::{EventKind, Fleet, RecoveryOutcome, Settings, Stage, Start};
use tokio::sync::mpsc;

use super::engine;
use super::setup::{host, profile, secs, seen_up, settings};
use outside::Outside;

fn begin(
    outside: &Arc<Outside>,
    settings: Settings,
    fleet: Fleet,
) -> (mpsc::Sender<Control>, tokio::task::JoinHandle<Ended>) {
    let (order, mut control) = mpsc::channel(4);
    let mut ports = outside.ports();
    let run = Run {
        start: Start::Daemon,
        fleet,
        ..engine::run(settings, Until::Shutdown)
    };
    let driving = tokio::spawn(async move { drive(&mut ports, run, &mut control).await });
    (order, driving)
}

/// The same, of sites that an earlier run has seen up.
fn begin_known(
    outside: &Arc<Outside>,
    settings: Settings,
) -> (mpsc::Sender<Control>, tokio::task::JoinHandle<Ended>) {
    let fleet = seen_up(&settings);
    outside.durable.lock().unwrap().clone_from(&fleet);
    begin(outside, settings, fleet)
}

#[track_caller]
fn honest(outside: &Outside) {
    assert_eq!(
        outside.unproven.load(Ordering::SeqCst),
        0,
        "an act whose intent was not on the disk"
    );
}

/// Neither site was probed later than its interval says.
#[track_caller]
fn punctual(outside: &Outside) {
    for name in ["well", "sick"] {
        let begun = outside.probes.lock().unwrap()[name].clone();
        let longest = if name == "well" { 5_050 } else { 60_050 };
        for pair in begun.windows(2) {
            let gap = (pair[1] - pair[0]).as_millis();
            assert!(gap <= longest, "{name}: {gap} ms at {:?}", pair[1]);
        }
    }
}

/// `sick` on web1, and `well`, which is probed every five seconds.
fn sick_and_well() -> Settings {
    let mut settings = settings(&["sick@web1", "well"]);
    let well = settings.profiles.get_mut(&profile("well")).unwrap();
    let mut changed = (**well).clone();
    changed.interval = secs(5);
    *well = Arc::new(changed);
    settings
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_eight_seconds_delays_no_probe_and_every_act() {
    let outside = Outside::new(secs(8));
    let (_order, _driving) = begin_known(&outside, sick_and_well());
    tokio::time::sleep(secs(300)).await;
    punctual(&outside);
    assert!(outside.probes.lock().unwrap()["well"].len() >= 59);
    assert_eq!(outside.restarts(), 1);
    let (at, _) = outside.recovered.lock().unwrap()[0];
    assert!(
        at > secs(28),
        "failed at 20 s, and the disk took its time: {at:?}"
    );
    assert!(outside.mails() >= 2);
    honest(&outside);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_half_a_minute_of_writing_made_old_is_not_begun() {
    let outside = Outside::new(secs(30));
    let (order, driving) = begin_known(&outside, sick_and_well());
    tokio::time::sleep(secs(900)).await;
    punctual(&outside);
    assert_eq!(outside.restarts(), 0, "what is as old as that is not begun");
    let told = outside.told.lock().unwrap().clone();
    assert_eq!(told, [EventKind::Down, EventKind::Withheld], "once");
    // The disk is quick again: nothing was used up meanwhile.
    outside.takes.lock().unwrap().1 = secs(1);
    tokio::time::sleep(secs(300)).await;
    assert_eq!(outside.restarts(), 1);
    honest(&outside);
    order.send(Control::Stop).await.unwrap();
    let ended = driving.await.unwrap();
    let track = &ended.fleet.hosts[&host("web1")];
    assert_eq!(track.attempts, 1, "what was not begun does not count");
    assert_eq!(track.starts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_takes_its_acts_and_those_of_the_next_back() {
    let outside = Outside::new(secs(5));
    outside.writable.store(false, Ordering::SeqCst);
    let (order, driving) = begin_known(&outside, sick_and_well());
    tokio::time::sleep(secs(120)).await;
    assert_eq!((outside.restarts(), outside.mails()), (0, 0));
    outside.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(120)).await;
    assert_eq!(outside.restarts(), 1, "once, and only now");
    assert!(outside.mails() >= 2);
    honest(&outside);
    order.send(Control::Stop).await.unwrap();
    let ended = driving.await.unwrap();
    assert!(!ended.unwritten && ended.fleet.outbox.is_empty());
    let track = &ended.fleet.hosts[&host("web1")];
    assert_eq!(track.attempts, 1, "what was taken back does not count");
}

#[tokio::test(start_paused = true)]
async fn what_becomes_durable_during_a_commit_is_together_in_the_next() {
    let outside = Outside::new(Duration::from_millis(10));
    outside.takes.lock().unwrap().0 = vec![secs(60)];
    let (_order, _driving) = begin_known(&outside, settings(&["blog", "wiki"]));
    tokio::time::sleep(secs(59)).await;
    assert_eq!(
        outside.mails(),
        0,
        "both are down, and nothing is written yet"
    );
    tokio::time::sleep(secs(10)).await;
    let commits = outside.commits.lock().unwrap();
    assert_eq!(commits[0].entries.len(), 0);
    assert_eq!(commits[1].entries.len(), 2, "one commit for both");
    let mailed = outside.mailed.lock().unwrap();
    assert_eq!(mailed.len(), 2);
    assert!(mailed.iter().all(|(at, _)| *at >= commits[1].ended));
    honest(&outside);
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_result_costs_no_commit_of_its_own() {
    let outside = Outside::new(Duration::from_millis(10));
    let (_order, _driving) = begin_known(&outside, sick_and_well());
    outside.ill.store(false, Ordering::SeqCst);
    tokio::time::sleep(secs(600)).await;
    let probes: usize = outside.probes.lock().unwrap().values().map(Vec::len).sum();
    let commits = outside.commits.lock().unwrap().len();
    assert!(probes > 120 && commits <= 61, "{probes} and {commits}");
}

/// Dies at any moment, and another run takes over what is on the disk.
#[tokio::test(start_paused = true)]
async fn wherever_it_dies_no_act_was_without_its_intent_and_none_is_repeated() {
    let (mut acted, mut unacted) = (0, 0);
    for step in 0..160 {
        let outside = Outside::new(Duration::from_millis(1_700));
        let (_order, driving) = begin_known(&outside, sick_and_well());
        tokio::time::sleep(Duration::from_millis(18_000 + step * 50)).await;
        driving.abort();
        drop(driving.await);
        // A write that was under way comes to its end, or not: both are on the disk as one or nothing.
        tokio::time::sleep(secs(2 * (step % 2))).await;
        let before = outside.restarts();
        if before > 0 {
            acted += 1;
        } else {
            unacted += 1;
        }
        outside.ill.store(true, Ordering::SeqCst);
        let remembered = outside.durable.lock().unwrap().clone();
        let intended = remembered.hosts.get(&host("web1"));
        let last = intended.and_then(|track| track.last.clone());
        if last.as_ref().is_some_and(|attempt| attempt.ended.is_some()) {
            honest(&outside);
            continue; // it was followed to its end
        }
        let (_order, driving) = begin(&outside, sick_and_well(), remembered);
        tokio::time::sleep(secs(100)).await;
        honest(&outside);
        if last.is_some() {
            assert_eq!(outside.restarts(), before, "nobody's until its deadline");
        } else {
            assert_eq!((before, outside.restarts()), (0, 1));
        }
        driving.abort();
    }
    assert!(acted > 20 && unacted > 20, "{acted} and {unacted}");
}

#[tokio::test(start_paused = true)]
async fn an_order_to_rearm_is_done_with_when_it_is_durable() {
    let outside = Outside::new(secs(3));
    outside.writable.store(false, Ordering::SeqCst);
    outside.orders.lock().unwrap().rearm = ["web1".to_owned()].into();
    let (_order, _driving) = begin_known(&outside, sick_and_well());
    tokio::time::sleep(secs(60)).await;
    assert!(outside.rearmed.lock().unwrap().is_empty());
    outside.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(30)).await;
    let rearmed = outside.rearmed.lock().unwrap();
    assert_eq!(rearmed.len(), 1);
    assert_eq!(rearmed[0], outside.commits.lock().unwrap()[0].ended);
}

#[tokio::test(start_paused = true)]
async fn mail_that_is_taken_out_while_it_is_written_down_is_kept_until_it_comes_back() {
    let outside = Outside::new(secs(3));
    let with = settings(&["blog"]);
    let (order, _driving) = begin_known(&outside, with.clone());
    outside.probed("blog", 3).await;
    let without = Settings {
        email: None,
        ..with.clone()
    };
    order
        .send(Control::Reload(Arc::new(without)))
        .await
        .unwrap();
    tokio::time::sleep(secs(60)).await;
    assert_eq!(outside.mails(), 0);
    order.send(Control::Reload(Arc::new(with))).await.unwrap();
    tokio::time::sleep(secs(60)).await;
    assert_eq!(outside.mails(), 1);
    honest(&outside);
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_a_commit_begins_nothing_and_leaves_no_order_behind() {
    let outside = Outside::new(secs(8));
    let (order, driving) = begin_known(&outside, sick_and_well());
    outside.probed("sick", 3).await;
    order.send(Control::Stop).await.unwrap();
    let ended = driving.await.unwrap();
    assert!(!ended.unwritten);
    assert_eq!((outside.restarts(), outside.mails()), (0, 0));
    let durable = outside.durable.lock().unwrap();
    let track = &durable.hosts[&host("web1")];
    assert_eq!((&track.stage, track.attempts), (&Stage::Idle, 0));
    assert_eq!(durable.outbox.len(), 1, "the mail is the next run's");
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_waited_behind_a_failed_commit_does_not_leave_with_the_one_after() {
    let outside = Outside::new(secs(5));
    outside.takes.lock().unwrap().0 = vec![secs(30)];
    outside.writable.store(false, Ordering::SeqCst);
    let (_order, _driving) = begin_known(&outside, sick_and_well());
    tokio::time::sleep(secs(25)).await;
    outside.ill.store(false, Ordering::SeqCst);
    tokio::time::sleep(secs(8)).await;
    outside.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(60)).await;
    assert!(!outside.commits.lock().unwrap().is_empty());
    assert_eq!(
        outside.restarts(),
        0,
        "it has come back by itself meanwhile"
    );
    honest(&outside);
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_failed_commit_are_in_the_next() {
    let outside = Outside::new(secs(2));
    outside.ill.store(false, Ordering::SeqCst);
    outside.writable.store(false, Ordering::SeqCst);
    let (_order, _driving) = begin_known(&outside, settings(&["blog"]));
    tokio::time::sleep(secs(5)).await;
    outside.writable.store(true, Ordering::SeqCst);
    tokio::time::sleep(secs(25)).await;
    assert_eq!(outside.probes.lock().unwrap()["blog"].len(), 1);
    let durable = outside.durable.lock().unwrap();
    assert!(durable.profiles[&profile("blog")].probed.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_restart_whose_time_has_passed_when_it_is_written_is_not_begun() {
    let outside = Outside::new(secs(200));
    let (_order, _driving) = begin_known(&outside, sick_and_well());
    tokio::time::sleep(secs(390)).await;
    assert_eq!(outside.commits.lock().unwrap().len(), 1);
    // The second commit holds the order, and its end as lost.
    tokio::time::sleep(secs(30)).await;
    assert_eq!(outside.commits.lock().unwrap().len(), 2);
    assert_eq!(outside.restarts(), 0);
    let track = outside.durable.lock().unwrap().hosts[&host("web1")].clone();
    let report = track.last.and_then(|attempt| attempt.report);
    assert_eq!(report.unwrap().outcome, RecoveryOutcome::Unknown);
    honest(&outside);
}

#[tokio::test(start_paused = true)]
async fn a_single_cycle_follows_a_failure_through_over_a_slow_disk() {
    let outside = Outside::new(secs(4));
    let (_order, mut control) = mpsc::channel(1);
    let run = engine::run(settings(&["sick@web1"]), Until::Settled(secs(600)));
    let ended = drive(&mut outside.ports(), run, &mut control).await;
    assert_eq!((outside.restarts(), outside.mails()), (1, 3));
    assert!(!ended.unwritten && ended.fleet.outbox.is_empty());
    assert_eq!(outside.durable.lock().unwrap().profiles, {
        let mut left = ended.fleet.profiles;
        for track in left.values_mut() {
            (track.in_flight, track.probed_in_run) = (None, true);
        }
        left
    });
    honest(&outside);
}
