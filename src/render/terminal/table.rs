//! The table of checks: what its columns are and which of them fit.

use std::time::Duration;

use super::Layout;
use super::ink::{Ink, Line, Sheet};
use crate::model::Timings;
use crate::render::text::{cut, width};

/// A line of the table, and what is said below it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// `up`, `warn`, `FAIL`, `DOWN` or `?`.
    pub(super) mark: (Ink, &'static str),
    /// Empty on the second and later checks of a profile.
    pub(super) profile: String,
    pub(super) url: String,
    pub(super) status: Option<u16>,
    pub(super) address: Option<String>,
    /// `None`: not probed.
    pub(super) timings: Option<Timings>,
    pub(super) remarks: Vec<Line>,
}

/// The widest mark and the margin before it.
const MARK: usize = 4;
const MARGIN: usize = 2;
/// Between two columns.
const GAP: usize = 2;
/// Longer profile names are cut.
const PROFILE_MAX: usize = 28;
/// Shorter than this no URL tells anything.
const URL_MIN: usize = 16;
const PHASES: [&str; 5] = ["dns", "connect", "tls", "wait", "body"];
const BETWEEN: &str = " · ";

#[derive(Debug, Clone, Copy)]
struct Columns {
    profile: usize,
    url: usize,
    status: usize,
    address: usize,
    /// Digits of each phase; none where no row has it.
    phases: [usize; 5],
    total: usize,
}

pub(super) fn write(sheet: &mut Sheet, rows: &[Row], look: Layout) {
    let columns = Columns::measure(rows).fit(look.width);
    // On a narrow terminal there is no room to begin under the URL.
    let hang = if look.width >= 80 {
        columns.url_at()
    } else {
        MARGIN + MARK + GAP
    };
    for row in rows {
        sheet.line(&columns.line(row));
        for remark in columns.remarks(row, look) {
            sheet.wrapped(&remark.onto(Line::default().to(hang)), hang + 2);
        }
    }
}

/// `dns 1 · connect 0 · total 2 ms`, for a line of its own.
fn phases_in_words(timings: &Timings) -> String {
    let mut words: Vec<String> = PHASES
        .iter()
        .zip(millis(timings))
        .filter_map(|(name, ms)| ms.map(|ms| format!("{name} {ms}")))
        .collect();
    words.push(format!("total {} ms", rounded(timings.total)));
    words.join(BETWEEN)
}

fn millis(timings: &Timings) -> [Option<u128>; 5] {
    [
        timings.dns,
        timings.connect,
        timings.tls,
        timings.first_byte,
        timings.transfer,
    ]
    .map(|phase| phase.map(rounded))
}

/// Milliseconds, to the nearest.
const fn rounded(duration: Duration) -> u128 {
    (duration.as_micros() + 500) / 1000
}

impl Columns {
    fn measure(rows: &[Row]) -> Self {
        let widest = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let digits = |index: usize| {
            widest(&|row| {
                let ms = row.timings.as_ref().and_then(|t| millis(t)[index]);
                ms.map_or(0, |ms| ms.to_string().len())
            })
        };
        Self {
            profile: widest(&|row| width(&row.profile)).min(PROFILE_MAX),
            url: widest(&|row| width(&row.url)),
            status: widest(&|row| row.status.map_or(0, |_| 3)),
            address: widest(&|row| row.address.as_deref().map_or(0, width)),
            phases: std::array::from_fn(digits),
            total: widest(&|row| {
                row.timings
                    .map_or(0, |t| rounded(t.total).to_string().len())
            }),
        }
    }

    /// What fits, the most telling columns kept longest.
    fn fit(self, room: usize) -> Self {
        let no_address = Self { address: 0, ..self };
        let no_phases = Self {
            phases: [0; 5],
            ..self
        };
        let neither = Self {
            address: 0,
            ..no_phases
        };
        [self, no_address, no_phases, neither]
            .into_iter()
            .find(|columns| columns.width() <= room)
            .unwrap_or_else(|| {
                let surplus = neither.width().saturating_sub(room);
                Self {
                    url: neither.url.saturating_sub(surplus).max(URL_MIN),
                    ..neither
                }
            })
    }

    fn url_at(&self) -> usize {
        MARGIN + MARK + GAP + after(self.profile)
    }

