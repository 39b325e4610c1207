//! The rule table: what is seen from outside and what the host says of itself tell what is wrong (the ailment), and
//! that decides what may be done (the remedy).
//!
//! The first row that fits wins. First come the reasons for which a restart would meet a host that is changing or short
//! of something, then those for which it could not work, then those for which it would not help, and last those it
//! repairs. A missing fact fits no row. A row that says to wait fits for [`limits::WAIT`] at most: what has not passed by
//! then is told, and decided without that row. If no row fits, nothing speaks against the restart that the probes ask for.
//! Each row has a recorded situation in `tests/sim/decisions/facts-*.txt`.

mod rows;

use std::time::Duration;

use crate::model::{Ailment, Cause, Guards, HostFacts, Timestamp, limits};

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Remedy {
    /// Restart.
    Restart,
    /// Not now: it passes by itself.
    Wait,
    /// Not before the facts change.
    Refuse,
}

/// Everything the table looks at.
#[derive(Debug)]
pub(in crate::policy) struct Symptoms<'a> {
    /// What the host says.
    pub(in crate::policy) facts: &'a HostFacts,
    /// When it said so.
    pub(in crate::policy) seen: Timestamp,
    /// The cause of the failing site, seen from outside.
    pub(in crate::policy) cause: Cause,
    /// The URLs of the sites that fail, without credentials, as the host knows them.
    pub(in crate::policy) urls: Vec<String>,
    /// For how long the site had been failing in this way when the host was looked at.
    pub(in crate::policy) failing: Duration,
    /// With `when: auto`: another site of the host was well in a probe that ended after this one began to fail.
    pub(in crate::policy) serves_others: bool,
    /// The command that would be run.
    pub(in crate::policy) command: String,
    /// What must be left on the host, as configured.
    pub(in crate::policy) guards: Guards,
    /// What should have passed by itself and did not: these rows fit no more.
    pub(in crate::policy) waited: Vec<Ailment>,
}

/// What the table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Triaged {
    /// What is wrong.
    pub(in crate::policy) ailment: Ailment,
    /// What may be done.
    pub(in crate::policy) remedy: Remedy,
    /// The facts that decided, as `key=value`.
    pub(in crate::policy) because: Vec<String>,
    /// When it passes, where the facts say so.
    pub(in crate::policy) until: Option<Timestamp>,
}

