//! What each host's recovery did, what holds it, and what comes next.

use std::collections::{BTreeMap, BTreeSet};

use super::Layout;
use super::ink::{Ink, Line, Sheet};
use super::pauses::named;
use super::words::{ago, ahead, clock, ended, hold_sentence, moment, paused, since};
use crate::model::{
    Fleet, Hold, Host, HostTrack, IncidentId, Pause, ProfileName, RecoveryOutcome, Settings, Stage,
};
use crate::render::duration::span;
use crate::render::record::{Action, Record};
use crate::render::report::hosts_of;
use crate::render::standing::HostStanding;
use crate::render::text::{clean_lines, width};

/// Last lines of a command's output that are shown when it did not succeed.
const OUTPUT_LINES: usize = 5;

/// After a run (`record`) the hosts on which something is going on; otherwise all.
pub(super) fn write(
    sheet: &mut Sheet,
    settings: &Settings,
    fleet: &Fleet,
    selection: &BTreeSet<ProfileName>,
    record: Option<&Record>,
    look: Layout,
) {
    let unseen = HostTrack::default();
    let hosts = hosts_of(settings, selection);
    let column = hosts.iter().map(|host| width(host.name.as_str())).max();
    let hang = 2 + column.unwrap_or(0).max(4) + 2;
    sheet.gap();
    for host in hosts {
        let track = fleet.hosts.get(&host.name).unwrap_or(&unseen);
        let actions: Vec<&Action> = record
            .map(|record| {
                record
                    .actions()
                    .iter()
                    .filter(|a| a.host == host.name)
                    .collect()
            })
            .unwrap_or_default();
        let standing = HostStanding::of(&host.name, track, fleet);
        if record.is_some() && standing.word == "idle" && actions.is_empty() {
            continue;
        }
        let block = Block {
            host,
            track,
            fleet,
            standing,
            hang,
            dry_run: look.dry_run,
        };
        block.write(sheet, &actions, record.is_some());
    }
}

struct Block<'a> {
    host: &'a Host,
    track: &'a HostTrack,
    fleet: &'a Fleet,
    standing: HostStanding,
    hang: usize,
    dry_run: bool,
}

impl Block<'_> {
    fn write(&self, sheet: &mut Sheet, actions: &[&Action], run: bool) {
        let head = Line::default()
            .to(2)
            .then(Ink::Bold, self.host.name.as_str());
        let (ink, word, sentence) = self.now();
        let head = head
            .to(self.hang)
            .then(ink, word)
            .then(Ink::Plain, &sentence);
        sheet.wrapped(&head, self.hang);
        for (index, action) in actions.iter().enumerate() {
            // A hold that a later attempt of the same run overtook is no news any more.
            let overtaken = || actions.iter().skip(index).any(|later| !later.is_held());
            if action.is_held() && overtaken() {
                continue;
            }
            self.action(sheet, action);
        }
        if !run && let Some(last) = &self.track.last {
            self.action(sheet, &Action::ended(&self.host.name, last));
        }
        if !run || self.standing.word != "idle" || !actions.is_empty() {
            self.say(sheet, Ink::Dim, &self.budget());
        }
    }

    /// Ink, word and sentence of what is going on.
    fn now(&self) -> (Ink, &'static str, String) {
        let now = self.fleet.wall(self.fleet.now());
        let wall = |at| self.fleet.wall(at);
        let name = &self.host.name;
        match (&self.track.stage, self.standing.word, &self.track.hold) {
            (Stage::Restarting { deadline, .. }, ..) => {
                let last = self.track.last.as_ref();
                let what = last.map_or_else(String::new, |last| {
                    format!(
                        ": {} (attempt {}, since {})",
                        last.command,
                        last.number,
                        clock(last.began, now)
                    )
                });
                if self.dry_run {
                    let what = last.map_or("", |last| last.command.as_str());
                    return (Ink::Warn, "would be restarted", format!(": {what}"));
                }
                let until = clock(wall(*deadline), now);
                (
                    Ink::Warn,
                    "restarting",
                    format!("{what}; its end is awaited until {until}"),
                )
            }
            (Stage::Settling { until, .. }, ..) => {
                let until = ahead(wall(*until), now);
                (
                    Ink::Warn,
                    "settling",
                    format!(": probes count again {until} and decide whether it helped"),
                )
            }
            (
                Stage::GaveUp {
                    since: begun,
                    reason,
                },
                ..,
            ) => {
                let since = since(wall(*begun), now);
                (
                    Ink::Bad,
                    "GAVE UP",
                    format!(
                        " {since}: {reason}. Watching goes on; once it is mended, `probe resume {name}` allows restarts again"
                    ),
                )
            }
            (Stage::Idle, "paused", hold) => {
                let pause = pause(self.fleet, name.as_str());
                let (until, reason) = match hold {
                    Some(Hold::Paused { until, reason }) => (*until, reason),
                    Some(_) | None => (pause.until, &pause.reason),
                };
                let until = paused(until, reason.as_deref(), name, now);
                (Ink::Warn, "paused", until)
            }
            (Stage::Idle, _, Some(hold)) => {
                let sentence = hold_sentence(hold, name, now, wall);
                (Ink::Warn, "not restarted", format!(": {sentence}"))
            }
            (Stage::Idle, _, None) => (Ink::Good, "idle", String::new()),
        }
    }

    fn action(&self, sheet: &mut Sheet, action: &Action) {
        if action.is_held() {
            // What holds it now is said already.
            if action.reason.as_deref() != self.standing.reason {
                let reason = action.held_for.as_deref().unwrap_or_default();
                self.say(
                    sheet,
                    Ink::Dim,
                    &format!("attempt {} was withheld: {reason}", action.attempt),
                );
            }
            return;
        }
        // Still under way, or what would be: said above.
        if action.duration_ms.is_none() && self.standing.word == "restarting" {
            return;
        }
        if self.dry_run {
            self.say(sheet, Ink::Plain, &format!("would run: {}", action.command));
            return;
        }
        let now = self.fleet.wall(self.fleet.now());
        let ink = match action.outcome {
            RecoveryOutcome::Succeeded => Ink::Good,
            RecoveryOutcome::Failed
            | RecoveryOutcome::TimedOut
            | RecoveryOutcome::NotExecuted
            | RecoveryOutcome::Unknown
            | RecoveryOutcome::Declined
            | RecoveryOutcome::Refused => Ink::Bad,
        };
        let began = action
            .began
            .map_or_else(String::new, |began| format!("{}  ", moment(began, now)));
        let line = Line::default()
            .to(self.hang)
            .then(Ink::Dim, &began)
            .then(Ink::Plain, &action.command)
            .then(Ink::Dim, &format!(" (attempt {}) ", action.attempt))
            .then(ink, &ended(action));
        sheet.wrapped(&line, self.hang + 10);
        if action.outcome != RecoveryOutcome::Succeeded {
            self.output(sheet, action.output.as_deref().unwrap_or_default());
        }
    }

    fn output(&self, sheet: &mut Sheet, output: &str) {
        let lines: Vec<String> = clean_lines(output).collect();
        for line in lines.iter().skip(lines.len().saturating_sub(OUTPUT_LINES)) {
            let line = Line::default()
                .to(self.hang + 10)
                .then(Ink::Dim, "| ")
                .then(Ink::Plain, line);
            sheet.wrapped(&line, self.hang + 12);
        }
    }

    fn budget(&self) -> String {
        let budget = self.host.restart.budget;
        let spent = budget.spent(&self.track.starts, self.fleet.now());
        let left = if self.dry_run && self.standing.word == "restarting" {
            "would be left"
        } else {
            "left"
        };
        format!(
            "{} of {} restarts {left} within {}",
            budget.restarts.saturating_sub(spent),
            budget.restarts,
            span(budget.per)
        )
    }

    fn say(&self, sheet: &mut Sheet, ink: Ink, text: &str) {
        sheet.wrapped(
            &Line::default().to(self.hang).then(ink, text),
            self.hang + 2,
        );
    }
}

