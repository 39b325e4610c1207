//! Who watches the watcher: the service manager and the outside watcher hear of us only while the loop makes progress (L8).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use probe::engine::{Control, Run, Until, drive};
use probe::model::{Endpoint, Fleet, Happened, Heartbeat, Start, Timestamp};
use probe::ports::{Observer, Pending, Pulse};
use tokio::sync::mpsc;

use super::engine::{Bench, ports, run};
use super::setup::settings;

/// An outside watcher that counts.
struct Outside(Arc<AtomicU32>);

impl Pulse for Outside {
    fn beat(&self, _: Arc<Heartbeat>) -> Pending<Result<(), String>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// An observer at which the loop hangs while somebody holds the gate.
struct Gate(Arc<Mutex<()>>);

impl Observer for Gate {
    fn note(&mut self, _: Timestamp, _: &Happened, _: &Fleet) {
        drop(self.0.lock().unwrap());
    }
}

/// In real time, and the loop on a thread of its own: a paused clock would hang with it.
#[test]
fn a_loop_that_hangs_is_silent_and_speaks_again_when_it_goes_on() {
    let gate = Arc::new(Mutex::new(()));
    let (pulses, beats) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let second = Duration::from_secs(1);
    let mut settings = settings(&["shop"]);
    super::setup::each_profile(&mut settings, |profile| {
        (profile.interval, profile.retry_interval) = (second, second);
    });
    settings.heartbeat = Some(Arc::new(Heartbeat {
        watcher: Endpoint::Url("https://hc.example.com/uuid".parse().unwrap()),
        every: second,
    }));
    let (order, mut control) = mpsc::channel(1);
    let run = Run {
        start: Start::Daemon,
        ..run(settings, Until::Shutdown)
    };
    let (closed, pulse, beat) = (Arc::clone(&gate), Arc::clone(&pulses), Arc::clone(&beats));
    let driving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut ports = ports(&Bench::new());
            ports.observer = Box::new(Gate(closed));
            ports.watcher = Arc::new(Outside(beat));
            ports.pulse = Box::new(move |_| _ = pulse.fetch_add(1, Ordering::SeqCst));
            drop(drive(&mut ports, run, &mut control).await);
        });
    });
    let heard = || (pulses.load(Ordering::SeqCst), beats.load(Ordering::SeqCst));
    let goes_on_from = |before: (u32, u32)| {
        let deadline = Instant::now() + 60 * second;
        while heard().0 <= before.0 || heard().1 <= before.1 {
            assert!(Instant::now() < deadline, "{:?}", heard());
            std::thread::sleep(second / 20);
        }
    };
    goes_on_from((0, 0));
    let shut = gate.lock().unwrap();
    // By then it hangs: what was under way is over.
    std::thread::sleep(3 * second);
    let before = heard();
    std::thread::sleep(4 * second);
    let after = heard();
    drop(shut);
    assert_eq!(after, before, "it hangs, and says that it lives");
    goes_on_from(before);
    order.blocking_send(Control::Stop).unwrap();
    driving.join().unwrap();
}