/// One row.
struct Row {
    ailment: Ailment,
    remedy: Remedy,
    /// The facts by which it fits, or `None`.
    fits: fn(&Symptoms<'_>) -> Option<Vec<String>>,
}

const fn row(
    ailment: Ailment,
    remedy: Remedy,
    fits: fn(&Symptoms<'_>) -> Option<Vec<String>>,
) -> Row {
    Row {
        ailment,
        remedy,
        fits,
    }
}

#[rustfmt::skip]
const TABLE: [Row; 21] = [
    // A server that has not started yet refuses connections like one that stopped; a restart during a boot starts it
    // twice.
    row(Ailment::HostBooting,      Remedy::Wait,    rows::booting),
    // Packages restart what they upgrade, and a restart in the middle of an upgrade starts half a program.
    row(Ailment::PackageManager,   Remedy::Wait,    rows::packages),
    // Two healers add up: Monit restarts every third cycle for as long as there are errors in its log.
    row(Ailment::BeingRestarted,   Remedy::Wait,    rows::restarted),
    // A full disk makes the server fail, and a start fails earlier than a running server does: no log, no pid file.
    row(Ailment::DiskFull,         Remedy::Refuse,  rows::disk),
    row(Ailment::InodesFull,       Remedy::Refuse,  rows::inodes),
    // Cold caches need more memory than warm ones: a host that swaps now may not even allow a login after a restart.
    row(Ailment::MemoryShort,      Remedy::Refuse,  rows::memory),
    // A stop needs no process and a start does: the server would stay down.
    row(Ailment::ProcessesFull,    Remedy::Refuse,  rows::processes),
    // The agent would refuse anyway, and it knows of restarts that we do not.
    row(Ailment::AgentBudget,      Remedy::Refuse,  rows::agent),
    // Somebody decided that it should not run; `kusanagi restart` passes over what is not enabled.
    row(Ailment::Disabled,         Remedy::Refuse,  rows::disabled),
    // A server that runs on the old configuration lives on; restarted with a broken one it does not start.
    row(Ailment::ConfigBroken,     Remedy::Refuse,  rows::config),
    // Each further start is refused and counted.
    row(Ailment::StartLimit,       Remedy::Wait,    rows::start_limit),
    // "Address already in use": certbot starts an nginx of its own, nginx and httpd are both installed.
    row(Ailment::PortTaken,        Remedy::Refuse,  rows::port),
    // A web server's restart does not touch MariaDB.
    row(Ailment::DatabaseDown,     Remedy::Refuse,  rows::database),
    // Before the next row: a cached page still answers on the host when PHP is gone.
    row(Ailment::PhpDown,          Remedy::Restart, rows::php),
    // The server works. Firewall, CDN, balancer, DNS or network is at fault; a restart only hurts visitors who still
    // get through.
    row(Ailment::BetweenUs,        Remedy::Refuse,  rows::between),
    // A bot blocker or firewall of the site blocks us; visitors are served, and a restart would not change that.
    row(Ailment::AnswersBrowsers,  Remedy::Refuse,  rows::browsers),
    // A restart of the whole server would stop the sites that still work.
    row(Ailment::ServesOthers,     Remedy::Refuse,  rows::others),
    // There is memory again by now, so it is a server that stopped.
    row(Ailment::OomKilled,        Remedy::Restart, rows::oom),
    // The outage this program was made for.
    row(Ailment::Stopped,          Remedy::Restart, rows::stopped),
    row(Ailment::Hung,             Remedy::Restart, rows::hung),
    // A configured cause, so a restart is tried; whether it helped is judged afterwards.
    row(Ailment::ApplicationError, Remedy::Restart, rows::application),
];

/// The rows that fit and say to wait, with those that were waited for long enough.
pub(in crate::policy) fn waits(symptoms: &Symptoms<'_>) -> impl Iterator<Item = Ailment> {
    let waits = TABLE.iter().filter(|row| row.remedy == Remedy::Wait);
    waits
        .filter(|row| (row.fits)(symptoms).is_some())
        .map(|row| row.ailment)
}

/// What is wrong, and what may be done about it.
pub(in crate::policy) fn triage(symptoms: &Symptoms<'_>) -> Triaged {
    for row in &TABLE {
        if row.remedy == Remedy::Wait && symptoms.waited.contains(&row.ailment) {
            continue;
        }
        if let Some(because) = (row.fits)(symptoms) {
            return Triaged {
                ailment: row.ailment,
                remedy: row.remedy,
                because,
                until: passes(row.ailment, symptoms),
            };
        }
    }
    Triaged {
        ailment: Ailment::Unclear,
        remedy: Remedy::Restart,
        because: Vec::new(),
        until: None,
    }
}

/// When an ailment that passes by itself will have passed, if the facts tell.
fn passes(ailment: Ailment, symptoms: &Symptoms<'_>) -> Option<Timestamp> {
    let facts = symptoms.facts;
    let rest = |whole: Duration, gone: Option<u64>| {
        let gone = Duration::from_secs(gone?);
        Some(symptoms.seen + whole.saturating_sub(gone))
    };
    match ailment {
        Ailment::HostBooting => rest(limits::BOOT_WINDOW, facts.uptime_s),
        Ailment::StartLimit => rest(limits::START_LIMIT, facts.unit.changed_s),
        Ailment::BeingRestarted => {
            rows::monit_turn(symptoms).or_else(|| rest(limits::OTHER_HEALER, facts.monit_acted_s))
        }
        Ailment::PackageManager
        | Ailment::DiskFull
        | Ailment::InodesFull
        | Ailment::MemoryShort
        | Ailment::ProcessesFull
        | Ailment::AgentBudget
        | Ailment::Disabled
        | Ailment::ConfigBroken
        | Ailment::PortTaken
        | Ailment::BetweenUs
        | Ailment::AnswersBrowsers
        | Ailment::ServesOthers
        | Ailment::DatabaseDown
        | Ailment::OomKilled
        | Ailment::Stopped
        | Ailment::Hung
        | Ailment::PhpDown
        | Ailment::ApplicationError
        | Ailment::Unclear => None,
    }
}
