//! The phases of a check as bars, one below the other, on the one time axis of all its hops.
//!
//! A phase that did not end has no time of its own: what is left of its hop after the phases that did end was spent in it.

use std::time::Duration;

use super::Layout;
use super::ink::{Ink, Line, Sheet};
use crate::model::{Cause, CheckOutcome, CheckResult, Phase, Timings};

/// Columns of a phase's name and of its time.
const NAME: usize = 12;
const TIME: usize = 8;
/// Longer bars say no more.
const BAR_MAX: usize = 60;
/// Shorter ones say nothing.
const BAR_MIN: usize = 6;

/// One phase.
#[derive(Debug, Clone, Copy)]
struct Bar {
    name: &'static str,
    from: Duration,
    took: Duration,
    ended: bool,
}

/// The phase in which a check ended before the phase did, and the time spent in it.
pub(super) fn unfinished(check: &CheckResult) -> Option<(Phase, Duration)> {
    let phase = match &check.outcome {
        CheckOutcome::Ok => None,
        CheckOutcome::Found { phase, .. } => *phase,
    }?;
    if of_phase(&check.timings, phase).is_some() {
        return None;
    }
    let before: Duration = check.hops.iter().map(|hop| hop.timings.total).sum();
    let ended: Duration = ORDER
        .iter()
        .filter_map(|(phase, _)| of_phase(&check.timings, *phase))
        .sum();
    Some((phase, check.timings.total.saturating_sub(before + ended)))
}

/// `stuck in tls for 4.2 s`; of what failed at once, `ended in connect after 0.4 ms`.
pub(super) fn unfinished_in_words(check: &CheckResult) -> Option<String> {
    let (phase, spent) = unfinished(check)?;
    let name = name(phase);
    let spent = time(spent);
    let timed_out = matches!(
        check.cause(),
        Some(Cause::ConnectTimeout | Cause::TlsTimeout | Cause::ResponseTimeout)
    );
    Some(if timed_out {
        format!("stuck in {name} for {spent}")
    } else {
        format!("ended in {name} after {spent}")
    })
}

const ORDER: [(Phase, &str); 5] = [
    (Phase::Dns, "dns"),
    (Phase::Connect, "connect"),
    (Phase::Tls, "tls"),
    (Phase::FirstByte, "first byte"),
    (Phase::Transfer, "transfer"),
];

fn name(phase: Phase) -> &'static str {
    ORDER
        .iter()
        .find(|(one, _)| *one == phase)
        .map_or("", |(_, name)| *name)
}

const fn of_phase(timings: &Timings, phase: Phase) -> Option<Duration> {
    match phase {
        Phase::Dns => timings.dns,
        Phase::Connect => timings.connect,
        Phase::Tls => timings.tls,
        Phase::FirstByte => timings.first_byte,
        Phase::Transfer => timings.transfer,
    }
}

fn bars(timings: &Timings, mut from: Duration, unfinished: Option<(Phase, Duration)>) -> Vec<Bar> {
    let mut bars = Vec::new();
    for (phase, name) in ORDER {
        let stuck = unfinished.filter(|(one, _)| *one == phase);
        let took = of_phase(timings, phase).or(stuck.map(|(_, spent)| spent));
        let Some(took) = took else { continue };
        bars.push(Bar {
            name,
            from,
            took,
            ended: stuck.is_none(),
        });
        from += took;
    }
    bars
}

/// The bars of the hop with this number, counted from 0; the last is the check's own.
pub(super) fn write(
    sheet: &mut Sheet,
    check: &CheckResult,
    hop: usize,
    margin: usize,
    look: Layout,
) {
    let begun: Duration = check
        .hops
        .iter()
        .take(hop)
        .map(|hop| hop.timings.total)
        .sum();
    let bars = match check.hops.get(hop) {
        Some(hop) => bars(&hop.timings, begun, None),
        None => bars(&check.timings, begun, unfinished(check)),
    };
    let room = look
        .width
        .saturating_sub(margin + NAME + TIME + 2)
        .min(BAR_MAX);
    for bar in bars {
        let ink = if bar.ended { Ink::Plain } else { Ink::Bad };
        let mut line = Line::default().to(margin).then(Ink::Dim, bar.name);
        line = line.to(margin + NAME);
        let took = time(bar.took);
        let digits = line.width() + TIME.saturating_sub(took.len());
        line = line.to(digits).then(ink, &took);
        if room >= BAR_MIN {
            let (place, length) = place(bar, check.timings.total, room);
            let block = match (look.unicode, bar.ended) {
                (true, true) => "█",
                (true, false) => "░",
                (false, true) => "=",
                (false, false) => "-",
            };
            line = line.to(margin + NAME + TIME + 2 + place);
            line = line.then(ink, &block.repeat(length));
        }
        sheet.line(&line);
    }
}

/// First cell and number of cells: never none, never outside.
fn place(bar: Bar, axis: Duration, room: usize) -> (usize, usize) {
    let axis = axis.as_micros().max(1);
    let cells = room as u128;
    let cell = |at: Duration| (at.as_micros() * cells + axis / 2) / axis;
    let first = cell(bar.from).min(cells - 1);
    let last = cell(bar.from + bar.took).clamp(first + 1, cells);
    let cells = |count: u128| usize::try_from(count).unwrap_or(room);
    (cells(first), cells(last - first))
}

/// `0.4 ms`, `17 ms`, `4.2 s`: whole milliseconds from ten on, tenths of a second from one second on.
pub(super) fn time(span: Duration) -> String {
    let micros = span.as_micros();
    if micros < 9_950 {
        let tenths = (micros + 50) / 100;
        format!("{}.{} ms", tenths / 10, tenths % 10)
    } else if micros < 999_500 {
        format!("{} ms", (micros + 500) / 1000)
    } else {
        let tenths = (micros + 50_000) / 100_000;
        format!("{}.{} s", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_easily() {
        let table = [
            (0, "0.0 ms"),
            (430, "0.4 ms"),
            (9_949, "9.9 ms"),
            (9_950, "10 ms"),
            (999_499, "999 ms"),
            (999_500, "1.0 s"),
            (4_240_000, "4.2 s"),
        ];
        for (micros, wanted) in table {
            assert_eq!(time(Duration::from_micros(micros)), wanted, "{micros}");
        }
    }

    #[test]
    fn a_bar_is_never_empty_and_never_outside() {
        for (from, took) in [(0, 0), (0, 100), (100, 0), (99, 1), (50, 500), (100, 100)] {
            let bar = Bar {
                name: "",
                from: Duration::from_millis(from),
                took: Duration::from_millis(took),
                ended: true,
            };
            for axis in [0, 1, 100] {
                let (first, length) = place(bar, Duration::from_millis(axis), 20);
                assert!(length >= 1 && first + length <= 20, "{from} {took} {axis}");
            }
        }
    }
}
