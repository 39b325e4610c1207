//! When each row of the table fits, and the facts (`key=value`) by which it fits. A missing fact makes no row fit.

use std::time::Duration;

use super::Symptoms;
use crate::model::{Cause, ConfigTest, HostFacts, Inside, InsideAnswer, Room, Timestamp, limits};

/// `key=value` of a fact, if it is known.
fn told<T: ToString>(key: &str, value: Option<&T>) -> Option<String> {
    value.map(|value| format!("{key}={}", value.to_string()))
}

fn all<const N: usize>(facts: [Option<String>; N]) -> Vec<String> {
    facts.into_iter().flatten().collect()
}

fn is(value: Option<&String>, words: &[&str]) -> bool {
    value.is_some_and(|value| words.contains(&value.as_str()))
}

fn below(key: &str, free: Option<u8>, least: u8) -> Option<String> {
    let free = free.filter(|free| *free < least)?;
    Some(format!("{key}={free}"))
}

pub(in crate::policy) fn booting(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let young = facts
        .uptime_s
        .is_some_and(|up| Duration::from_secs(up) < limits::BOOT_WINDOW);
    let changing = is(
        facts.systemd.as_ref(),
        &["initializing", "starting", "stopping"],
    );
    (young || changing).then(|| {
        all([
            told("uptime_s", facts.uptime_s.as_ref()),
            told("systemd", facts.systemd.as_ref()),
        ])
    })
}

pub(in crate::policy) fn packages(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let name = symptoms.facts.package_manager.as_ref()?;
    Some(vec![format!("package_manager={name}")])
}

/// Until when Monit is left to make the first restart: it watches for errors, and the site has failed with them for a
/// short time.
pub(in crate::policy) fn monit_turn(symptoms: &Symptoms<'_>) -> Option<Timestamp> {
    let monit = is(symptoms.facts.monit.as_ref(), &["active"]);
    let its_turn =
        monit && symptoms.cause == Cause::ServerError && symptoms.failing < limits::OTHER_HEALER;
    its_turn.then(|| symptoms.seen + (limits::OTHER_HEALER - symptoms.failing))
}

pub(in crate::policy) fn restarted(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let unit = &facts.unit;
    let moving = unit.job.is_some()
        || is(
            unit.active.as_ref(),
            &["activating", "reloading", "deactivating"],
        )
        || facts.monit_restarting;
    let lately = facts
        .monit_acted_s
        .is_some_and(|ago| Duration::from_secs(ago) < limits::OTHER_HEALER);
    (moving || lately || monit_turn(symptoms).is_some()).then(|| {
        all([
            told("web_active", unit.active.as_ref()),
            told("web_job", unit.job.as_ref()),
            told("monit", facts.monit.as_ref()),
            facts
                .monit_restarting
                .then(|| "monit_restarting=1".to_owned()),
            told("monit_acted_s", facts.monit_acted_s.as_ref()),
        ])
    })
}

fn room(key: &str, room: &Room, least: u8) -> Option<Vec<String>> {
    let free = below(&format!("{key}_free_pct"), room.free_pct, least)?;
    let path = told(&format!("{key}_path"), room.path.as_ref());
    let megabytes = told(&format!("{key}_free_mb"), room.free_mb.as_ref());
    Some(all([Some(free), megabytes, path]))
}

pub(in crate::policy) fn disk(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    room("disk", &symptoms.facts.disk, symptoms.guards.disk_free)
}

pub(in crate::policy) fn inodes(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    room(
        "inodes",
        &symptoms.facts.inodes,
        symptoms.guards.inodes_free,
    )
}

pub(in crate::policy) fn memory(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let short = below(
        "memory_available_pct",
        facts.memory_available_pct,
        symptoms.guards.memory_available,
    );
    let waits = facts
        .pressure_memory_full
        .filter(|share| *share >= limits::MEMORY_PRESSURE)
        .map(|share| format!("pressure_memory_full={share}"));
    (short.is_some() || waits.is_some()).then(|| {
        let swap = told("swap_free_pct", facts.swap_free_pct.as_ref());
        all([short, waits, swap])
    })
}

pub(in crate::policy) fn processes(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let least = limits::PROCESSES_FREE;
    let processes = below("processes_free_pct", facts.processes_free_pct, least);
    let files = below("files_free_pct", facts.files_free_pct, least);
    (processes.is_some() || files.is_some()).then(|| {
        let count = told("processes", facts.processes.as_ref());
        all([processes, count, files])
    })
}

pub(in crate::policy) fn agent(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let (spent, of) = (facts.restarts_in_window?, facts.limit_restarts?);
    (spent >= of).then(|| {
        all([
            Some(format!("restarts_in_window={spent}")),
            Some(format!("limit_restarts={of}")),
            told("limit_window_s", facts.limit_window_s.as_ref()),
        ])
    })
}

/// Whether the unit is known not to run.
fn is_stopped(facts: &HostFacts) -> bool {
    is(facts.unit.active.as_ref(), &["inactive", "failed"])
}

fn runs(facts: &HostFacts) -> bool {
    is(facts.unit.active.as_ref(), &["active"])
}

/// Unit and state, for every row about the server.
fn server(facts: &HostFacts) -> [Option<String>; 5] {
    let unit = &facts.unit;
    [
        told("web_unit", unit.name.as_ref()),
        told("web_active", unit.active.as_ref()),
        told("web_enabled", unit.enabled.as_ref()),
        told("web_result", unit.result.as_ref()),
        told("web_exit_code", unit.exit_code.as_ref()),
    ]
}

