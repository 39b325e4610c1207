//! The mails of a run, or those that wait.

use super::Layout;
use super::ink::{Ink, Line, Sheet};
use crate::render::record::{Told, Went};

/// More are counted only, unless asked for.
const SHOWN: usize = 20;

pub(super) fn write(sheet: &mut Sheet, told: &[Told], look: Layout) {
    sheet.gap();
    let shown = if look.verbose { told.len() } else { SHOWN };
    for one in told.iter().take(shown) {
        let (ink, word) = match one.delivery {
            _ if look.dry_run => (Ink::Plain, "not sent"),
            Went::Sent => (Ink::Good, "sent"),
            Went::Queued => (Ink::Warn, "queued"),
            Went::Rejected => (Ink::Bad, "REJECTED"),
        };
        let mut line = Line::new(Ink::Bold, "  mail  ")
            .then(ink, word)
            .to(18)
            .then(Ink::Plain, &one.subject)
            .then(Ink::Dim, &format!(" → {}", one.to));
        if let Some(reason) = one.reason.as_ref().filter(|_| !look.dry_run) {
            line.push(ink, &format!(": {reason}"));
        }
        sheet.wrapped(&line, 18);
    }
    if told.len() > shown {
        let more = told.len() - shown;
        sheet.line(&Line::new(
            Ink::Dim,
            &format!("        and {more} more (-v shows them)"),
        ));
    }
}
