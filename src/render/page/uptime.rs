//! The shares of uptime. What was not judged is told beside each and counts as neither up nor down. A span is told only where
//! the record reaches back beyond the next shorter one, so no figure claims more than is known.

use std::time::Duration;

use minijinja::context;

use super::Scene;
use super::days::Calendar;
use super::markup::{say, word};
use crate::model::{Rollups, Span};
use crate::render::text::escape;
use crate::render::text::percent;
use crate::render::words::{Voice, key};

/// A share of uptime.
pub(super) struct Share {
    /// Of which time, as markup.
    pub(super) label: String,
    /// In hundredths of a per cent; `None` where it was never judged.
    pub(super) share: Option<u32>,
    /// For how long it was not judged.
    pub(super) blank: Duration,
}

/// All that are known of a profile, the shortest time first.
pub(super) fn shares(
    scene: &Scene<'_>,
    voice: &Voice,
    calendar: &Calendar<'_>,
    rollups: &Rollups,
) -> Vec<Share> {
    let mut shares = Vec::new();
    let Some(age) = calendar.age(rollups) else {
        return shares;
    };
    let mut shorter = 0;
    for span in Span::ALL {
        if age < shorter {
            break;
        }
        shorter = span.days();
        let sum = rollups.over(span, scene.now(), voice.zone());
        let label = match span {
            Span::Day => word(voice, key!(Status, "uptime.day")),
            Span::Year => word(voice, key!(Status, "uptime.year")),
            Span::Week | Span::Month | Span::Quarter => {
                let n = span.days();
                say(voice, key!(Status, "uptime.days"), context! { n })
            }
        };
        shares.push(Share {
            label,
            share: sum.uptime(),
            blank: Duration::from_secs(sum.unjudged.as_secs()),
        });
    }
    shares
}

/// `99.98 %`.
pub(super) fn figure(share: Option<u32>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{} %", percent(share)))
}

/// As markup; nothing where nothing is known.
pub(super) fn table(voice: &Voice, shares: &[Share]) -> String {
    if shares.is_empty() {
        return String::new();
    }
    let rows: String = shares
        .iter()
        .map(|share| {
            let blank = (!share.blank.is_zero()).then(|| {
                let blank = voice.span(share.blank);
                say(voice, key!(Status, "uptime.blank"), context! { blank })
            });
            let blank = blank.map_or_else(String::new, |blank| format!(" <small>{blank}</small>"));
            format!(
                "<div><dt>{}</dt><dd>{}{blank}</dd></div>\n",
                share.label,
                escape(&figure(share.share))
            )
        })
        .collect();
    format!("<dl class=\"shares\">\n{rows}</dl>\n")
}
