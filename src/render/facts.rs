//! What a look at a host found, as a few lines for people: what one would type first after logging in. The words stand in
//! `words/*/facts.txt`; what the host itself calls things (`active`, `failed`) is told as it is where one may search for it.

use std::time::Duration;

use minijinja::{Value, context};

use super::words::{Key, Voice, key};
use crate::model::{
    ConfigTest, HostFacts, Inside, InsideAnswer, Room, Service, Unasked, UnitFacts, Unseen,
};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is spoken of.
    pub label: String,
    /// What is so.
    pub value: String,
}

/// Lines of facts, the server first; nothing is said of what is not known.
#[must_use]
pub fn lines(voice: &Voice, facts: &HostFacts) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.extend(unit(voice, &facts.unit));
    lines.extend(config(voice, facts));
    lines.extend(listening(voice, facts));
    lines.extend(facts.sites.iter().map(|inside| site(voice, inside)));
    lines.extend(beside(voice, facts));
    lines.extend(room(voice, key!(Facts, "label.disk"), &facts.disk));
    lines.extend(room(voice, key!(Facts, "label.inodes"), &facts.inodes));
    lines.extend(memory(voice, facts));
    lines.extend(processes(voice, facts));
    lines.extend(machine(voice, facts));
    lines.extend(others(voice, facts));
    lines
}

/// Lines of what the look could not see, and what that means; `urls` are the host's sites without credentials.
#[must_use]
pub fn unseen(voice: &Voice, facts: &HostFacts, urls: &[String]) -> Vec<Line> {
    let line = |value| Line {
        label: voice.word(key!(Facts, "label.unseen")),
        value,
    };
    let unseen = facts.unseen(urls);
    unseen.iter().map(|one| line(missed(voice, one))).collect()
}

fn missed(voice: &Voice, unseen: &Unseen) -> String {
    voice.word(match unseen {
        Unseen::Unit => key!(Facts, "unseen.unit"),
        Unseen::Processes => key!(Facts, "unseen.processes"),
        Unseen::Listeners => key!(Facts, "unseen.listeners"),
        Unseen::ConfigTest => key!(Facts, "unseen.config_test"),
        Unseen::ConfigTestClosed => key!(Facts, "unseen.config_test_closed"),
        Unseen::Disk => key!(Facts, "unseen.disk"),
        Unseen::Memory => key!(Facts, "unseen.memory"),
        Unseen::ProcessTable => key!(Facts, "unseen.process_table"),
        Unseen::Sites { urls, why } => return not_asked(voice, urls, *why),
    })
}

fn not_asked(voice: &Voice, urls: &[String], why: Unasked) -> String {
    let urls = urls.join(" ");
    let key = match why {
        Unasked::NoSites => key!(Facts, "unasked.no_sites"),
        Unasked::Untold => key!(Facts, "unasked.untold"),
        Unasked::NoProgram => key!(Facts, "unasked.no_program"),
        Unasked::NoTls => key!(Facts, "unasked.no_tls"),
        Unasked::NotListed => key!(Facts, "unasked.not_listed"),
        Unasked::NotTaken => key!(Facts, "unasked.not_taken"),
    };
    let why = voice.say(key, context! { urls => &urls });
    voice.say(key!(Facts, "unseen.sites"), context! { urls, why })
}

fn seconds(voice: &Voice, seconds: u64) -> String {
    voice.span(Duration::from_secs(seconds))
}

/// Parts that are there, as a list; `None` where there is none.
fn joined(
    voice: &Voice,
    label: Key,
    parts: impl IntoIterator<Item = Option<String>>,
) -> Option<Line> {
    let list =
        |before: String, then: String| voice.say(key!(Facts, "list"), context! { before, then });
    let value = parts.into_iter().flatten().reduce(list)?;
    Some(Line {
        label: voice.word(label),
        value,
    })
}

