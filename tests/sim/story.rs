//! The transcript of a world: one line per fact, with the wall clock people would have seen.

use std::fmt::Write as _;

use probe::model::{Delivery, Diagnosis, Ending, Happened, Next};

use super::world::{BEGIN, Fact, World};

fn clock(t: i64) -> String {
    let seconds = (t - BEGIN) / 1000 + 5 * 3600 + 59 * 60;
    let (days, seconds) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let day = if days > 0 {
        format!("+{days}d ")
    } else {
        String::new()
    };
    format!(
        "{day}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The whole course of a world.
pub fn transcript(world: &World) -> String {
    let mut text = String::new();
    let mut facts: Vec<_> = world.facts.iter().collect();
    facts.sort_by_key(|(t, _)| *t);
    for (t, fact) in facts {
        let line = match fact {
            Fact::Said(words) => format!("== {words}"),
            Fact::Crashed => "!! probe is killed".to_owned(),
            Fact::RestartBegan { host } => format!("   {host}: the command runs"),
            Fact::RestartEnded { host } => format!("   {host}: the command has ended"),
            Fact::Mailed { entry, taken } => {
                let n = &entry.notification;
                let next = match &n.next {
                    Next::Held(hold) => format!(", held: {}", hold.word()),
                    Next::Restart { number, of, .. } => {
                        format!(", restart {number} of {of} begins")
                    }
                    Next::Prove { .. } => ", the probes decide".to_owned(),
                    Next::WatchOnly => ", watched only".to_owned(),
                    Next::Nothing => String::new(),
                };
                let lesson = if n.lesson.is_some() {
                    "; restarts do not hold"
                } else {
                    ""
                };
                let took = if *taken { "mail" } else { "mail not taken" };
                let ending: String = n.certificates.iter().map(ending).collect();
                let others = n
                    .sites
                    .iter()
                    .filter(|site| Some(&site.profile) != n.profile.as_ref());
                let others: String = others
                    .map(|site| {
                        format!(
                            " + {} {}",
                            site.profile,
                            format!("{:?}", site.state).to_lowercase()
                        )
                    })
                    .collect();
                format!(
                    "   {took}: {} {}{others}{next}{ending}{lesson}",
                    n.event.word(),
                    n.profile.as_ref().map_or("-", |p| p.as_str())
                )
            }
            Fact::Noted(note) => match said(note) {
                Some(words) => words,
                None => continue,
            },
            Fact::Started
            | Fact::Ended { .. }
            | Fact::Alone
            | Fact::Browsed { .. }
            | Fact::Leaves(_)
            | Fact::Result { .. }
            | Fact::Canary { .. }
            | Fact::Reached { .. }
            | Fact::Looked { .. }
            | Fact::Arrived { .. }
            | Fact::Ordered { .. }
            | Fact::Probing(_)
            | Fact::Closed(..)
            | Fact::Wrote { .. }
            | Fact::Pauses(_) => continue,
            Fact::Woke(span) => format!("== we were asleep for {} s", span / 1000),
            Fact::Jumped => "== the wall clock jumps".to_owned(),
            Fact::Removed(host, _) => format!("== {host} is taken out of the configuration"),
            Fact::Added(host, _) => format!("== {host} is configured again"),
        };
        writeln!(text, "{} {line}", clock(*t)).unwrap();
    }
    text
}

fn ending(ending: &Ending) -> String {
    let days = ending.step.as_secs() / 86_400;
    format!(
        ", {} (step {days}d, shown by {})",
        ending.names.join(" "),
        ending.places.join(", ")
    )
}

fn said(note: &Happened) -> Option<String> {
    Some(match note {
        Happened::Changed {
            profile,
            from,
            to,
            cause,
            ..
        } => {
            let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
            format!("{profile}: {} -> {}{cause}", from.word(), to.word())
        }
        Happened::Diagnosed {
            host,
            ailment,
            diagnosis,
        } => match (ailment, diagnosis) {
            (Some(ailment), _) => format!("{host}: looked at: {}", ailment.word()),
            (None, Diagnosis::Facts(_)) => format!("{host}: looked at: nothing fails"),
            (None, Diagnosis::NotIn { .. }) => format!("{host}: looked at: nobody got in"),
            (None, Diagnosis::Stuck { .. }) => format!("{host}: looked at: no end"),
            (None, Diagnosis::Unreadable { .. }) => format!("{host}: looked at: no facts"),
        },
        Happened::RestartBegan {
            host,
            number,
            command,
            profile,
            ..
        } => format!("{host}: restart {number} ordered for {profile}: {command}"),
        Happened::RestartEnded { host, attempt, .. } => {
            format!(
                "{host}: restart {} {}",
                attempt.number,
                attempt
                    .report
                    .as_ref()
                    .map_or("?", |report| report.outcome.word())
            )
        }
        Happened::Held { host, hold, .. }
            if !matches!(
                hold.word(),
                "not_confirmed"
                    | "awaiting_canary"
                    | "awaiting_probe"
                    | "awaiting_facts"
                    | "settling"
                    | "restarting"
            ) =>
        {
            format!("{host}: held: {}", hold.word())
        }
        Happened::GaveUp { host, reason } => format!("{host}: gave up: {reason}"),
        Happened::Rearmed { host } => format!("{host}: re-armed"),
        Happened::Unjudged { profile, .. } => format!("{profile}: cannot be judged"),
        Happened::JudgedAgain { profile, .. } => format!("{profile}: judged again"),
        Happened::NetworkDown { .. } => "our network: no canary answers".to_owned(),
        Happened::NetworkBack { .. } => "our network: back".to_owned(),
        Happened::Unrecorded => "state: cannot be written".to_owned(),
        Happened::Recorded => "state: can be written again".to_owned(),
        Happened::Heartbeat { silence } => format!("heartbeat: {silence:?}"),
        Happened::Damaged { .. } => "state: was damaged, moved aside".to_owned(),
        Happened::Delivered {
            delivery: Delivery::Rejected { reason },
            ..
        } => format!("mail given up: {reason}"),
        Happened::Held { .. }
        | Happened::Judged { .. }
        | Happened::Skipped { .. }
        | Happened::Opened { .. }
        | Happened::Closed { .. }
        | Happened::Queued { .. }
        | Happened::Merged { .. }
        | Happened::Delivered { .. } => return None,
    })
}
