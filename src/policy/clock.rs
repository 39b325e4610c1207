//! One line of time out of two clocks.
//!
//! While the machine stays up, time advances by what `CLOCK_BOOTTIME` advanced, whatever the wall clock does: an hour's
//! jump expires no budget and makes no wait longer, and a cron run continues the line of the run before it. Across a
//! reboot only the wall clock is left; where it has gone back as well, elapsed time cannot be known and counts as none,
//! so old restarts count as new.
//! An instant has whole milliseconds; what is over belongs to the next step, or the time of a daemon that takes a thousand
//! steps a second would run slow.

use std::time::Duration;

use crate::model::{FleetClock, Now, Timestamp};

/// Moves the fleet's clock to what the clocks say and returns the new instant.
pub(super) fn advance(clock: &mut FleetClock, now: &Now) -> Timestamp {
    let first = *clock == FleetClock::default();
    let (instant, rest) = if first {
        (now.wall, Duration::ZERO)
    } else if clock.boot == now.boot && now.since_boot >= clock.since_boot {
        let passed = now.since_boot - clock.since_boot;
        let instant = clock.now + passed;
        (instant, passed.saturating_sub(instant.since(clock.now)))
    } else {
        (now.wall.max(clock.now), Duration::ZERO)
    };
    clock.now = instant;
    clock.boot.0.clone_from(&now.boot.0);
    clock.since_boot = now.since_boot.saturating_sub(rest);
    clock.skew_ms = now.wall.0.saturating_sub(instant.0);
    instant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BootId;

    #[test]
    fn many_small_steps_take_as_long_as_one() {
        let at = |micros: u64| Now {
            wall: Timestamp(1_000_000 + i64::try_from(micros / 1000).unwrap()),
            boot: BootId("a".to_owned()),
            since_boot: Duration::from_micros(7_000_300 + micros),
        };
        let mut clock = FleetClock::default();
        let begun = advance(&mut clock, &at(0));
        for step in 1..=10_000 {
            let now = advance(&mut clock, &at(step * 700));
            assert_eq!(now.since(begun), Duration::from_millis(step * 700 / 1000));
        }
        assert_eq!(clock.skew_ms, 0);
    }
}