fn unit(voice: &Voice, unit: &UnitFacts) -> Option<Line> {
    let say = |key: Key, values: Value| Some(voice.say(key, values));
    let state = unit.active.as_deref();
    let state = state.map(|active| self::state(voice, active, unit.sub.as_deref()));
    let changed = match unit.active.as_deref() {
        Some("active") => key!(Facts, "changed.running"),
        Some("inactive" | "failed") => key!(Facts, "changed.stopped"),
        _ => key!(Facts, "changed"),
    };
    let result = unit.result.as_deref().filter(|result| *result != "success");
    let result = result.and_then(|result| {
        let code = unit.exit_code.filter(|code| *code != 0);
        say(key!(Facts, "result"), context! { result, code })
    });
    let restarts = unit.restarts.filter(|count| *count > 0);
    joined(
        voice,
        key!(Facts, "label.unit"),
        [
            unit.name.clone(),
            state,
            result,
            unit.enabled.as_deref().map(|word| enabled(voice, word)),
            unit.job
                .as_deref()
                .and_then(|job| say(key!(Facts, "job"), context! { job })),
            unit.changed_s
                .and_then(|ago| say(changed, context! { span => seconds(voice, ago) })),
            unit.processes
                .and_then(|n| say(key!(Facts, "unit_processes"), context! { n })),
            restarts.and_then(|n| say(key!(Facts, "unit_restarts"), context! { n })),
        ],
    )
}

/// The state of a unit, with its own word where that is to be searched for.
fn state(voice: &Voice, active: &str, sub: Option<&str>) -> String {
    let sub = sub.filter(|sub| *sub != active);
    let key = match active {
        "active" => key!(Facts, "state.active"),
        "inactive" => key!(Facts, "state.inactive"),
        "failed" => key!(Facts, "state.failed"),
        _ => key!(Facts, "state"),
    };
    voice.say(key, context! { active, sub })
}

/// Whether a unit is started with the machine.
fn enabled(voice: &Voice, word: &str) -> String {
    let key = match word {
        "enabled" => key!(Facts, "enabled.yes"),
        "disabled" => key!(Facts, "enabled.no"),
        _ => key!(Facts, "enabled"),
    };
    voice.say(key, context! { enabled => word })
}

fn config(voice: &Voice, facts: &HostFacts) -> Option<Line> {
    let said = match facts.config_test? {
        ConfigTest::Ok => voice.word(key!(Facts, "config.ok")),
        ConfigTest::Failed => {
            let says = facts.config_test_says.as_deref();
            voice.say(key!(Facts, "config.failed"), context! { says })
        }
        ConfigTest::Unavailable => voice.word(key!(Facts, "config.unavailable")),
    };
    joined(voice, key!(Facts, "label.config"), [Some(said)])
}

fn listening(voice: &Voice, facts: &HostFacts) -> Option<Line> {
    let port = |port: u16, who: &Option<String>| {
        who.as_deref().map(|who| {
            let key = match who {
                "none" => key!(Facts, "port.none"),
                "yes" => key!(Facts, "port.somebody"),
                _ => key!(Facts, "port.name"),
            };
            voice.say(key, context! { port, name => who })
        })
    };
    joined(
        voice,
        key!(Facts, "label.listening"),
        [port(80, &facts.listen_80), port(443, &facts.listen_443)],
    )
}

fn site(voice: &Voice, site: &Inside) -> Line {
    let (key, status) = match site.answer {
        InsideAnswer::Status(status) => (key!(Facts, "answer.status"), Some(status)),
        InsideAnswer::Refused => (key!(Facts, "answer.refused"), None),
        InsideAnswer::Timeout => (key!(Facts, "answer.timeout"), None),
        InsideAnswer::Reset => (key!(Facts, "answer.reset"), None),
        InsideAnswer::Tls => (key!(Facts, "answer.tls"), None),
        InsideAnswer::Error => (key!(Facts, "answer.error"), None),
    };
    let mut value = voice.say(key, context! { url => site.url.as_str(), status });
    if let Some(InsideAnswer::Status(status)) = site.browser.filter(|_| site.answers_browsers()) {
        let then = voice.say(key!(Facts, "answer.browsers"), context! { status });
        value = voice.say(key!(Facts, "list"), context! { before => value, then });
    }
    Line {
        label: voice.word(key!(Facts, "label.site")),
        value,
    }
}

