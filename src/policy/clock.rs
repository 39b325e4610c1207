//! One line of time out of two clocks.
//!
//! While the machine stays up, time advances by what `CLOCK_BOOTTIME` advanced, whatever the wall clock does: an hour's
//! jump expires no budget and makes no wait longer, and a cron run continues the line of the run before it. Across a
//! reboot only the wall clock is left; where it has gone back as well, elapsed time cannot be known and counts as none,
//! so old restarts count as new.

use crate::model::{FleetClock, Now, Timestamp};

/// Moves the fleet's clock to what the clocks say and returns the new instant.
pub(super) fn advance(clock: &mut FleetClock, now: &Now) -> Timestamp {
    let first = *clock == FleetClock::default();
    let instant = if first {
        now.wall
    } else if clock.boot == now.boot && now.since_boot >= clock.since_boot {
        clock.now + (now.since_boot - clock.since_boot)
    } else {
        now.wall.max(clock.now)
    };
    clock.now = instant;
    clock.boot.clone_from(&now.boot);
    clock.since_boot = now.since_boot;
    clock.skew_ms = now.wall.0.saturating_sub(instant.0);
    instant
}