pub(in crate::policy) fn disabled(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let unit = &facts.unit;
    let masked = is(unit.enabled.as_ref(), &["masked", "masked-runtime"])
        || is(unit.load.as_ref(), &["masked"]);
    let disabled = is(unit.enabled.as_ref(), &["disabled"]) && is_stopped(facts);
    (masked || disabled).then(|| all(server(facts)))
}

pub(in crate::policy) fn config(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let broken = symptoms.guards.config_test && facts.config_test == Some(ConfigTest::Failed);
    broken.then(|| {
        all([
            Some("config_test=failed".to_owned()),
            told("config_test_says", facts.config_test_says.as_ref()),
        ])
    })
}

pub(in crate::policy) fn start_limit(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let limited = is(
        facts.unit.result.as_ref(),
        &["start-limit-hit", "start-limit"],
    );
    let lately = facts
        .unit
        .changed_s
        .is_none_or(|ago| Duration::from_secs(ago) < limits::START_LIMIT);
    (limited && lately).then(|| all(server(facts)))
}

pub(in crate::policy) fn port(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let taken = |listener: Option<&String>| listener.is_some_and(|name| name != "none");
    let taken = taken(facts.listen_80.as_ref()) || taken(facts.listen_443.as_ref());
    (is_stopped(facts) && taken).then(|| {
        all([
            told("web_active", facts.unit.active.as_ref()),
            told("listen_80", facts.listen_80.as_ref()),
            told("listen_443", facts.listen_443.as_ref()),
        ])
    })
}

/// What the sites that fail answer on the host itself.
fn inside<'a>(symptoms: &'a Symptoms<'_>) -> impl Iterator<Item = &'a Inside> {
    let sites = symptoms.facts.sites.iter();
    sites.filter(|site| symptoms.urls.contains(&site.url))
}

/// The answer of a site: if it works for visitors but not for us, the answer that visitors get.
fn answer(site: &Inside) -> InsideAnswer {
    site.browser
        .filter(|_| site.answers_browsers())
        .unwrap_or(site.answer)
}

/// The answers of the sites that fit; `None` if no site fits, or with `all` if one does not.
fn answers(
    symptoms: &Symptoms<'_>,
    all: bool,
    fits: fn(InsideAnswer) -> bool,
) -> Option<Vec<String>> {
    let count = inside(symptoms).filter(|site| fits(answer(site))).count();
    let enough = if all { inside(symptoms).count() } else { 1 };
    (count > 0 && count >= enough).then(|| {
        let fitting = inside(symptoms).filter(|site| fits(answer(site)));
        fitting
            .map(|site| format!("inside={} {}", shown(site.answer), site.url))
            .collect()
    })
}

fn shown(answer: InsideAnswer) -> String {
    match answer {
        InsideAnswer::Status(status) => status.to_string(),
        InsideAnswer::Refused => "refused".to_owned(),
        InsideAnswer::Timeout => "timeout".to_owned(),
        InsideAnswer::Reset => "reset".to_owned(),
        InsideAnswer::Tls => "tls".to_owned(),
        InsideAnswer::Error => "error".to_owned(),
    }
}

pub(in crate::policy) fn between(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let against_us = inside(symptoms).any(Inside::answers_browsers);
    answers(symptoms, true, InsideAnswer::is_well).filter(|_| !against_us)
}

/// Fits if all sites work for visitors, and some do not work for us.
pub(in crate::policy) fn browsers(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    answers(symptoms, true, InsideAnswer::is_well)?;
    let against_us = inside(symptoms).filter(|site| site.answers_browsers());
    let said: Vec<String> = against_us
        .flat_map(|site| {
            let browser = site.browser.map(shown).unwrap_or_default();
            [
                format!("inside={} {}", shown(site.answer), site.url),
                format!("browser={browser} {}", site.url),
            ]
        })
        .collect();
    (!said.is_empty()).then_some(said)
}

pub(in crate::policy) fn others(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let serves = symptoms.serves_others && symptoms.cause.server_gone() && runs(facts);
    serves.then(|| all(server(facts)))
}

pub(in crate::policy) fn database(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let db = &symptoms.facts.db;
    let error = symptoms.cause == Cause::ServerError || symptoms.cause == Cause::ResponseTimeout;
    let named = |name: &str| symptoms.command.contains(name);
    let covered = db.unit.as_deref().is_some_and(named)
        || ["mariadb", "mysql", "postgres", "reboot"]
            .into_iter()
            .any(named);
    (error && db.is_down() && !covered).then(|| {
        all([
            told("db_unit", db.unit.as_ref()),
            told("db_active", db.active.as_ref()),
        ])
    })
}

pub(in crate::policy) fn oom(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let killed = is(facts.unit.result.as_ref(), &["oom-kill"]) && is_stopped(facts);
    killed.then(|| all(server(facts)))
}

pub(in crate::policy) fn stopped(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let facts = symptoms.facts;
    let gone =
        is_stopped(facts) || (facts.unit.active.is_none() && facts.unit.processes == Some(0));
    gone.then(|| all(server(facts)))
}

pub(in crate::policy) fn php(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let php = &symptoms.facts.php;
    (php.is_down() && !symptoms.cause.server_gone()).then(|| {
        all([
            told("php_unit", php.unit.as_ref()),
            told("php_active", php.active.as_ref()),
        ])
    })
}

pub(in crate::policy) fn hung(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    answers(symptoms, false, InsideAnswer::is_silent)
}

pub(in crate::policy) fn application(symptoms: &Symptoms<'_>) -> Option<Vec<String>> {
    let error = symptoms.cause == Cause::ServerError;
    answers(symptoms, false, InsideAnswer::is_error)
        .or_else(|| (error && runs(symptoms.facts)).then(|| all(server(symptoms.facts))))
}