fn beside(voice: &Voice, facts: &HostFacts) -> Option<Line> {
    let service = |service: &Service| {
        let unit = service.unit.as_ref()?;
        let active = service.active.as_deref()?;
        Some(format!("{unit} {}", state(voice, active, None)))
    };
    let services = [service(&facts.php), service(&facts.db)];
    joined(voice, key!(Facts, "label.beside"), services)
}

fn room(voice: &Voice, label: Key, room: &Room) -> Option<Line> {
    let share = room.free_pct?;
    let values = context! { share, megabytes => room.free_mb, path => room.path.as_deref() };
    joined(voice, label, [Some(voice.say(key!(Facts, "room"), values))])
}

fn memory(voice: &Voice, facts: &HostFacts) -> Option<Line> {
    let share = |key: Key, share: u64| voice.say(key, context! { share });
    let available = facts.memory_available_pct.map(|share| {
        let total = facts.memory_total_mb;
        voice.say(key!(Facts, "available"), context! { share, total })
    });
    let killed = facts.oom_kills.filter(|kills| *kills > 0).map(|n| {
        let ago = facts.oom_last_s.map(|ago| seconds(voice, ago));
        voice.say(key!(Facts, "killed"), context! { n, ago })
    });
    let pressure = facts.pressure_memory_full.filter(|share| *share > 0);
    joined(
        voice,
        key!(Facts, "label.memory"),
        [
            available,
            facts
                .swap_free_pct
                .map(|free| share(key!(Facts, "swap"), free.into())),
            pressure.map(|lost| share(key!(Facts, "pressure"), lost.into())),
            killed,
        ],
    )
}

fn processes(voice: &Voice, facts: &HostFacts) -> Option<Line> {
    let files = facts.files_free_pct.filter(|share| *share < 50);
    joined(
        voice,
        key!(Facts, "label.processes"),
        [
            facts.processes.map(|count| count.to_string()),
            facts
                .processes_free_pct
                .map(|share| voice.say(key!(Facts, "process_room"), context! { share })),
            files.map(|share| voice.say(key!(Facts, "file_room"), context! { share })),
        ],
    )
}

fn machine(voice: &Voice, facts: &HostFacts) -> Option<Line> {
    joined(
        voice,
        key!(Facts, "label.machine"),
        [
            facts.uptime_s.map(|up| {
                let span = seconds(voice, up);
                voice.say(key!(Facts, "uptime"), context! { span })
            }),
            facts.load_per_cpu_pct.map(|share| {
                let cpus = facts.cpus;
                voice.say(key!(Facts, "load"), context! { share, cpus })
            }),
            facts.systemd.as_deref().map(|state| {
                let key = match state {
                    "running" => key!(Facts, "systemd.running"),
                    "degraded" => key!(Facts, "systemd.degraded"),
                    _ => key!(Facts, "systemd"),
                };
                voice.say(key, context! { state })
            }),
            facts.kusanagi.clone(),
        ],
    )
}

fn others(voice: &Voice, facts: &HostFacts) -> Option<Line> {
    let monit = facts.monit.as_deref().map(|state| {
        let ago = facts.monit_acted_s.map(|ago| seconds(voice, ago));
        voice.say(key!(Facts, "monit"), context! { state, ago })
    });
    let restarting = facts.monit_restarting;
    let people = facts.logged_in.filter(|people| *people > 0);
    let counted = facts.restarts_in_window.zip(facts.limit_restarts);
    joined(
        voice,
        key!(Facts, "label.others"),
        [
            monit,
            restarting.then(|| voice.word(key!(Facts, "restarting"))),
            facts.package_manager.clone(),
            people.map(|n| voice.say(key!(Facts, "logged_in"), context! { n })),
            counted.map(|(n, of)| {
                let per = facts.limit_window_s.map(|window| seconds(voice, window));
                voice.say(key!(Facts, "agent"), context! { n, of, per })
            }),
        ],
    )
}
