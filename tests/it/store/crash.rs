//! Killed at any moment: what was acknowledged is there, and nothing is half there.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use super::*;

const TEST: &str =
    "store::crash::a_killed_writer_leaves_a_state_it_had_acknowledged_or_a_later_one";

/// Commits for ever, saying so on stdout after each.
fn commit_until_killed(dir: &Path) -> ! {
    let state = open(dir);
    let mut counter = state.load().0.core.last_attempt;
    let mut store = state.into_store().unwrap();
    say("\nopen");
    loop {
        counter += 1;
        let mut changes = everything(&counted(counter));
        changes
            .journal
            .push(judged(u32::try_from(counter).unwrap()));
        commit(&mut store, changes).unwrap();
        say(&format!("acknowledged {counter}"));
    }
}

#[test]
fn a_killed_writer_leaves_a_state_it_had_acknowledged_or_a_later_one() {
    if let Some(dir) = other_half() {
        commit_until_killed(&dir);
    }
    let root = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::with_seed(20_261_122);
    let mut dir = root.path().join("0");
    let mut grown = 0;
    for round in 0..30_u32 {
        if round % 10 == 0 {
            // Also killed while a new state is being made.
            dir = root.path().join(round.to_string());
            grown = 0;
        }
        let mut child = half(&[], TEST, &dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = rng.u64(0..60);
        let mut acknowledged = 0;
        let mut seen = 0;
        let hear = |line: &str, acknowledged: &mut u64| {
            let number = line
                .strip_prefix("acknowledged ")
                .and_then(|n| n.parse().ok());
            if let Some(number) = number {
                *acknowledged = number;
            }
        };
        while seen < wanted {
            let line = lines.next().expect("the writer ended by itself").unwrap();
            hear(&line, &mut acknowledged);
            seen += u64::from(line.starts_with("acknowledged "));
        }
        // Anywhere between two acknowledgements, or, before the first, anywhere in opening.
        let spread = if wanted == 0 { 20_000 } else { 2_000 };
        std::thread::sleep(Duration::from_micros(rng.u64(0..spread)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            // The last line may be cut off and then names a smaller number, which is acknowledged too.
            hear(&line.unwrap(), &mut acknowledged);
        }

        let state = open(&dir);
        let (fleet, damaged) = state.load();
        assert_eq!(damaged, None, "round {round}");
        let counter = fleet.core.last_attempt;
        assert!(
            counter >= acknowledged && counter >= grown,
            "round {round}: {counter}, acknowledged {acknowledged}"
        );
        if counter > 0 {
            assert_eq!(fleet, counted(counter), "round {round}");
        }
        drop(state);
        let found = probe::adapters::store::journal(&dir, WALL, u32::MAX).unwrap();
        let expected: Vec<_> = (1..=u32::try_from(counter).unwrap()).map(judged).collect();
        assert_eq!(found, expected, "round {round}");
        grown = counter;
    }
    assert!(grown > 0, "nothing was ever written");
}
