//! The rule table: what is seen from outside and what the host says of itself, taken together, name what is wrong, and
//! that decides what may be done about it.
//!
//! The first row that fits wins. First come the reasons for which a restart would meet a host that is changing or used
//! up, then those for which it could not work, then those for which it would mend nothing, and last what it mends. A
//! fact that is missing fits no row; where no row fits, nothing speaks against the restart that the probes ask for.
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
    /// Not at all, until the facts are others.
    Refuse,
}

/// Everything the table looks at.
#[derive(Debug)]
pub(in crate::policy) struct Patient<'a> {
    /// What the host says.
    pub(in crate::policy) facts: &'a HostFacts,
    /// When it said so.
    pub(in crate::policy) seen: Timestamp,
    /// What the failing site shows outside.
    pub(in crate::policy) cause: Cause,
    /// The URLs of the sites that are down, as the host knows them.
    pub(in crate::policy) urls: Vec<String>,
    /// For how long the host had been failing when it was looked at.
    pub(in crate::policy) failing: Duration,
    /// Another site of the host was well in a probe that began after this one had failed, and one site is enough to restart.
    pub(in crate::policy) serves_others: bool,
    /// The command that would be run.
    pub(in crate::policy) command: &'a str,
    /// What people set.
    pub(in crate::policy) guards: Guards,
}

/// What the table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Finding {
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
    /// The facts that make it fit.
    fits: fn(&Patient<'_>) -> Option<Vec<String>>,
}

const fn row(
    ailment: Ailment,
    remedy: Remedy,
    fits: fn(&Patient<'_>) -> Option<Vec<String>>,
) -> Row {
    Row {
        ailment,
        remedy,
        fits,
    }
}

#[rustfmt::skip]
const TABLE: [Row; 21] = [
    // A server that has not come up yet is refused as one that stopped; a restart in the middle of a boot starts it twice.
    row(Ailment::HostBooting,      Remedy::Wait,    rows::booting),
    // Packages restart what they upgrade, and a restart in the middle of it meets half a program.
    row(Ailment::PackageManager,   Remedy::Wait,    rows::packages),
    // Two healers add up: Monit restarts every third cycle for as long as there are errors in its log.
    row(Ailment::BeingRestarted,   Remedy::Wait,    rows::restarted),
    // A full disk makes the server fail, and a start fails earlier than a running server does: no log, no pid file.
    row(Ailment::DiskFull,         Remedy::Refuse,  rows::disk),
    row(Ailment::InodesFull,       Remedy::Refuse,  rows::inodes),
    // Cold caches need more memory than warm ones: what swaps now is out of reach afterwards, not even a prompt is left.
    row(Ailment::MemoryShort,      Remedy::Refuse,  rows::memory),
    // A stop needs no process and a start does: the server would stay down.
    row(Ailment::ProcessesFull,    Remedy::Refuse,  rows::processes),
    // The second brake would refuse anyway, and knows of restarts that we do not.
    row(Ailment::AgentBudget,      Remedy::Refuse,  rows::agent),
    // Somebody decided that it should not run; `kusanagi restart` passes over what is not enabled.
    row(Ailment::Disabled,         Remedy::Refuse,  rows::disabled),
    // What runs on an old configuration survives; what is restarted into a broken one does not.
    row(Ailment::ConfigBroken,     Remedy::Refuse,  rows::config),
    // Each further start is refused and counted.
    row(Ailment::StartLimit,       Remedy::Wait,    rows::start_limit),
    // "Address already in use": certbot starts an nginx of its own, nginx and httpd are both installed.
    row(Ailment::PortTaken,        Remedy::Refuse,  rows::port),
    // A web server's restart does not touch MariaDB.
    row(Ailment::DatabaseDown,     Remedy::Refuse,  rows::database),
    // Before the next row: a cached page still answers on the host when PHP is gone.
    row(Ailment::PhpDown,          Remedy::Restart, rows::php),
    // The server works. Firewall, CDN, balancer, DNS or the way are at fault, and a restart would only hurt who still gets through.
    row(Ailment::BetweenUs,        Remedy::Refuse,  rows::between),
    // A bot blocker or a firewall of the site is against us; visitors are served, and a restart would not change that.
    row(Ailment::AnswersBrowsers,  Remedy::Refuse,  rows::browsers),
    // The machine-wide restart would take away what still works.
    row(Ailment::ServesOthers,     Remedy::Refuse,  rows::others),
    // Once there is memory again this is a server that stopped.
    row(Ailment::OomKilled,        Remedy::Restart, rows::oom),
    // The outage this program was made for.
    row(Ailment::Stopped,          Remedy::Restart, rows::stopped),
    row(Ailment::Hung,             Remedy::Restart, rows::hung),
    // Configured as a cause, so tried; whether it helped is judged afterwards.
    row(Ailment::ApplicationError, Remedy::Restart, rows::application),
];

/// What is wrong, and what may be done about it.
pub(in crate::policy) fn triage(patient: &Patient<'_>) -> Finding {
    for row in &TABLE {
        if let Some(because) = (row.fits)(patient) {
            return Finding {
                ailment: row.ailment,
                remedy: row.remedy,
                because,
                until: passes(row.ailment, patient),
            };
        }
    }
    Finding {
        ailment: Ailment::Unclear,
        remedy: Remedy::Restart,
        because: Vec::new(),
        until: None,
    }
}

/// When what passes by itself will have passed.
fn passes(ailment: Ailment, patient: &Patient<'_>) -> Option<Timestamp> {
    let facts = patient.facts;
    let rest = |whole: Duration, gone: Option<u64>| {
        let gone = Duration::from_secs(gone?);
        Some(patient.seen + whole.saturating_sub(gone))
    };
    match ailment {
        Ailment::HostBooting => rest(limits::BOOT_WINDOW, facts.uptime_s),
        Ailment::StartLimit => rest(limits::START_LIMIT, facts.unit.changed_s),
        Ailment::BeingRestarted => {
            rows::monit_turn(patient).or_else(|| rest(limits::OTHER_HEALER, facts.monit_acted_s))
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
