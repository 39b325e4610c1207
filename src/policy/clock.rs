//! One line of time, made of two clocks.
//!
//! - While the machine stays up, time advances as `CLOCK_BOOTTIME` does, whatever the wall clock does. A wall clock
//!   that jumps by an hour expires no budget and prolongs no wait, and each cron run continues the line of the run
//!   before it.
//! - After a reboot, time advances by what the wall clock advanced since it was last read. Whether it was or is right
//!   is not known. If it went back, time stands still: the time that passed is not known, so old restarts count as new.
//! - An instant is in whole milliseconds. The rest of a step is added to the next step; otherwise a daemon with a
//!   thousand steps a second would run slow.

use std::time::Duration;

use crate::model::{FleetClock, Now, Timestamp};

/// Advances the fleet's line of time to what the clocks say now, and returns the new instant.
pub(in crate::policy) fn advance(clock: &mut FleetClock, now: &Now) -> Timestamp {
    let first = *clock == FleetClock::default();
    let (instant, rest) = if first {
        (now.wall, Duration::ZERO)
    } else if clock.boot == now.boot && now.since_boot >= clock.since_boot {
        let passed = now.since_boot - clock.since_boot;
        let instant = clock.now + passed;
        (instant, passed.saturating_sub(instant.since(clock.now)))
    } else {
        let seen = Timestamp(clock.now.0.saturating_add(clock.skew_ms));
        (clock.now + now.wall.since(seen), Duration::ZERO)
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

    /// A wall clock that jumped years ahead while the machine was up is no time that passed, also after a reboot.
    #[test]
    fn a_reboot_takes_as_long_as_the_wall_clock_says_however_wrong_it_is() {
        let at = |boot: &str, wall: i64, since_boot: u64| Now {
            wall: Timestamp(wall),
            boot: BootId(boot.to_owned()),
            since_boot: Duration::from_millis(since_boot),
        };
        for jump in [0, 315_360_000_000, -86_400_000] {
            let mut clock = FleetClock::default();
            let begun = advance(&mut clock, &at("a", 1_000_000_000, 5_000));
            advance(&mut clock, &at("a", 1_000_000_000 + jump, 5_000));
            let now = advance(&mut clock, &at("b", 1_000_040_000 + jump, 9_000));
            assert_eq!(now.since(begun), Duration::from_secs(40), "{jump}");
            assert_eq!(clock.skew_ms, jump);
            // Where it has gone back, nobody knows.
            let again = advance(&mut clock, &at("c", 1_000_039_000 + jump, 100));
            assert_eq!(again, now);
        }
    }

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
