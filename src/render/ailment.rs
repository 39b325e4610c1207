//! What a look at a host found, in sentences: why it speaks against a restart, and what a person can do. They stand in
//! `words/*/ailments.txt`.

use minijinja::context;

use super::words::{Key, Voice, key};
use crate::model::Ailment;

/// In a few words, for subjects and table cells.
#[must_use]
pub fn phrase(voice: &Voice, ailment: Ailment) -> String {
    voice.word(keys(ailment).1)
}

/// What it means for `host`, and what a person can do.
#[must_use]
pub fn sentence(voice: &Voice, ailment: Ailment, host: &str) -> String {
    voice.say(keys(ailment).0, context! { host })
}

const fn keys(ailment: Ailment) -> (Key, Key) {
    match ailment {
        Ailment::HostBooting => (
            key!(Ailments, "host_booting"),
            key!(Ailments, "host_booting.short"),
        ),
        Ailment::PackageManager => (
            key!(Ailments, "package_manager"),
            key!(Ailments, "package_manager.short"),
        ),
        Ailment::BeingRestarted => (
            key!(Ailments, "being_restarted"),
            key!(Ailments, "being_restarted.short"),
        ),
        Ailment::DiskFull => (
            key!(Ailments, "disk_full"),
            key!(Ailments, "disk_full.short"),
        ),
        Ailment::InodesFull => (
            key!(Ailments, "inodes_full"),
            key!(Ailments, "inodes_full.short"),
        ),
        Ailment::MemoryShort => (
            key!(Ailments, "memory_short"),
            key!(Ailments, "memory_short.short"),
        ),
        Ailment::ProcessesFull => (
            key!(Ailments, "processes_full"),
            key!(Ailments, "processes_full.short"),
        ),
        Ailment::AgentBudget => (
            key!(Ailments, "agent_budget"),
            key!(Ailments, "agent_budget.short"),
        ),
        Ailment::Disabled => (key!(Ailments, "disabled"), key!(Ailments, "disabled.short")),
        Ailment::ConfigBroken => (
            key!(Ailments, "config_broken"),
            key!(Ailments, "config_broken.short"),
        ),
        Ailment::StartLimit => (
            key!(Ailments, "start_limit"),
            key!(Ailments, "start_limit.short"),
        ),
        Ailment::PortTaken => (
            key!(Ailments, "port_taken"),
            key!(Ailments, "port_taken.short"),
        ),
        Ailment::BetweenUs => (
            key!(Ailments, "between_us"),
            key!(Ailments, "between_us.short"),
        ),
        Ailment::AnswersBrowsers => (
            key!(Ailments, "answers_browsers"),
            key!(Ailments, "answers_browsers.short"),
        ),
        Ailment::ServesOthers => (
            key!(Ailments, "serves_others"),
            key!(Ailments, "serves_others.short"),
        ),
        Ailment::DatabaseDown => (
            key!(Ailments, "database_down"),
            key!(Ailments, "database_down.short"),
        ),
        Ailment::OomKilled => (
            key!(Ailments, "oom_killed"),
            key!(Ailments, "oom_killed.short"),
        ),
        Ailment::Stopped => (key!(Ailments, "stopped"), key!(Ailments, "stopped.short")),
        Ailment::Hung => (key!(Ailments, "hung"), key!(Ailments, "hung.short")),
        Ailment::PhpDown => (key!(Ailments, "php_down"), key!(Ailments, "php_down.short")),
        Ailment::ApplicationError => (
            key!(Ailments, "application_error"),
            key!(Ailments, "application_error.short"),
        ),
        Ailment::Unclear => (key!(Ailments, "unclear"), key!(Ailments, "unclear.short")),
    }
}
