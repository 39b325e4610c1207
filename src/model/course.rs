//! How a site did over the last day, in slots of five minutes. The picture of a mail is drawn from them.
//!
//! The slot under way is part of the profile's memory. A finished slot waits in [`Fleet`](super::Fleet) for the next
//! commit, then it is on the disk alone. The write that makes a message durable also fixes the slots of its picture, so
//! every try shows the same picture.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Length of a slot in milliseconds.
pub const SLOT_MS: i64 = 5 * 60 * 1000;

/// Slots of a day.
pub const SLOTS: usize = 288;

/// The probes of five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<u32>", into = "[u32; 7]")]
pub struct Slot {
    /// Its number: whole slots since 1970, on the wall clock.
    pub number: u32,
    /// Probes that were well.
    pub well: u16,
    /// Probes that failed.
    pub failed: u16,
    /// The sum of the response times of those that were well, in milliseconds.
    pub sum_ms: u32,
    /// The longest of them.
    pub longest_ms: u32,
    /// Time between probes that ended in it and those before, in milliseconds, while it was judged.
    pub judged_ms: u32,
    /// The same while it could not be judged.
    pub unjudged_ms: u32,
}

impl From<Vec<u32>> for Slot {
    /// A row of an earlier version has five numbers.
    fn from(row: Vec<u32>) -> Self {
        let nth = |n: usize| row.get(n).copied().unwrap_or(0);
        let small = |n: usize| u16::try_from(nth(n)).unwrap_or(u16::MAX);
        Self {
            number: nth(0),
            well: small(1),
            failed: small(2),
            sum_ms: nth(3),
            longest_ms: nth(4),
            judged_ms: nth(5),
            unjudged_ms: nth(6),
        }
    }
}

impl From<Slot> for [u32; 7] {
    fn from(slot: Slot) -> Self {
        [
            slot.number,
            slot.well.into(),
            slot.failed.into(),
            slot.sum_ms,
            slot.longest_ms,
            slot.judged_ms,
            slot.unjudged_ms,
        ]
    }
}

impl Slot {
    /// The empty slot of an instant on the wall clock.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        Self {
            number: u32::try_from(wall.0.div_euclid(SLOT_MS)).unwrap_or(0),
            ..Self::default()
        }
    }

    /// When it begins.
    #[must_use]
    pub fn begins(&self) -> Timestamp {
        Timestamp(i64::from(self.number) * SLOT_MS)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.is_blank() && self.judged_ms == 0 && self.unjudged_ms == 0
    }

    /// Whether no probe that was well or failed is in it.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        self.well == 0 && self.failed == 0
    }

    /// Counts the time since the probe before, in which it was judged or could not be.
    pub fn pass(&mut self, time: Duration, judged: bool) {
        let ms = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let sum = match judged {
            true => &mut self.judged_ms,
            false => &mut self.unjudged_ms,
        };
        *sum = sum.saturating_add(ms);
    }

    /// Counts a probe. `took` is the response time of a probe that was well; `None` is one that failed.
    pub fn count(&mut self, took: Option<Duration>) {
        match took {
            Some(took) => {
                let ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
                self.well = self.well.saturating_add(1);
                self.sum_ms = self.sum_ms.saturating_add(ms);
                self.longest_ms = self.longest_ms.max(ms);
            }
            None => self.failed = self.failed.saturating_add(1),
        }
    }

    /// Adds what another process saw in the same five minutes.
    pub fn merge(&mut self, other: Self) {
        self.well = self.well.saturating_add(other.well);
        self.failed = self.failed.saturating_add(other.failed);
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        self.longest_ms = self.longest_ms.max(other.longest_ms);
        self.judged_ms = self.judged_ms.saturating_add(other.judged_ms);
        self.unjudged_ms = self.unjudged_ms.saturating_add(other.unjudged_ms);
    }

    /// The mean response time in milliseconds; `None` where none was well.
    #[must_use]
    pub fn mean_ms(&self) -> Option<u32> {
        self.sum_ms.checked_div(self.well.into())
    }
}

/// The slots of a day, ascending, those without a probe left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course(Vec<Slot>);

/// Bytes of one slot on the disk.
const BYTES: usize = 16;

