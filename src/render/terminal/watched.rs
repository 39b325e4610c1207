//! What `status --watch` shows: a line that says it all, then as much of the answer of `status` as has room, what is not well first, with each
//! profile's response times of the last two hours as a row of bars.
//!
//! A bar is the mean of five minutes, against the longest answer of those two hours; `×` stands where a probe failed, a blank where none was
//! made. What has no room is counted in the last line, and can be scrolled to.

use std::collections::{BTreeMap, BTreeSet};

use super::ink::{Ink, Line, Sheet};
use super::table::Row;
use super::words::clock;
use super::{Layout, banner, hosts, mails, profiles, summary, table};
use crate::model::{
    Course, Fleet, Notification, ProfileName, ProfileTrack, SLOT_MS, Settings, Slot, Timestamp,
};
use crate::render::record::waiting;
use crate::render::text::plural;

/// Slots that are shown: two hours.
const SHOWN: u32 = 24;

/// From nothing to the longest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', '-', ':', '=', '+', '*', '#'];

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The configuration.
    pub settings: &'a Settings,
    /// What is remembered.
    pub fleet: &'a Fleet,
    /// Which profiles.
    pub selection: &'a BTreeSet<ProfileName>,
    /// How they did.
    pub courses: &'a BTreeMap<ProfileName, Course>,
}

/// What stands on the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// From top to bottom.
    pub lines: Vec<String>,
    /// The line of the answer that comes first. Less than was asked for, if there are not so many.
    pub from: usize,
}

/// The answer from line `from` on, in so many lines. `subject` words a message's subject.
#[must_use]
pub fn frame(
    seen: Seen<'_>,
    subject: impl Fn(&Notification) -> String,
    look: Layout,
    height: usize,
    from: usize,
) -> Frame {
    let fleet = seen.fleet;
    let outbox = waiting(fleet, subject);
    let mut sheet = Sheet::new(look);
    banner(&mut sheet, fleet);
    let detail = profiles::Detail::Watched;
    let mut rows = profiles::rows(seen.settings, fleet, seen.selection, detail, look);
    add_bars(&mut rows, seen, look);
    table::write(&mut sheet, &rows, look);
    hosts::write(&mut sheet, seen.settings, fleet, seen.selection, None, look);
    hosts::pauses(&mut sheet, fleet);
    hosts::acks(&mut sheet, fleet);
    mails::write(&mut sheet, &outbox, look);
    let answer = sheet.finish();
    let answer: Vec<&str> = answer.trim_end().lines().collect();

    let now = fleet.wall(fleet.now());
    let head = summary::standing(fleet, seen.selection, &outbox);
    fit(
        &head.then(Ink::Dim, &told_at(now)),
        &answer,
        look,
        height,
        from,
    )
}

/// The state cannot be read: why, in place of the answer.
#[must_use]
pub fn unreadable(why: &str, now: Timestamp, look: Layout) -> Frame {
    let mut sheet = Sheet::new(look);
    sheet.wrapped(
        &Line::new(Ink::Bad, "  !     ").then(Ink::Plain, &format!("{why}; it is tried again.")),
        8,
    );
    let answer = sheet.finish();
    let answer: Vec<&str> = answer.lines().collect();
    let head = Line::new(Ink::Unsure, "could not tell").then(Ink::Dim, &told_at(now));
    fit(&head, &answer, look, usize::MAX, 0)
}

fn told_at(now: Timestamp) -> String {
    format!(" · {} · ↑ ↓ scroll, q ends", clock(now, now))
}

fn fit(head: &Line, answer: &[&str], look: Layout, height: usize, from: usize) -> Frame {
    // The first line, the empty one below it, and the last where something is beyond it.
    let room = height.saturating_sub(2).max(1);
    let all = answer.len() <= room;
    let room = if all {
        room
    } else {
        room.saturating_sub(1).max(1)
    };
    let from = from.min(answer.len().saturating_sub(room));
    let shown = answer.iter().skip(from).take(room);
    let mut lines = vec![head.text(look.color), String::new()];
    lines.extend(shown.map(|line| (*line).to_owned()));
    if !all {
        let below = answer.len().saturating_sub(from + room);
        let more = format!("… {} above, {below} below", plural(from, "line"));
        lines.push(Line::new(Ink::Dim, &more).text(look.color));
    }
    lines.truncate(height.max(1));
    Frame { lines, from }
}

/// Bars behind what is said last of each profile.
fn add_bars(rows: &mut [Row], seen: Seen<'_>, look: Layout) {
    let mut begins: Vec<usize> = (0..rows.len())
        .filter(|at| rows.get(*at).is_some_and(|row| !row.profile.is_empty()))
        .collect();
    begins.push(rows.len());
    for pair in begins.windows(2) {
        let &[first, next] = pair else { continue };
        let name = rows.get(first).map(|row| row.profile.clone());
        let name = name.and_then(|name| ProfileName::try_new(&name).ok());
        let bars = name.and_then(|name| bars(&name, seen, look));
        let last = next.checked_sub(1).and_then(|last| rows.get_mut(last));
        if let (Some(row), Some(bars)) = (last, bars) {
            row.remarks.push(bars);
        }
    }
}

fn bars(name: &ProfileName, seen: Seen<'_>, look: Layout) -> Option<Line> {
    let wall = seen.fleet.wall(seen.fleet.now());
    let newest = u32::try_from(wall.0.div_euclid(SLOT_MS)).ok()?;
    let oldest = newest.saturating_sub(SHOWN - 1);
    let mut slots: BTreeMap<u32, Slot> = BTreeMap::new();
    let kept = seen.courses.get(name).into_iter().flat_map(Course::slots);
    let track = seen.fleet.profiles.get(name);
    let under_way = track.map(|track: &ProfileTrack| &track.slot);
    for slot in kept.chain(under_way) {
        if (oldest..=newest).contains(&slot.number) && !slot.is_empty() {
            slots
                .entry(slot.number)
                .and_modify(|known| known.merge(*slot))
                .or_insert(*slot);
        }
    }
    let longest = slots.values().map(|slot| slot.longest_ms).max()?;
    let (levels, failed) = if look.unicode {
        (BARS, "×")
    } else {
        (ASCII, "x")
    };
    let mut line = Line::default();
    for number in oldest..=newest {
        match slots.get(&number) {
            None => line.push(Ink::Plain, " "),
            Some(slot) if slot.failed > 0 => line.push(Ink::Bad, failed),
            Some(slot) => {
                let mean = u64::from(slot.mean_ms().unwrap_or(0));
                let level = (mean * 8)
                    .checked_div(u64::from(longest))
                    .unwrap_or(0)
                    .min(7);
                let bar = usize::try_from(level).ok().and_then(|at| levels.get(at));
                line.push(Ink::Good, &bar.map_or_else(String::new, char::to_string));
            }
        }
    }
    let (well, sum) = slots.values().fold((0_u64, 0_u64), |(well, sum), slot| {
        (well + u64::from(slot.well), sum + u64::from(slot.sum_ms))
    });
    let said = sum.checked_div(well).map_or_else(
        || "  no answer within 2h".to_owned(),
        |mean| format!("  {mean} ms, at most {longest} ms within 2h"),
    );
    Some(line.then(Ink::Dim, &said))
}
