//! What a look at a host found, as a few lines for people: what one would type first after logging in.

use std::time::Duration;

use crate::model::{ConfigTest, HostFacts, Inside, InsideAnswer, Room, UnitFacts};

use super::duration::span;

/// Lines of facts, the server first; nothing is said of what is not known.
#[must_use]
pub fn lines(facts: &HostFacts) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(unit(&facts.unit));
    lines.extend(config(facts));
    lines.extend(listening(facts));
    lines.extend(facts.sites.iter().map(site));
    lines.extend(beside(facts));
    lines.extend(room("disk", &facts.disk));
    lines.extend(room("inodes", &facts.inodes));
    lines.extend(memory(facts));
    lines.extend(processes(facts));
    lines.extend(machine(facts));
    lines.extend(others(facts));
    lines
}

fn seconds(seconds: u64) -> String {
    span(Duration::from_secs(seconds))
}

/// Parts that are there, with commas; `None` where there is none.
fn joined(label: &str, parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("{label}: {}", parts.join(", ")))
}

fn unit(unit: &UnitFacts) -> Option<String> {
    let state = unit.active.as_ref().map(|active| match &unit.sub {
        Some(sub) if sub != active => format!("{active} ({sub})"),
        Some(_) | None => active.clone(),
    });
    let result = unit
        .result
        .as_ref()
        .filter(|result| *result != "success")
        .map(|result| match unit.exit_code {
            Some(code) if code != 0 => format!("ended by {result} {code}"),
            Some(_) | None => format!("ended by {result}"),
        });
    joined(
        "web server",
        [
            unit.name.clone(),
            state,
            result,
            unit.enabled.clone(),
            unit.job.as_ref().map(|job| format!("a {job} is under way")),
            unit.changed_s.map(|ago| format!("so for {}", seconds(ago))),
            unit.processes.map(|count| format!("{count} processes")),
            unit.restarts
                .filter(|count| *count > 0)
                .map(|count| format!("restarted by systemd {count} times")),
        ],
    )
}

fn config(facts: &HostFacts) -> Option<String> {
    let word = match facts.config_test? {
        ConfigTest::Ok => "ok",
        ConfigTest::Failed => "FAILS",
        ConfigTest::Unavailable => "this account may not run it",
    };
    let says = facts.config_test_says.clone();
    Some(
        match says.filter(|_| facts.config_test == Some(ConfigTest::Failed)) {
            Some(says) => format!("configuration test: {word}: {says}"),
            None => format!("configuration test: {word}"),
        },
    )
}

fn listening(facts: &HostFacts) -> Option<String> {
    let port = |port: u16, who: &Option<String>| {
        who.as_ref().map(|who| match who.as_str() {
            "none" => format!("nobody on port {port}"),
            "yes" => format!("somebody on port {port}"),
            name => format!("{name} on port {port}"),
        })
    };
    joined(
        "listening",
        [port(80, &facts.listen_80), port(443, &facts.listen_443)],
    )
}

fn site(site: &Inside) -> String {
    let answer = match site.answer {
        InsideAnswer::Status(status) => format!("answers {status}"),
        InsideAnswer::Refused => "connection refused".to_owned(),
        InsideAnswer::Timeout => "no answer in time".to_owned(),
        InsideAnswer::Reset => "connection cut".to_owned(),
        InsideAnswer::Tls => "no TLS".to_owned(),
        InsideAnswer::Error => "no answer that is HTTP".to_owned(),
    };
    format!("on the host itself: {} {answer}", site.url)
}

fn beside(facts: &HostFacts) -> Option<String> {
    let service = |service: &crate::model::Service| {
        let unit = service.unit.as_ref()?;
        Some(format!("{unit} {}", service.active.as_ref()?))
    };
    joined("beside it", [service(&facts.php), service(&facts.db)])
}

fn room(what: &str, room: &Room) -> Option<String> {
    let free = room.free_pct?;
    let megabytes = room
        .free_mb
        .map_or_else(String::new, |free| format!(" ({free} MiB)"));
    let path = room
        .path
        .as_ref()
        .map_or_else(String::new, |path| format!(" on {path}"));
    Some(format!("{what}: {free} % free{megabytes}{path}"))
}

fn memory(facts: &HostFacts) -> Option<String> {
    let available = facts.memory_available_pct.map(|share| {
        let of = facts
            .memory_total_mb
            .map_or_else(String::new, |all| format!(" of {all} MiB"));
        format!("{share} %{of} available")
    });
    let killed = facts.oom_kills.filter(|kills| *kills > 0).map(|kills| {
        let last = facts.oom_last_s.map_or_else(String::new, |ago| {
            format!(", the last {} ago", seconds(ago))
        });
        format!("{kills} processes killed for want of it{last}")
    });
    joined(
        "memory",
        [
            available,
            facts
                .swap_free_pct
                .map(|share| format!("swap {share} % free")),
            facts
                .pressure_memory_full
                .filter(|share| *share > 0)
                .map(|share| format!("everything waits for it {share} % of the time")),
            killed,
        ],
    )
}

fn processes(facts: &HostFacts) -> Option<String> {
    joined(
        "processes",
        [
            facts.processes.map(|count| count.to_string()),
            facts
                .processes_free_pct
                .map(|share| format!("room for {share} %")),
            facts
                .files_free_pct
                .filter(|share| *share < 50)
                .map(|share| format!("room for {share} % of open files")),
        ],
    )
}

fn machine(facts: &HostFacts) -> Option<String> {
    joined(
        "machine",
        [
            facts.uptime_s.map(|up| format!("up for {}", seconds(up))),
            facts.load_per_cpu_pct.map(|load| {
                let cpus = facts
                    .cpus
                    .map_or_else(String::new, |cpus| format!(" of {cpus}"));
                format!("load {load} % of each processor{cpus}")
            }),
            facts
                .systemd
                .as_ref()
                .map(|state| format!("systemd {state}")),
            facts.kusanagi.clone(),
        ],
    )
}

fn others(facts: &HostFacts) -> Option<String> {
    let monit = facts.monit.as_ref().map(|state| {
        let acted = facts
            .monit_acted_s
            .map_or_else(String::new, |ago| format!(", acted {} ago", seconds(ago)));
        format!("Monit {state}{acted}")
    });
    joined(
        "at work there",
        [
            monit,
            facts
                .monit_restarting
                .then(|| "a restart by somebody else".to_owned()),
            facts.package_manager.clone(),
            facts
                .logged_in
                .filter(|people| *people > 0)
                .map(|people| format!("{people} logged in")),
            facts
                .restarts_in_window
                .zip(facts.limit_restarts)
                .map(|(count, of)| format!("the agent counts {count} of {of} restarts")),
        ],
    )
}
