//! The real loop told to stop: what is under way is seen to its end, and nothing new begins.

use std::sync::atomic::Ordering;
use std::time::Duration;

use probe::engine::{Control, Until, drive};
use probe::model::RecoveryOutcome;
use tokio::sync::mpsc;

use super::engine::{Bench, ports, run};
use super::setup::{host, settings};

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_a_restart_under_way() {
    let bench = Bench::new();
    let (order, mut control) = mpsc::channel(1);
    let (mut ports, run) = (
        ports(&bench),
        run(settings(&["shop@web1"]), Until::Shutdown),
    );
    let driving = tokio::spawn(async move { drive(&mut ports, run, &mut control).await });
    while bench.recoveries.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    order.send(Control::Stop).await.unwrap();
    let ended = driving.await.unwrap();
    let report = ended.fleet.hosts[&host("web1")]
        .last
        .clone()
        .unwrap()
        .report
        .unwrap();
    assert_eq!(
        report.outcome,
        RecoveryOutcome::Succeeded,
        "its end was seen and written"
    );
    assert!(!ended.unwritten);
}

#[tokio::test(start_paused = true)]
async fn stopping_begins_nothing_new() {
    let bench = Bench::new();
    let (order, mut control) = mpsc::channel(1);
    let (mut ports, run) = (
        ports(&bench),
        run(settings(&["shop@web1"]), Until::Shutdown),
    );
    order.send(Control::Stop).await.unwrap();
    let ended = drive(&mut ports, run, &mut control).await;
    assert_eq!(bench.recoveries.load(Ordering::SeqCst), 0);
    assert!(!ended.fleet.unwritable);
}
