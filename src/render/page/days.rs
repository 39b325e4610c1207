//! The last 90 days of a site as a strip: a button for each day, the oldest first. Its name says how long the site was down
//! on that day and how long it could not be judged; the style sheet shows the name while the button has the focus or the
//! pointer is over it. How it looks differs in shape, too: a day without a record is low, one that was down is split, one that
//! could not be judged is hatched. On a site's own page a day is as large as a fingertip needs.

use std::collections::BTreeMap;
use std::time::Duration;

use minijinja::context;

use super::markup::say;
use crate::model::{Rollup, Rollups, Timestamp, date_of, day_of};
use crate::render::text::escape;
use crate::render::words::{Voice, key};

/// Days of a strip.
pub(super) const DAYS: u32 = 90;

/// What was not judged for less does not make a day look so; its name says it all the same.
const HATCHED: Duration = Duration::from_secs(3600);

/// From so long down on a day looks worse.
const WORSE: [Duration; 2] = [Duration::from_secs(10 * 60), Duration::from_secs(2 * 3600)];

/// The days that strips show, with their names, and what was said of days already.
pub(super) struct Calendar<'a> {
    voice: &'a Voice,
    today: u32,
    dates: Vec<(u32, String)>,
    said: BTreeMap<(u32, u32), String>,
    none: String,
}

impl<'a> Calendar<'a> {
    pub(super) fn of(voice: &'a Voice, now: Timestamp) -> Self {
        let (today, _) = day_of(now, voice.zone());
        let days = (today + 1).saturating_sub(DAYS)..=today;
        let dates = days.map(|day| (day, escape(&voice.date(date_of(day)))));
        Self {
            dates: dates.collect(),
            none: escape(&voice.word(key!(Status, "day.none"))),
            said: BTreeMap::new(),
            today,
            voice,
        }
    }

    /// How many days ago the first record was made.
    pub(super) fn age(&self, rollups: &Rollups) -> Option<u32> {
        let mut days = rollups.days.iter();
        let (first, _) = days.find(|(_, rollup)| !rollup.is_empty())?;
        Some(self.today.saturating_sub(*first))
    }

    fn sum(&self, rollups: &Rollups) -> Rollup {
        let mut sum = Rollup::default();
        let shown = (self.today + 1).saturating_sub(DAYS)..=self.today;
        for (_, rollup) in rollups.days.range(shown) {
            sum.add(rollup);
        }
        sum
    }

    /// The strip, with what it comes to. `name` is the site's.
    pub(super) fn strip(&mut self, name: &str, rollups: &Rollups) -> String {
        let title = escape(&self.voice.word(key!(Status, "days")));
        let skip = say(
            self.voice,
            key!(Status, "days.skip"),
            context! { site => name },
        );
        let mut out = format!(
            "<a class=\"hop\" href=\"#after-{name}\">{skip}</a>\n<div class=\"days\" role=\"group\" aria-label=\"{title}\">"
        );
        for at in 0..self.dates.len() {
            let Some((number, date)) = self.dates.get(at).cloned() else {
                continue;
            };
            let known = rollups.days.get(&number);
            let (class, what) = match known.filter(|rollup| !rollup.is_empty()) {
                None => (" class=n", self.none.clone()),
                Some(rollup) => (class(rollup), self.what(rollup)),
            };
            out.push_str(&format!("<button{class}><b>{date}: {what}</b></button>"));
        }
        let sum = self.sum(rollups);
        let sum = match sum.is_empty() {
            true => say(self.voice, key!(Status, "days.none"), context! {}),
            false => say(
                self.voice,
                key!(Status, "days.sum"),
                context! {
                    n => sum.outages.max(u32::from(!sum.down.is_zero())),
                    down => self.span(sum.down),
                    blank => self.span(sum.unjudged),
                },
            ),
        };
        out.push_str(&format!(
            "</div>\n<p class=\"under ends\" id=\"after-{name}\"><span>{title}</span> <span>{sum}</span></p>\n"
        ));
        out
    }

    fn span(&self, time: Duration) -> Option<String> {
        let time = Duration::from_secs(time.as_secs());
        (!time.is_zero()).then(|| self.voice.span(time))
    }

    fn what(&mut self, rollup: &Rollup) -> String {
        let key = (minutes(rollup.down), minutes(rollup.unjudged));
        let voice = self.voice;
        let said = self.said.entry(key).or_insert_with(|| {
            let (down, blank) = key;
            say(voice, key!(Status, "day"), context! { down, blank })
        });
        said.clone()
    }
}

/// Minutes, rounded up: who was down was down for a minute at least.
fn minutes(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(60_000)).unwrap_or(u32::MAX)
}

fn class(rollup: &Rollup) -> &'static str {
    match rollup.down {
        Duration::ZERO if rollup.unjudged >= HATCHED => " class=u",
        Duration::ZERO => "",
        down if down < WORSE[0] => " class=d",
        down if down < WORSE[1] => " class=e",
        _ => " class=f",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32, judged: u64, down: u64, unjudged: u64) -> (u32, Rollup) {
        let rollup = Rollup {
            judged: Duration::from_secs(judged),
            unjudged: Duration::from_secs(unjudged),
            down: Duration::from_secs(down),
            outages: u32::from(down > 0),
            ..Rollup::default()
        };
        (number, rollup)
    }

    /// 2026-11-30 in UTC, day 20 787.
    fn noon() -> Timestamp {
        Timestamp(20_787 * 86_400_000 + 12 * 3_600_000)
    }

    #[test]
    fn each_day_has_a_button_that_says_what_it_came_to() {
        let voice = Voice::english();
        let mut calendar = Calendar::of(&voice, noon());
        let days = [
            day(20_787 - 90, 86_400, 86_400, 0),
            day(20_787 - 89, 86_400, 0, 0),
            day(20_784, 86_400, 61, 0),
            day(20_785, 80_000, 3_600, 3_700),
            day(20_786, 70_000, 0, 16_400),
            day(20_787, 40_000, 8_000, 0),
        ];
        let rollups = Rollups {
            days: days.into(),
            ..Rollups::default()
        };
        let strip = calendar.strip("shop", &rollups);
        assert_eq!(strip.matches("<button").count(), 90);
        for part in [
            "<button><b>2 Sep: no outage</b></button>",
            "<button class=n><b>3 Sep: no record</b></button>",
            "<button class=d><b>27 Nov: 2 min down</b></button>",
            "<button class=e><b>28 Nov: 60 min down, 62 min not judged</b></button>",
            "<button class=u><b>29 Nov: 274 min not judged</b></button>",
            "<button class=f><b>30 Nov: 134 min down</b></button></div>",
            "<span>3 outages, down for 3h 14m in all; 5h 35m not judged</span>",
        ] {
            assert!(strip.contains(part), "{part}: {strip}");
        }
        assert!(!strip.contains(">1 Sep:"), "a day too old");
        assert_eq!(calendar.age(&rollups), Some(90));
    }

    #[test]
    fn where_nothing_is_recorded_that_is_said() {
        let voice = Voice::plain(crate::model::Language::Ja);
        let mut calendar = Calendar::of(&voice, noon());
        let strip = calendar.strip("shop", &Rollups::default());
        assert_eq!(strip.matches("記録なし</b>").count(), 90);
        assert!(strip.contains("<b>11月30日: 記録なし</b>"), "{strip}");
        assert!(strip.contains("まだ記録がありません"));
        assert_eq!(calendar.age(&Rollups::default()), None);
    }
}
