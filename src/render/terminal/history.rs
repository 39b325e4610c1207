//! The answer of `probe history`: uptime, incidents, restarts and how long they held.

use std::time::Duration;

use super::ink::{Ink, Line, Sheet};
use super::words::moment;
use crate::model::{Held, ProfileName, RecoveryOutcome};
use crate::render::duration::span;
use crate::render::history::{Outage, PastRestart, PastView};
use crate::render::text::{percent, plural, width};

/// Time that was not judged is said from here on: the moment until a first probe is none.
const SHOWN: Duration = Duration::from_secs(60);

pub(super) fn write(sheet: &mut Sheet, past: &PastView) {
    let column = past.profiles.iter().map(|name| width(name.as_str())).max();
    let column = 2 + column.unwrap_or(0) + 2;
    for profile in &past.profiles {
        sheet.wrapped(&uptime(past, profile, column), column);
    }
    sheet.gap();
    for outage in &past.outages {
        sheet.wrapped(&line_of(past, outage), 23);
    }
    sheet.gap();
    for restart in &past.restarts {
        let (ink, held) = match restart.past.held(past.until) {
            _ if !restart.took_place() => (Ink::Bad, "nothing was restarted".to_owned()),
            _ if restart.drill => (Ink::Dim, "a rehearsal".to_owned()),
            Held::Still(time) => (Ink::Good, format!("has held since, for {}", span(time))),
            Held::For(time) => (Ink::Warn, format!("held for {}", span(time))),
            Held::No => (Ink::Bad, "did not help".to_owned()),
        };
        let outcome = restart
            .outcome
            .map_or("its end was not seen", RecoveryOutcome::word);
        let line = Line::new(
            Ink::Dim,
            &format!("  {}", moment(restart.past.began, past.until)),
        )
        .to(23)
        .then(Ink::Plain, "restart of ")
        .then(Ink::Bold, restart.host.as_str())
        .then(
            Ink::Plain,
            &format!(
                " for {}: `{}`, {}; ",
                restart.profile,
                restart.command,
                outcome.replace('_', " ")
            ),
        )
        .then(ink, &held)
        .then(Ink::Plain, &worth(past, restart));
        sheet.wrapped(&line, 23);
    }
    sheet.gap();
    sheet.wrapped(&Line::new(Ink::Plain, &summary(past)), 0);
}

fn uptime(past: &PastView, profile: &ProfileName, column: usize) -> Line {
    let outages: Vec<&Outage> = past
        .outages
        .iter()
        .filter(|outage| outage.profile == *profile)
        .collect();
    let down = outages.iter().map(|o| o.lasted(past.until)).sum();
    let blank = past.unjudged(profile);
    let text = match past.uptime(profile) {
        None if past
            .unjudged
            .get(profile)
            .is_some_and(|spans| !spans.is_empty()) =>
        {
            "not judged".to_owned()
        }
        None => "nothing is recorded".to_owned(),
        Some(share) => format!("{} % up", percent(share)),
    };
    let mut more = match outages.len() {
        0 => String::new(),
        count => format!(", {} ({} down)", plural(count, "incident"), span(down)),
    };
    if blank >= SHOWN {
        more.push_str(&format!(", not judged for {}", span(blank)));
    }
    let ink = if past.uptime(profile).is_none() {
        Ink::Unsure
    } else if outages.iter().any(|o| o.until.is_none()) {
        Ink::Bad
    } else if outages.is_empty() {
        Ink::Good
    } else {
        Ink::Warn
    };
    Line::default()
        .to(2)
        .then(Ink::Bold, profile.as_str())
        .to(column)
        .then(ink, &text)
        .then(Ink::Plain, &more)
}

fn line_of(past: &PastView, outage: &Outage) -> Line {
    let end = match outage.until {
        Some(_) => format!("down for {}", span(outage.lasted(past.until))),
        None => format!("down since, for {}", span(outage.lasted(past.until))),
    };
    let cause = outage
        .cause
        .map_or_else(String::new, |cause| format!(" ({})", cause.phrase()));
    let restarts = match outage.restarts {
        0 => ", no restart".to_owned(),
        count => format!(", {}", plural(count as usize, "restart")),
    };
    Line::new(Ink::Dim, &format!("  {}", moment(outage.since, past.until)))
        .to(23)
        .then(Ink::Bold, outage.profile.as_str())
        .then(Ink::Plain, &format!(" {end}{cause}{restarts}"))
}

/// The last line says it all, and what it means where restarts do not hold.
fn summary(past: &PastView) -> String {
    let whole = span(past.until.since(past.from));
    let ours = || past.restarts.iter().filter(|r| !r.drill);
    let done = || ours().filter(|r| r.took_place());
    let held = |restart: &PastRestart| restart.past.held(past.until);
    let helped = done().filter(|r| held(r) != Held::No).count();
    let brief = done()
        .filter(|r| match held(r) {
            Held::For(time) => time.as_secs() < 3600,
            Held::No => true,
            Held::Still(_) => false,
        })
        .count();
    let mut restarts = match done().count() {
        0 => "no restart".to_owned(),
        count => format!("{}, {helped} of which helped", plural(count, "restart")),
    };
    match ours().count() - done().count() {
        0 => {}
        count => restarts.push_str(&format!(", {count} more not carried out")),
    }
    let warning = if brief >= 3 {
        format!(". {brief} of them held for under an hour: this is not mended by restarting")
    } else {
        String::new()
    };
    format!(
        "In {whole}: {}, {restarts}{}{warning}",
        plural(past.outages.len(), "incident"),
        share(past)
    )
}

/// Whether a restart was needed, with what the host said.
fn worth(past: &PastView, restart: &PastRestart) -> String {
    let said = restart
        .past
        .ailment
        .map_or_else(String::new, |ailment| format!(" ({})", ailment.word()));
    match restart.needed(past.until) {
        Some(true) => format!("; it was needed{said}"),
        Some(false) => format!("; it was NEEDLESS{said}"),
        None => String::new(),
    }
}

/// Of the restarts that can be judged, how many were needless.
fn share(past: &PastView) -> String {
    let judged: Vec<bool> = past
        .restarts
        .iter()
        .filter_map(|restart| restart.needed(past.until))
        .collect();
    let needless = judged.iter().filter(|needed| !**needed).count();
    match judged.len() {
        0 => String::new(),
        count => format!(", {needless} of {count} that can be judged needless"),
    }
}
