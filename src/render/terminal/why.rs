//! The answer of `probe why`: what the rules say, what they looked at, what is left, what was recorded.

use super::ink::{Ink, Line, Sheet};
use super::words::{ahead, clock, moment, said, since};
use super::{Layout, live};
use crate::model::{
    Account, Allowance, Cause, Diagnosis, Fleet, ProfileState, Settings, Standpoint, Timestamp,
    Witness, shown_url,
};
use crate::render::duration::span;
use crate::render::explain::{hold_phrase, not_evidence_phrase};
use crate::render::facts;
use crate::render::record::Record;
use crate::render::text::{plural, width};
use crate::render::why::{Recorded, sentence};
use crate::render::words::Voice;

/// Labels stand before this column.
const LABEL: usize = 12;

/// Writes the answer about one host.
pub(super) fn write(
    sheet: &mut Sheet,
    settings: &Settings,
    fleet: &Fleet,
    account: &Account,
    recorded: &[Recorded],
    look: Layout,
) {
    let page = Page {
        settings,
        fleet,
        account,
        now: fleet.wall(fleet.now()),
    };
    page.head(sheet);
    page.witnesses(sheet);
    page.left(sheet);
    timeline(sheet, recorded, page.now, look);
}

struct Page<'a> {
    settings: &'a Settings,
    fleet: &'a Fleet,
    account: &'a Account,
    now: Timestamp,
}