impl Course {
    /// The slots, oldest first.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.0
    }

    /// Adds a slot, and drops what is more than a day older than the newest one.
    pub fn add(&mut self, slot: Slot) {
        if slot.is_blank() {
            return;
        }
        match self
            .0
            .binary_search_by_key(&slot.number, |known| known.number)
        {
            Ok(place) => {
                if let Some(known) = self.0.get_mut(place) {
                    known.merge(slot);
                }
            }
            Err(place) => self.0.insert(place, slot),
        }
        let newest = self.0.last().map_or(0, |slot| slot.number);
        let day = u32::try_from(SLOTS).unwrap_or(u32::MAX);
        self.0.retain(|slot| newest - slot.number < day);
    }

    /// As written to the disk.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let slots = self.0.iter();
        slots
            .flat_map(|slot| {
                let [a, b] = [slot.well.to_be_bytes(), slot.failed.to_be_bytes()];
                let counts = u32::from_be_bytes([a[0], a[1], b[0], b[1]]);
                [slot.number, counts, slot.sum_ms, slot.longest_ms]
            })
            .flat_map(u32::to_be_bytes)
            .collect()
    }

    /// As read from the disk. Bytes that are no course give an empty one: a picture is not worth an error.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut course = Self::default();
        for slot in bytes.chunks_exact(BYTES).take(SLOTS) {
            let mut words = slot.chunks_exact(4).map(|word| {
                let word = word.first_chunk().copied();
                u32::from_be_bytes(word.unwrap_or_default())
            });
            let mut next = || words.next().unwrap_or(0);
            let (number, counts, sum_ms, longest_ms) = (next(), next(), next(), next());
            let [a, b, c, d] = counts.to_be_bytes();
            course.add(Slot {
                number,
                well: u16::from_be_bytes([a, b]),
                failed: u16::from_be_bytes([c, d]),
                sum_ms,
                longest_ms,
                ..Slot::default()
            });
        }
        course
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u32, well: u16, failed: u16) -> Slot {
        Slot {
            number,
            well,
            failed,
            sum_ms: u32::from(well) * 70_000,
            longest_ms: 90_000,
            ..Slot::default()
        }
    }

    #[test]
    fn a_day_stays_in_order_whatever_comes() {
        let mut course = Course::default();
        for number in [1000, 999, 1200, 1001, 1287, 1288] {
            course.add(slot(number, 1, 2));
        }
        course.add(slot(1200, 3, 0));
        course.add(slot(1100, 0, 0));
        let numbers: Vec<u32> = course.slots().iter().map(|slot| slot.number).collect();
        assert_eq!(numbers, [1001, 1200, 1287, 1288], "a day, and no empty one");
        let merged = course.slots()[1];
        assert_eq!((merged.well, merged.failed), (4, 2));
        assert_eq!(merged.mean_ms(), Some(70_000));
        assert_eq!(Course::from_bytes(&course.bytes()), course);
        assert_eq!(course.bytes().len(), 4 * BYTES);
    }

    #[test]
    fn whatever_lies_on_the_disk_is_a_course() {
        for length in [0, 1, 15, 16, 17, 5000, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|n: u32| (n * 37 % 251) as u8).collect();
            let course = Course::from_bytes(&bytes);
            assert!(course.slots().len() <= SLOTS);
        }
    }

    #[test]
    fn probes_are_counted() {
        let mut slot = Slot::at(Timestamp(SLOT_MS * 7 + 1));
        assert!(slot.is_empty() && slot.mean_ms().is_none());
        slot.count(Some(Duration::from_millis(100)));
        slot.count(None);
        slot.count(Some(Duration::from_millis(300)));
        assert_eq!((slot.number, slot.well, slot.failed), (7, 2, 1));
        assert_eq!((slot.mean_ms(), slot.longest_ms), (Some(200), 300));
        assert_eq!(slot.begins(), Timestamp(SLOT_MS * 7));
        let row = serde_json::to_string(&slot).unwrap();
        assert_eq!(row, "[7,2,1,400,300,0,0]");
        let earlier: Slot = serde_json::from_str("[7,2,1,400,300]").unwrap();
        assert_eq!(earlier, slot);
        assert_eq!(serde_json::from_str::<Slot>(&row).unwrap(), slot);
    }
}
