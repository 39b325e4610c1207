//! What one read-only look at a host found ([`HostFacts`]), how the look ended ([`Diagnosis`]), and what is wrong by
//! the facts ([`Ailment`]).
//!
//! A fact that could not be read is absent. That is normal: hosts are as old as CentOS 7, and the account that looks
//! may read little.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Reason;

/// One unit of the service manager, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitFacts {
    /// Its real name: `nginx`, `nginx131`, `httpd`, `apache2`.
    pub name: Option<String>,
    /// `LoadState`: `loaded`, `masked`, `not-found`.
    pub load: Option<String>,
    /// `UnitFileState`: `enabled`, `disabled`, `masked`, `static`.
    pub enabled: Option<String>,
    /// `ActiveState`: `active`, `inactive`, `failed`, `activating`.
    pub active: Option<String>,
    /// `SubState`: `running`, `dead`, `auto-restart`.
    pub sub: Option<String>,
    /// `Result`: `success`, `exit-code`, `signal`, `oom-kill`, `start-limit-hit`.
    pub result: Option<String>,
    /// Exit status of its main process.
    pub exit_code: Option<i64>,
    /// Restarts that the service manager made itself.
    pub restarts: Option<u64>,
    /// Seconds since its state last changed.
    pub changed_s: Option<u64>,
    /// A job of the service manager that is under way: `start`, `stop`, `restart`.
    pub job: Option<String>,
    /// Processes of the server.
    pub processes: Option<u64>,
}

/// What is free of something, at the place with the least left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Room {
    /// Free, in per cent.
    pub free_pct: Option<u8>,
    /// Free, in MiB.
    pub free_mb: Option<u64>,
    /// Where.
    pub path: Option<String>,
}

/// How the web server's own test of its configuration went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigTest {
    /// The server would start.
    Ok,
    /// The server would not start.
    Failed,
    /// The account may not run it.
    Unavailable,
}

/// What a site says to somebody on the host itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsideAnswer {
    /// An HTTP status.
    Status(u16),
    /// Nothing listens.
    Refused,
    /// No answer in time.
    Timeout,
    /// The connection was cut.
    Reset,
    /// The TLS handshake failed.
    Tls,
    /// Something else went wrong.
    Error,
}

impl InsideAnswer {
    /// Whether this is the answer of a web server that works; an application's error (5xx) is not.
    #[must_use]
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Status(100..=499))
    }

    /// Whether it answers with an error (5xx).
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Status(500..))
    }

    /// Whether there was no HTTP answer.
    #[must_use]
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::Refused | Self::Timeout | Self::Reset)
    }
}

/// A site, asked on the host itself under its own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// Which URL, as it may be shown.
    #[serde(deserialize_with = "super::shown::read")]
    pub url: String,
    /// What came back.
    pub answer: InsideAnswer,
    /// What came back to a browser's usual headers. Asked only where ours were not answered well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<InsideAnswer>,
}

impl Inside {
    /// Whether browsers are answered well and we are not: a rule blocks us, and the server is not at fault.
    #[must_use]
    pub fn answers_browsers(&self) -> bool {
        !self.answer.is_well() && self.browser.is_some_and(InsideAnswer::is_well)
    }
}

/// A service beside the web server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Its unit.
    pub unit: Option<String>,
    /// `ActiveState`.
    pub active: Option<String>,
}

impl Service {
    /// It is known not to run.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self.active.as_deref(), Some("inactive" | "failed"))
    }
}