    fn width(&self) -> usize {
        let timings = self.phase_width() + self.total_width();
        self.url_at() + self.url + before(self.status) + before(self.address) + before(timings)
    }

    fn phase_width(&self) -> usize {
        self.cells().map(|(_, cell)| cell + width(BETWEEN)).sum()
    }

    /// What is said below a row, with what a column would have said that had no room: the address of a failure, beside what
    /// was found; where more was asked for, address and phases of every check.
    fn remarks(&self, row: &Row, look: Layout) -> Vec<Line> {
        let address = row.address.as_deref().filter(|_| self.address == 0);
        let phases = row.timings.as_ref().filter(|timings| {
            self.phase_width() == 0 && millis(timings).iter().any(Option::is_some)
        });
        let mut lines = row.remarks.clone();
        if look.verbose {
            let phases = phases.map(phases_in_words);
            let parts: Vec<&str> = [address, phases.as_deref()].into_iter().flatten().collect();
            let line = Line::new(Ink::Dim, &parts.join(BETWEEN));
            if !line.is_empty() {
                lines.insert(0, line);
            }
        } else if let (Some(address), Some(found)) = (address, lines.first_mut())
            && row.mark.0 == Ink::Bad
            && !found.text(false).contains(address)
        {
            found.push(Ink::Dim, BETWEEN);
            found.push(Ink::Dim, address);
        }
        lines
    }

    /// Index and width of each phase that is shown.
    fn cells(&self) -> impl Iterator<Item = (usize, usize)> {
        let phases = self.phases;
        (0..PHASES.len())
            .filter(move |index| phases[*index] > 0)
            .map(move |index| (index, PHASES[index].len() + 1 + phases[index]))
    }

    fn total_width(&self) -> usize {
        match self.total {
            0 => 0,
            digits if self.phase_width() == 0 => digits + " ms".len(),
            digits => "total ".len() + digits + " ms".len(),
        }
    }

    fn line(&self, row: &Row) -> Line {
        let (ink, mark) = row.mark;
        let mut line = Line::default()
            .to(MARGIN)
            .then(ink, mark)
            .to(MARGIN + MARK + GAP);
        line = line.then(Ink::Bold, &cut(&row.profile, self.profile));
        line = line
            .to(self.url_at())
            .then(Ink::Plain, &cut(&row.url, self.url));
        let mut column = self.url_at() + self.url;
        if self.status > 0 {
            let status = row
                .status
                .map_or_else(|| "–".to_owned(), |status| status.to_string());
            line = line.to(column + GAP).then(Ink::Plain, &status);
            column += GAP + self.status;
        }
        if self.address > 0 {
            let address = row.address.as_deref().unwrap_or_default();
            line = line.to(column + GAP).then(Ink::Dim, address);
            column += GAP + self.address;
        }
        match &row.timings {
            Some(timings) => self.timings(line.to(column + GAP), timings),
            None => line,
        }
    }

    /// A phase that did not take place leaves its place empty, so that the others stay below each other.
    fn timings(&self, mut line: Line, timings: &Timings) -> Line {
        let ms = millis(timings);
        let mut last = false;
        for (index, cell) in self.cells() {
            let here = ms[index].is_some();
            if line.width() > 0 && index != self.cells().next().map_or(0, |(first, _)| first) {
                line = line.then(Ink::Dim, if last && here { BETWEEN } else { "   " });
            }
            let text = ms[index].map_or_else(String::new, |ms| {
                format!(
                    "{} {ms:>digits$}",
                    PHASES[index],
                    digits = self.phases[index]
                )
            });
            let end = line.width() + cell;
            line = line.then(Ink::Dim, &text).to(end);
            last = here;
        }
        let total = rounded(timings.total);
        let digits = self.total;
        if self.phase_width() > 0 {
            line = line
                .then(Ink::Dim, if last { BETWEEN } else { "   " })
                .then(Ink::Dim, "total ");
        }
        line.then(Ink::Plain, &format!("{total:>digits$} ms"))
    }
}

/// A column with the gap after it, when there is one.
const fn after(column: usize) -> usize {
    if column == 0 { 0 } else { column + GAP }
}

/// A column with the gap before it, when there is one.
const fn before(column: usize) -> usize {
    after(column)
}
