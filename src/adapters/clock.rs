//! The only reader of clocks.
//!
//! The wall clock is the system's; the boot is the kernel's `boot_id`; the time since boot is `CLOCK_BOOTTIME`, which
//! counts suspend and never steps. Where `/proc` does not show the boot id (a sandbox with `ProcSubset=pid`), every
//! process counts as a boot of its own: then times of two processes are never compared by a clock that may not be the same.
#![expect(clippy::disallowed_methods, reason = "the one reader of clocks")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::model::{BootId, Now, Timestamp};
use crate::ports::Clock;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The clocks of this machine.
#[derive(Debug, Clone)]
pub struct SystemClock {
    boot: BootId,
}

impl SystemClock {
    /// Reads the boot id, once: it cannot change while a process lives.
    #[must_use]
    pub fn new() -> Self {
        Self {
            boot: boot_id(std::fs::read_to_string(BOOT_ID).ok().as_deref()),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now {
            wall: wall(SystemTime::now()),
            boot: self.boot.clone(),
            since_boot: since_boot(),
        }
    }

    fn cpu(&self) -> Duration {
        read(ClockId::ProcessCPUTime)
    }
}

fn wall(at: SystemTime) -> Timestamp {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    Timestamp(match at.duration_since(UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => -millis(before.duration()),
    })
}

fn since_boot() -> Duration {
    read(ClockId::Boottime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn boot_id(file: Option<&str>) -> BootId {
    match file.map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => BootId(id.to_owned()),
        None => BootId(format!(
            "process-{}-{}",
            std::process::id(),
            since_boot().as_nanos()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_id_is_the_kernels_and_time_goes_forward() {
        let clock = SystemClock::new();
        let kernel = std::fs::read_to_string(BOOT_ID).unwrap();
        let (first, second) = (clock.now(), clock.now());
        assert_eq!(first.boot.0, kernel.trim());
        assert_eq!(first.boot, second.boot);
        assert!(second.since_boot >= first.since_boot && first.since_boot > Duration::ZERO);
        assert!(first.wall > Timestamp(1_700_000_000_000));
    }

    #[test]
    fn the_processor_time_of_the_process_grows() {
        let clock = SystemClock::new();
        let first = clock.cpu();
        let busy = (0..2_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
        assert!(clock.cpu() > first, "{busy}");
    }

    #[test]
    fn without_a_boot_id_every_clock_is_its_own_boot() {
        assert_ne!(boot_id(None), boot_id(Some("\n")));
        assert!(!boot_id(None).0.is_empty());
    }

    #[test]
    fn a_clock_before_1970_is_negative() {
        assert_eq!(wall(UNIX_EPOCH - Duration::from_secs(2)), Timestamp(-2000));
    }
}
