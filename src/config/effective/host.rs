//! A host as YAML: how it is reached, what must be left on it, how it is restarted.

use super::{Map, file, span, text, texts, word};
use crate::config::keys;
use crate::config::yaml::Out;
use crate::model::{Guards, Host, Mode, Restart, Rung, When};

pub(super) fn host_tree(host: &Host) -> Out {
    Map::of(keys::HOST)
        .with("ssh", text(&host.ssh))
        .maybe("operator_ssh", host.operator_ssh.as_deref().map(text))
        .maybe("identity_file", host.identity_file.as_deref().map(file))
        .maybe(
            "known_hosts_file",
            host.known_hosts_file.as_deref().map(file),
        )
        .maybe("agent", host.agent.then_some(Out::Bool(true)))
        .with("diagnose", Out::Bool(host.diagnose))
        .maybe("guards", host.diagnose.then(|| guards_tree(&host.guards)))
        .with("restart", restart_tree(&host.restart, host.agent))
        .out()
}

fn guards_tree(guards: &Guards) -> Out {
    let share = |share: u8| word(format!("{share}%"));
    Map::of(keys::GUARDS)
        .with("disk_free", share(guards.disk_free))
        .with("inodes_free", share(guards.inodes_free))
        .with("memory_available", share(guards.memory_available))
        .with("config_test", Out::Bool(guards.config_test))
        .out()
}

fn rung_tree(rung: &Rung) -> Out {
    match rung {
        Rung::Remote(command) => text(command),
        Rung::Local(words) => Map::of(keys::RUNG).with("command", texts(words)).out(),
    }
}

fn restart_tree(restart: &Restart, agent: bool) -> Out {
    let backoff = Map::of(keys::BACKOFF)
        .with("initial", span(restart.backoff.initial))
        .with("factor", Out::Float(restart.backoff.factor))
        .with("max", span(restart.backoff.max));
    let budget = Map::of(keys::BUDGET)
        .with("restarts", Out::Int(restart.budget.restarts.into()))
        .with("per", span(restart.budget.per));
    let causes = restart.causes.iter().map(|cause| word(cause.word()));
    let when = match restart.when {
        When::Auto => word("auto"),
        When::Any => word("any"),
        When::All => word("all"),
        When::Count(count) => Out::Int(count.into()),
        When::Percent(share) => word(format!("{share}%")),
    };
    Map::of(keys::RESTART)
        .maybe(
            "commands",
            (!agent).then(|| Out::List(restart.commands.iter().map(rung_tree).collect())),
        )
        .with("allow_reboot", Out::Bool(restart.allow_reboot))
        .with("timeout", span(restart.timeout))
        .with("settle", span(restart.settle))
        .with("backoff", backoff.out())
        .with("budget", budget.out())
        .with("give_up_after", Out::Int(restart.give_up_after.into()))
        .with("causes", Out::List(causes.collect()))
        .with(
            "mode",
            word(match restart.mode {
                Mode::Auto => "auto",
                Mode::Ask => "ask",
            }),
        )
        .with("when", when)
        .out()
}