impl Page<'_> {
    fn wall(&self, at: Timestamp) -> Timestamp {
        self.fleet.wall(at)
    }

    fn head(&self, sheet: &mut Sheet) {
        let (ink, words) = match &self.account.standpoint {
            Standpoint::Calm => (Ink::Good, "nothing to do".to_owned()),
            Standpoint::Held(hold) => (
                Ink::Warn,
                format!("not restarted: {}", hold_phrase(&Voice::english(), hold)),
            ),
            Standpoint::GivesUp(_) => (Ink::Bad, "about to give up".to_owned()),
            Standpoint::Acts(_) => (Ink::Warn, "about to be restarted".to_owned()),
        };
        let head = Line::new(Ink::Bold, self.account.host.as_str())
            .then(Ink::Plain, "  ")
            .then(ink, &words);
        sheet.wrapped(&head, 2);
        let said = Line::default()
            .to(2)
            .then(Ink::Plain, &sentence(self.account, self.fleet));
        sheet.wrapped(&said, 2);
        if let Some(at) = self.account.may_act_at.filter(|_| !self.is_calm()) {
            let when = match self.wall(at) {
                at if at <= self.now => "at once, as soon as the evidence is complete".to_owned(),
                at => format!("{} at the earliest", ahead(at, self.now)),
            };
            row(sheet, "may act", &Line::new(Ink::Plain, &when));
        }
        sheet.gap();
    }

    fn is_calm(&self) -> bool {
        self.account.standpoint == Standpoint::Calm
    }

    fn witnesses(&self, sheet: &mut Sheet) {
        let column = self.account.witnesses.iter();
        let column = column.map(|w| width(w.profile.as_str())).max().unwrap_or(0) + 4;
        for witness in &self.account.witnesses {
            let line = Line::default()
                .to(2)
                .then(Ink::Bold, witness.profile.as_str())
                .to(column)
                .then(ink(witness.state), witness.state.word());
            let line = line.then(Ink::Plain, &self.testimony(witness));
            sheet.wrapped(&line, column);
        }
        let watched = self.account.witnesses.len();
        let proven = self.account.witnesses.iter().filter(|w| w.proven).count();
        let text = format!(
            "{} of {} must be down with complete evidence, {proven} {}",
            self.account.needed,
            plural(watched, "profile"),
            if proven == 1 { "is" } else { "are" },
        );
        row(sheet, "needed", &Line::new(Ink::Plain, &text));
        sheet.gap();
    }

    fn testimony(&self, witness: &Witness) -> String {
        let mut parts = Vec::new();
        if let Some(unknown) = witness.unknown.as_deref().map(said) {
            let begun = witness.unjudged_since;
            let begun = begun.map(|at| format!(", {}", since(self.wall(at), self.now)));
            parts.push(format!("{unknown}{}", begun.unwrap_or_default()));
        }
        if let Some(cause) = witness.cause {
            let begun = witness
                .failing_since
                .map(|at| since(self.wall(at), self.now));
            let begun = begun.map_or_else(String::new, |text| format!(" {text}"));
            parts.push(format!("{}{begun}", cause.phrase()));
            parts.push(self.weight(witness, cause));
        }
        if let Some(until) = witness.window {
            let until = ahead(self.wall(until), self.now);
            parts.push(format!("in its maintenance window, which ends {until}"));
        }
        if witness.paused {
            parts.push("paused by a person".to_owned());
        }
        if parts.is_empty() {
            String::new()
        } else {
            format!(": {}", parts.join("; "))
        }
    }

    fn weight(&self, witness: &Witness, cause: Cause) -> String {
        if !witness.listed {
            return format!(
                "`{cause}` is not among the host's `restart.causes`, so it counts for no restart"
            );
        }
        if let Some(why) = &witness.not_evidence {
            let why = not_evidence_phrase(&Voice::english(), why);
            return format!("{why}, so it counts for no restart");
        }
        let counted = format!(
            "{} of {} failures in a row count for a restart",
            witness.evidence.min(witness.threshold),
            witness.threshold
        );
        if witness.evidence >= witness.threshold && !witness.proven {
            format!("{counted}, but they are too old to act on; it is probed again first")
        } else {
            counted
        }
    }

    fn left(&self, sheet: &mut Sheet) {
        let account = self.account;
        let say = |sheet: &mut Sheet, label: &str, text: &str| {
            row(sheet, label, &Line::new(Ink::Plain, text));
        };
        say(sheet, "budget", &self.allowance(&account.budget));
        say(
            sheet,
            "attempts",
            &format!(
                "{} of {} before giving up; the next one runs `{}`",
                account.attempts, account.give_up_after, account.command
            ),
        );
        let backoff = account.not_before.map_or_else(
            || "none".to_owned(),
            |at| format!("over {}", ahead(self.wall(at), self.now)),
        );
        say(sheet, "backoff", &backoff);
        say(sheet, "all hosts", &self.allowance(&account.fleet_budget));
        let network = match (self.fleet.core.network.down_since, account.canary) {
            (Some(down), _) => format!("no canary answers {}", since(self.wall(down), self.now)),
            (None, Some(at)) => format!(
                "a canary last answered at {}",
                clock(self.wall(at), self.now)
            ),
            (None, None) if account.has_canaries => {
                "no canary was asked yet; one is before anything is judged".to_owned()
            }
            (None, None) => "no canaries are configured: every failure counts at once".to_owned(),
        };
        say(sheet, "network", &network);
        self.windows(sheet);
        sheet.gap();
        self.look(sheet);
    }

    /// What the host said of itself when it was last looked at.
    fn look(&self, sheet: &mut Sheet) {
        let Some(look) = &self.account.look else {
            return;
        };
        let at = clock(self.wall(look.began), self.now);
        let said = match &look.diagnosis {
            Diagnosis::Facts(_) => format!("at {at}; it said:"),
            Diagnosis::NotIn { reason, .. } => format!("at {at}: nobody got in: {reason}"),
            Diagnosis::Stuck { reason } => format!("at {at}: no end of it was seen: {reason}"),
            Diagnosis::Unreadable { reason } => format!("at {at}: not understood: {reason}"),
        };
        row(sheet, "looked at", &Line::new(Ink::Plain, &said));
        if let Some(facts) = look.diagnosis.facts() {
            let voice = Voice::english();
            let sites = self.settings.profiles_of(&self.account.host);
            let urls = sites.flat_map(|(_, profile)| profile.urls.iter().map(shown_url));
            let unseen = facts::unseen(&voice, facts, &urls.collect::<Vec<_>>());
            for line in facts::lines(&voice, facts).into_iter().chain(unseen) {
                let line = Line::default()
                    .to(2 + LABEL)
                    .then(Ink::Dim, &format!("{}: ", line.label))
                    .then(Ink::Plain, &line.value);
                sheet.wrapped(&line, 4 + LABEL);
            }
        }
        sheet.gap();
    }

    fn windows(&self, sheet: &mut Sheet) {
        for witness in &self.account.witnesses {
            let profile = self.settings.profiles.get(&witness.profile);
            for window in profile.map_or(&[][..], |profile| &profile.maintenance) {
                let next = window.next(self.now).map_or_else(String::new, |at| {
                    format!("; the next one begins {}", ahead(at, self.now))
                });
                let text = format!(
                    "{}: `{}` in {} for {}{next}",
                    witness.profile,
                    window.text,
                    window.timezone,
                    span(window.length)
                );
                row(sheet, "window", &Line::new(Ink::Plain, &text));
            }
        }
    }

    fn allowance(&self, allowance: &Allowance) -> String {
        let left = allowance.of.saturating_sub(allowance.spent);
        let free = allowance.free_at.map_or_else(String::new, |at| {
            format!("; the next one is free {}", ahead(self.wall(at), self.now))
        });
        format!(
            "{left} of {} left within {}{free}",
            plural(allowance.of as usize, "restart"),
            span(allowance.per)
        )
    }
}

const fn ink(state: ProfileState) -> Ink {
    match state {
        ProfileState::Up => Ink::Good,
        ProfileState::Degraded => Ink::Warn,
        ProfileState::Failing | ProfileState::Down => Ink::Bad,
        ProfileState::Unknown => Ink::Unsure,
    }
}

fn row(sheet: &mut Sheet, label: &str, text: &Line) {
    let line = text
        .clone()
        .onto(Line::default().to(2).then(Ink::Dim, label).to(2 + LABEL));
    sheet.wrapped(&line, 2 + LABEL);
}

/// What was recorded, oldest first, with dates.
pub(super) fn timeline(sheet: &mut Sheet, recorded: &[Recorded], now: Timestamp, look: Layout) {
    let record = Record::default();
    let column = "2026-11-22 06:01:23  ".len();
    for (at, note) in recorded {
        let Some((ink, text)) = live::words(*at, note, &record, look) else {
            continue;
        };
        let line = Line::new(Ink::Dim, &format!("  {}", moment(*at, now)))
            .to(column)
            .then(ink, &text);
        sheet.wrapped(&line, column);
    }
}