/// The pause of a host that nothing holds at the moment.
fn pause(fleet: &Fleet, host: &str) -> Pause {
    let pause = fleet.pauses.get(host).or_else(|| fleet.pauses.get("all"));
    pause.cloned().unwrap_or_default()
}

/// When each host was last rehearsed, and mail.
pub(super) fn drills(sheet: &mut Sheet, settings: &Settings, fleet: &Fleet) {
    let now = fleet.wall(fleet.now());
    let hosts = settings.hosts.keys().filter_map(|host| {
        let drill = fleet.drills.hosts.get(host.as_str())?;
        Some((host.as_str(), drill))
    });
    let mail = fleet.drills.mail.iter().map(|drill| ("mail", drill));
    sheet.gap();
    for (what, drill) in hosts.chain(mail) {
        let (ink, went) = match drill.well {
            true => (Ink::Plain, "went well"),
            false => (Ink::Warn, "failed"),
        };
        let before = drill.succeeded.filter(|_| !drill.well);
        let before = before.map_or_else(String::new, |at| {
            format!(", last went well {}", ago(at, now))
        });
        let line = Line::new(Ink::Plain, "  drill  ")
            .then(Ink::Bold, what)
            .then(ink, &format!(" {went} {}{before}", ago(drill.at, now)));
        sheet.wrapped(&line, 9);
    }
}

/// Every pause that people ordered and that is not over.
pub(super) fn pauses(sheet: &mut Sheet, fleet: &Fleet) {
    let now = fleet.wall(fleet.now());
    let open = |pause: &Pause| pause.until.is_none_or(|until| until > now);
    sheet.gap();
    for (target, pause) in fleet.pauses.iter().filter(|(_, pause)| open(pause)) {
        let begun = pause
            .since
            .map_or_else(String::new, |at| format!(" {}", since(at, now)));
        let until = pause.until.map_or_else(
            || ", until `probe resume`".to_owned(),
            |until| format!(", ends {}", ahead(until, now)),
        );
        let reason = pause
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        let line = Line::new(Ink::Warn, "  paused  ")
            .then(Ink::Bold, target)
            .then(Ink::Plain, &format!("{begun}{until}{reason}"));
        sheet.wrapped(&line, 10);
    }
}

/// What people acknowledged, as long as it holds.
pub(super) fn acks(sheet: &mut Sheet, fleet: &Fleet) {
    let now = fleet.wall(fleet.now());
    let mut sites: BTreeMap<&IncidentId, Vec<&str>> = BTreeMap::new();
    for (name, track) in &fleet.profiles {
        if let Some(telling) = &track.telling {
            sites
                .entry(&telling.thread)
                .or_default()
                .push(name.as_str());
        }
    }
    sheet.gap();
    for (thread, sites) in sites {
        let ack = fleet.acks.get(thread.as_str());
        let Some(ack) = ack.filter(|ack| ack.holds(fleet, thread)) else {
            continue;
        };
        let until = ack.until.map_or_else(String::new, |until| {
            format!(", or ends {}", ahead(until, now))
        });
        let reason = ack.reason.as_ref();
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let line = Line::new(Ink::Warn, "  known   ")
            .then(Ink::Bold, &named(&sites))
            .then(
                Ink::Plain,
                &format!(
                    " {}, no reminders until it changes{until}{reason}",
                    since(ack.at, now)
                ),
            );
        sheet.wrapped(&line, 10);
    }
}