/// Everything one look found. Names and units are those of the keys that `probe-agent 1 diagnose` prints.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostFacts {
    /// Whether the installed agent printed them; otherwise the built-in script did.
    pub agent: bool,
    /// The kernel's boot id.
    pub boot_id: Option<String>,
    /// Seconds since boot.
    pub uptime_s: Option<u64>,
    /// The service manager as a whole: `running`, `starting`, `degraded`, `stopping`.
    pub systemd: Option<String>,
    /// The enabled web server: `nginx`, `httpd`.
    pub web: Option<String>,
    /// Its unit.
    pub unit: UnitFacts,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Seconds since the last of them.
    pub oom_last_s: Option<u64>,
    /// Disk, at the fullest place.
    pub disk: Room,
    /// Inodes, at the fullest place.
    pub inodes: Room,
    /// Memory in MiB.
    pub memory_total_mb: Option<u64>,
    /// Per cent of memory that is available, by the tightest limit that applies.
    pub memory_available_pct: Option<u8>,
    /// Swap that is free; absent where there is none.
    pub swap_free_pct: Option<u8>,
    /// Per cent of the last ten seconds in which everything waited for memory.
    pub pressure_memory_full: Option<u8>,
    /// Per cent of the same time in which something waited for a processor.
    pub pressure_cpu_some: Option<u8>,
    /// Per cent of the same time in which everything waited for the disk.
    pub pressure_io_full: Option<u8>,
    /// Load of one minute per processor, in per cent.
    pub load_per_cpu_pct: Option<u64>,
    /// Processors.
    pub cpus: Option<u64>,
    /// Processes.
    pub processes: Option<u64>,
    /// Per cent of the process table that is free, by the tightest limit that applies.
    pub processes_free_pct: Option<u8>,
    /// Per cent of the file table that is free.
    pub files_free_pct: Option<u8>,
    /// The server's test of its own configuration.
    pub config_test: Option<ConfigTest>,
    /// What that test printed.
    pub config_test_says: Option<String>,
    /// Who listens on port 80: a process, `yes`, or `none`.
    pub listen_80: Option<String>,
    /// Who listens on port 443.
    pub listen_443: Option<String>,
    /// What the sites say on the host itself.
    pub sites: Vec<Inside>,
    /// How many URLs the host was given to ask; absent from an agent of an earlier version.
    pub sites_known: Option<u32>,
    /// The program that asked over plain HTTP; `none` where there is none.
    pub asks_http: Option<String>,
    /// The program that asked over TLS.
    pub asks_https: Option<String>,
    /// Monit: `active`, `inactive`, `absent`.
    pub monit: Option<String>,
    /// A process on the host (`kusanagi restart`, `systemctl restart`) is restarting the server now.
    pub monit_restarting: bool,
    /// Seconds since Monit last acted.
    pub monit_acted_s: Option<u64>,
    /// A package manager that runs now.
    pub package_manager: Option<String>,
    /// People who are logged in.
    pub logged_in: Option<u64>,
    /// PHP.
    pub php: Service,
    /// The database.
    pub db: Service,
    /// The content of `/etc/kusanagi`: what KUSANAGI says of its version.
    pub kusanagi: Option<String>,
    /// Restarts within the agent's own limit window.
    pub restarts_in_window: Option<u32>,
    /// Restarts that the agent allows in its window.
    pub limit_restarts: Option<u32>,
    /// The length of that window in seconds.
    pub limit_window_s: Option<u64>,
}

/// Something of a host that a look could not see, so that no row of the table can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// The web server's unit.
    Unit,
    /// Processes of other accounts.
    Processes,
    /// Who listens.
    Listeners,
    /// The test of the configuration was not run.
    ConfigTest,
    /// The account may not run the test of the configuration.
    ConfigTestClosed,
    /// What is left of the disk.
    Disk,
    /// What is left of memory.
    Memory,
    /// What is left of the process table.
    ProcessTable,
    /// Sites that were not asked on the host itself.
    Sites {
        /// Which, without credentials.
        urls: Vec<String>,
        /// Why not.
        why: Unasked,
    },
}

/// Why a site was not asked on the host itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unasked {
    /// The agent's `SITES` is empty.
    NoSites,
    /// An agent of an earlier version asked no site and does not say why: its `SITES` is empty, or there is no curl.
    Untold,
    /// No program there can ask.
    NoProgram,
    /// No program there can ask over TLS.
    NoTls,
    /// It is not in the agent's `SITES`, or beyond the ninth.
    NotListed,
    /// It is beyond the ninth, or is written in a way that is not asked.
    NotTaken,
}

