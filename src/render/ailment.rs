//! What a look at a host found, in sentences: why it speaks against a restart, and what a person can do.

use crate::model::Ailment;

/// In a few words, for subjects and table cells.
#[must_use]
pub const fn phrase(ailment: Ailment) -> &'static str {
    match ailment {
        Ailment::HostBooting => "the host is booting",
        Ailment::PackageManager => "packages are being installed",
        Ailment::BeingRestarted => "something else is restarting it",
        Ailment::DiskFull => "the host's disk is full",
        Ailment::InodesFull => "the host is out of inodes",
        Ailment::MemoryShort => "the host is out of memory",
        Ailment::ProcessesFull => "the host is out of processes",
        Ailment::AgentBudget => "the host's own limit is reached",
        Ailment::Disabled => "the web server is switched off",
        Ailment::ConfigBroken => "its configuration is broken",
        Ailment::StartLimit => "systemd refuses further starts",
        Ailment::PortTaken => "another process holds its port",
        Ailment::BetweenUs => "the site answers on the host itself",
        Ailment::ServesOthers => "it still serves other sites",
        Ailment::DatabaseDown => "the database is down",
        Ailment::OomKilled => "killed for want of memory",
        Ailment::Stopped => "the web server does not run",
        Ailment::Hung => "the web server hangs",
        Ailment::PhpDown => "PHP does not run",
        Ailment::ApplicationError => "the application fails",
        Ailment::Unclear => "the host says nothing of it",
    }
}

/// What it means for `host`, and what a person can do.
#[must_use]
pub fn sentence(ailment: Ailment, host: &str) -> String {
    let (what, then) = match ailment {
        Ailment::HostBooting => (
            "has just booted or is going down, and its services may still be starting",
            "It is given three minutes from the boot on.",
        ),
        Ailment::PackageManager => (
            "is installing packages, which restarts services by itself",
            "It is looked at again until that is done.",
        ),
        Ailment::BeingRestarted => (
            "has its web server restarted by somebody else at this moment, or has Monit whose turn it is",
            "Two healers at once make it worse; ours waits.",
        ),
        Ailment::DiskFull => (
            "has no disk space left, and a web server that stops there may not start again",
            "Make room first: old logs, caches, backups.",
        ),
        Ailment::InodesFull => (
            "has no inodes left: no file can be made there, however much space is free",
            "Remove small files first: sessions, caches, mail queues.",
        ),
        Ailment::MemoryShort => (
            "has no memory left, and a restart with cold caches would need more of it",
            "Look for what uses it (`ps aux --sort=-rss | head`), and stop that first.",
        ),
        Ailment::ProcessesFull => (
            "can start no more processes or open no more files: the server would stop and not come back",
            "Look for what starts them (`ps -eLf | wc -l`), and end that first.",
        ),
        Ailment::AgentBudget => (
            "has been restarted as often as its own agent allows",
            "The agent allows it again when its window has passed.",
        ),
        Ailment::Disabled => (
            "has its web server disabled or masked: somebody switched it off",
            "If it is to run, enable it there (`systemctl unmask` and `enable --now`).",
        ),
        Ailment::ConfigBroken => (
            "has a web server that would not start with its present configuration",
            "Mend the configuration first; the test's last words stand among the facts.",
        ),
        Ailment::StartLimit => (
            "has systemd refuse further starts of the web server for a while, because there were too many",
            "It is tried again when a minute has passed.",
        ),
        Ailment::PortTaken => (
            "has another process on the web server's port, so a start would fail",
            "Find it with `ss -ltnp` and end it, or make it use another port.",
        ),
        Ailment::DatabaseDown => (
            "has a database that does not run, and restarting the web server does not start it",
            "Start the database; look in its log why it stopped.",
        ),
        Ailment::PhpDown => (
            "has PHP stopped behind a web server that runs",
            "The restart brings it back as well.",
        ),
        Ailment::BetweenUs => (
            "answers for this site on the machine itself, so the fault lies on the way to it",
            "Look at the firewall, CDN, load balancer and DNS; a restart would mend nothing.",
        ),
        Ailment::ServesOthers => (
            "serves other sites well, and a restart would take those away",
            "Look at this site's own configuration.",
        ),
        Ailment::OomKilled => (
            "had its web server killed for want of memory; now there is some again",
            "Find out what used it, or it comes again.",
        ),
        Ailment::Stopped => ("has a web server that does not run", "A restart starts it."),
        Ailment::Hung => (
            "has a web server that runs and answers nobody, not even on the machine itself",
            "A restart ends that.",
        ),
        Ailment::ApplicationError => (
            "has a web server that works and an application that answers with errors",
            "A restart may help; if it does not, look at the application.",
        ),
        Ailment::Unclear => (
            "says nothing against a restart",
            "It is restarted on what the probes saw.",
        ),
    };
    format!("{host} {what}. {then}")
}