impl HostFacts {
    /// Facts that the rules can use and the look could not see. `urls` are the host's sites without credentials.
    #[must_use]
    pub fn unseen(&self, urls: &[String]) -> Vec<Unseen> {
        let unit = &self.unit;
        let test = match self.config_test {
            None => Some(Unseen::ConfigTest),
            Some(ConfigTest::Unavailable) => Some(Unseen::ConfigTestClosed),
            Some(ConfigTest::Ok | ConfigTest::Failed) => None,
        };
        let mut unseen: Vec<Unseen> = [
            unit.active.is_none().then_some(Unseen::Unit),
            test,
            (self.listen_80.is_none() && self.listen_443.is_none()).then_some(Unseen::Listeners),
            (self.monit.is_none() && unit.processes.is_none()).then_some(Unseen::Processes),
            self.disk.free_pct.is_none().then_some(Unseen::Disk),
            self.memory_available_pct
                .is_none()
                .then_some(Unseen::Memory),
            self.processes_free_pct
                .is_none()
                .then_some(Unseen::ProcessTable),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut missing: BTreeMap<Unasked, Vec<String>> = BTreeMap::new();
        for url in urls {
            if !self.sites.iter().any(|site| site.url == *url) {
                missing
                    .entry(self.unasked(url))
                    .or_default()
                    .push(url.clone());
            }
        }
        let sites = missing.into_iter();
        unseen.extend(sites.map(|(why, urls)| Unseen::Sites { urls, why }));
        unseen
    }

    fn unasked(&self, url: &str) -> Unasked {
        let none = |program: &Option<String>| program.as_deref() == Some("none");
        if self.agent && self.sites_known == Some(0) {
            Unasked::NoSites
        } else if self.agent && self.sites_known.is_none() && self.sites.is_empty() {
            Unasked::Untold
        } else if none(&self.asks_http) && none(&self.asks_https) {
            Unasked::NoProgram
        } else if none(&self.asks_https) && url.starts_with("https:") {
            Unasked::NoTls
        } else if none(&self.asks_http) && url.starts_with("http:") {
            Unasked::NoProgram
        } else if self.agent {
            Unasked::NotListed
        } else {
            Unasked::NotTaken
        }
    }
}

/// How a look at a host ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "look")]
pub enum Diagnosis {
    /// It was looked at.
    Facts(Box<HostFacts>),
    /// The login failed, so a restart could not begin either.
    NotIn {
        /// Why.
        reason: Reason,
        /// The host or ssh here refused the login, and will again before a person has acted.
        #[serde(default)]
        refused: bool,
    },
    /// The login went well, but the look did not end: the host is short of something.
    Stuck {
        /// What was seen.
        reason: Reason,
    },
    /// What came back is not a list of facts.
    Unreadable {
        /// What was seen.
        reason: Reason,
    },
}

impl Diagnosis {
    /// The facts, if there are any.
    #[must_use]
    pub fn facts(&self) -> Option<&HostFacts> {
        match self {
            Self::Facts(facts) => Some(facts),
            Self::NotIn { .. } | Self::Stuck { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// What is wrong by the facts, together with what is seen from outside. [`Ailment::ALL`] has the order of the rule
/// table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ailment {
    /// The host has just booted, or is going down.
    HostBooting,
    /// A package manager is at work.
    PackageManager,
    /// Somebody else is restarting the server, or has just done so.
    BeingRestarted,
    /// The disk is full.
    DiskFull,
    /// The inodes are used up.
    InodesFull,
    /// Memory is used up.
    MemoryShort,
    /// The process table or the file table is full.
    ProcessesFull,
    /// The agent on the host has spent its own budget of restarts.
    AgentBudget,
    /// A person switched the server off.
    Disabled,
    /// The server would not start with its own configuration.
    ConfigBroken,
    /// The service manager refuses further starts for a while.
    StartLimit,
    /// Another process holds the server's port.
    PortTaken,
    /// The site answers on the host itself: the fault lies between the host and us.
    BetweenUs,
    /// The site answers browsers on the host itself, and not us: a rule there blocks us.
    AnswersBrowsers,
    /// The server answers for other sites of the host.
    ServesOthers,
    /// The database does not run, and the restart would not start it.
    DatabaseDown,
    /// The kernel killed the server for lack of memory; now there is memory again.
    OomKilled,
    /// The server does not run.
    Stopped,
    /// The server runs and answers nobody.
    Hung,
    /// PHP does not run.
    PhpDown,
    /// The application behind a healthy server answers with errors.
    ApplicationError,
    /// The facts say nothing against a restart, and nothing for it.
    Unclear,
}

impl Ailment {
    /// All of them, in the order of the rule table.
    pub const ALL: [Self; 22] = [
        Self::HostBooting,
        Self::PackageManager,
        Self::BeingRestarted,
        Self::DiskFull,
        Self::InodesFull,
        Self::MemoryShort,
        Self::ProcessesFull,
        Self::AgentBudget,
        Self::Disabled,
        Self::ConfigBroken,
        Self::StartLimit,
        Self::PortTaken,
        Self::DatabaseDown,
        Self::PhpDown,
        Self::BetweenUs,
        Self::AnswersBrowsers,
        Self::ServesOthers,
        Self::OomKilled,
        Self::Stopped,
        Self::Hung,
        Self::ApplicationError,
        Self::Unclear,
    ];

    /// The stable word of JSON and of the metric's label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::HostBooting => "host_booting",
            Self::PackageManager => "package_manager",
            Self::BeingRestarted => "being_restarted",
            Self::DiskFull => "disk_full",
            Self::InodesFull => "inodes_full",
            Self::MemoryShort => "memory_short",
            Self::ProcessesFull => "processes_full",
            Self::AgentBudget => "agent_budget",
            Self::Disabled => "disabled",
            Self::ConfigBroken => "config_broken",
            Self::StartLimit => "start_limit",
            Self::PortTaken => "port_taken",
            Self::BetweenUs => "between_us",
            Self::AnswersBrowsers => "answers_browsers",
            Self::ServesOthers => "serves_others",
            Self::DatabaseDown => "database_down",
            Self::OomKilled => "oom_killed",
            Self::Stopped => "stopped",
            Self::Hung => "hung",
            Self::PhpDown => "php_down",
            Self::ApplicationError => "application_error",
            Self::Unclear => "unclear",
        }
    }

    /// Whether a restart made for this ailment was needed, given whether it helped; `None` where the facts do not say.
    ///
    /// A server that did not run, or answered nobody, needed it. Where an application behind the server failed, it was
    /// needed if it helped. The table makes no restart for the other ailments.
    #[must_use]
    pub const fn needed_restart(self, helped: bool) -> Option<bool> {
        match self {
            Self::Stopped | Self::OomKilled | Self::Hung | Self::PhpDown => Some(true),
            Self::ApplicationError => Some(helped),
            Self::Unclear => None,
            Self::HostBooting
            | Self::PackageManager
            | Self::BeingRestarted
            | Self::DiskFull
            | Self::InodesFull
            | Self::MemoryShort
            | Self::ProcessesFull
            | Self::AgentBudget
            | Self::Disabled
            | Self::ConfigBroken
            | Self::StartLimit
            | Self::PortTaken
            | Self::BetweenUs
            | Self::AnswersBrowsers
            | Self::ServesOthers
            | Self::DatabaseDown => Some(false),
        }
    }

    /// Whether it soon ends by itself: a package manager ends, a host boots.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(
            self,
            Self::HostBooting | Self::PackageManager | Self::BeingRestarted | Self::StartLimit
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(agent: bool, known: Option<u32>, asks: (&str, &str)) -> HostFacts {
        HostFacts {
            agent,
            sites_known: known,
            asks_http: Some(asks.0.to_owned()),
            asks_https: Some(asks.1.to_owned()),
            ..HostFacts::default()
        }
    }

    #[test]
    fn why_a_site_was_not_asked() {
        let (plain, secure) = ("http://a.example.com/", "https://a.example.com/");
        for (facts, url, why) in [
            (
                facts(true, Some(0), ("none", "none")),
                plain,
                Unasked::NoSites,
            ),
            (
                HostFacts {
                    agent: true,
                    ..HostFacts::default()
                },
                plain,
                Unasked::Untold,
            ),
            (
                facts(true, Some(1), ("none", "none")),
                secure,
                Unasked::NoProgram,
            ),
            (
                facts(false, Some(1), ("bash", "none")),
                secure,
                Unasked::NoTls,
            ),
            (
                facts(false, Some(1), ("none", "openssl")),
                plain,
                Unasked::NoProgram,
            ),
            (
                facts(true, Some(1), ("curl", "curl")),
                plain,
                Unasked::NotListed,
            ),
            (
                facts(false, Some(1), ("curl", "curl")),
                plain,
                Unasked::NotTaken,
            ),
            (HostFacts::default(), plain, Unasked::NotTaken),
        ] {
            let unseen = facts.unseen(&[url.to_owned()]);
            let urls = vec![url.to_owned()];
            assert_eq!(unseen.last(), Some(&Unseen::Sites { urls, why }), "{url}");
            assert_eq!(unseen.len(), 8);
        }
    }

    #[test]
    fn a_rule_against_us_is_one_only_where_browsers_are_answered_well() {
        let answers = |answer, browser| {
            let url = String::new();
            Inside {
                url,
                answer,
                browser,
            }
            .answers_browsers()
        };
        let well = Some(InsideAnswer::Status(200));
        assert!(answers(InsideAnswer::Reset, well));
        assert!(answers(InsideAnswer::Status(503), well));
        assert!(!answers(InsideAnswer::Status(200), well));
        assert!(!answers(InsideAnswer::Reset, Some(InsideAnswer::Reset)));
        assert!(!answers(InsideAnswer::Reset, None));
    }
}
