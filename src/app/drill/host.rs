//! The links of one host: its key, the login, what the key may do, sudo, the look, the configuration test, the guards, and how old the
//! proofs are that were had before.

use std::sync::Arc;
use std::time::Duration;

use minijinja::context;

use crate::adapters::ssh::SshRecoverer;
use crate::model::{
    ConfigTest, Diagnosis, Drills, Fleet, Host, HostFacts, Profile, Reason, RecoveryOutcome, Rung,
    Timestamp,
};
use crate::policy;
use crate::ports::Recoverer as _;
use crate::render::words::{Voice, key};
use crate::render::{ailment, explain, facts};

use super::chain;
use super::sheet::Sheet;

/// What no host is told to do.
const FOREIGN: &str = "echo probe-drill-asks";

/// What comes back where any command is run.
const ECHO: &str = "probe-drill-asks";

/// For so long a proof is fresh; configurations, keys and packages change meanwhile.
const FRESH: Duration = Duration::from_secs(30 * 86_400);

/// Looks at a host; whether it went well, and whether a restart would be held by what it says.
pub(super) async fn walk(
    sheet: &mut Sheet<'_>,
    recoverer: &SshRecoverer,
    host: &Arc<Host>,
    sites: &[Arc<Profile>],
    now: Timestamp,
) -> (bool, bool) {
    let (voice, name) = (sheet.voice(), host.name.as_str());
    let (urls, shown) = chain::named(sites);
    let diagnosis = recoverer.diagnose(Arc::clone(host), urls).await;
    if let Diagnosis::NotIn { reason, .. } = &diagnosis {
        let reason = explain::reason(voice, reason);
        sheet.ill(key!(Drill, "not_in"), context! { host => name, reason });
        return (false, true);
    }
    sheet.well(key!(Drill, "host.key"), context! { host => name });
    let destination = &host.ssh;
    sheet.well(
        key!(Drill, "host.login"),
        context! { host => name, destination },
    );
    let facts = match &diagnosis {
        Diagnosis::Facts(facts) => facts,
        Diagnosis::Stuck { reason } => {
            let reason = explain::reason(voice, reason);
            sheet.ill(key!(Drill, "stuck"), context! { host => name, reason });
            return (false, true);
        }
        Diagnosis::Unreadable { reason } | Diagnosis::NotIn { reason, .. } => {
            let reason = explain::reason(voice, reason);
            sheet.ill(key!(Drill, "unreadable"), context! { host => name, reason });
            return (false, true);
        }
    };
    may(sheet, recoverer, host).await;
    let command = host.restart.rung(1).to_string();
    sheet.well(key!(Drill, "looked"), context! { host => name, command });
    let lines = facts::lines(voice, facts).into_iter();
    let lines = lines.chain(facts::unseen(voice, facts, &shown));
    sheet.beside(lines.map(|line| format!("{}: {}", line.label, line.value)));
    let broken = tested(sheet, host, facts);
    let forbidden = policy::forbids(host, facts, now);
    match &forbidden {
        None => sheet.well(key!(Drill, "guards.well"), context! { host => name }),
        Some((found, because)) => {
            let ailment = ailment::phrase(voice, *found);
            let because = because.join(", ");
            sheet.doubt(
                key!(Drill, "guards.ill"),
                context! { host => name, ailment, because },
            );
        }
    }
    (true, broken || forbidden.is_some())
}

/// The web server's own configuration; whether it is broken.
fn tested(sheet: &mut Sheet<'_>, host: &Host, facts: &HostFacts) -> bool {
    let host = host.name.as_str();
    match &facts.config_test {
        Some(ConfigTest::Ok) => sheet.well(key!(Drill, "config.well"), context! { host }),
        Some(ConfigTest::Failed) => {
            let said = facts.config_test_says.as_deref();
            sheet.ill(key!(Drill, "config.ill"), context! { host, said });
            return true;
        }
        Some(ConfigTest::Unavailable) | None => {
            sheet.remark(key!(Drill, "config.unknown"), context! { host })
        }
    }
    false
}

/// What the key may do, and what sudo lets its account do.
async fn may(sheet: &mut Sheet<'_>, recoverer: &SshRecoverer, host: &Arc<Host>) {
    let name = host.name.as_str();
    let foreign = recoverer.ask(host, FOREIGN).await;
    let open = foreign.said.lines().any(|line| line.trim() == ECHO);
    let with = context! { host => name };
    match (open, host.agent) {
        (true, true) => sheet.doubt(key!(Drill, "key.agent_open"), with),
        (true, false) => sheet.remark(key!(Drill, "key.open"), with),
        (false, _) if foreign.exit_status.is_none() => {
            let reason = foreign.reason.unwrap_or(Reason::LookFailed);
            let reason = explain::reason(sheet.voice(), &reason);
            sheet.doubt(
                key!(Drill, "key.unclear"),
                context! { host => name, reason },
            );
        }
        (false, true) => sheet.well(key!(Drill, "key.agent"), with),
        (false, false) => sheet.well(key!(Drill, "key.bound"), with),
    }
    if host.agent || !open {
        return;
    }
    for rung in &host.restart.commands {
        let Rung::Remote(command) = rung else {
            continue;
        };
        match by_sudo(command) {
            Sudo::Not => {}
            Sudo::Unclear => sheet.remark(
                key!(Drill, "sudo.unasked"),
                context! { host => name, command },
            ),
            Sudo::Runs(command) => {
                let asked = recoverer.ask(host, &format!("sudo -n -l {command}")).await;
                if asked.outcome == RecoveryOutcome::Succeeded {
                    sheet.well(key!(Drill, "sudo.well"), context! { host => name, command });
                } else {
                    let user = host.ssh.rsplit_once('@').map_or("probe", |(user, _)| user);
                    let user = user.trim_start_matches("ssh://");
                    let reason = asked.reason.as_ref();
                    let said = reason.map(|reason| explain::reason(sheet.voice(), reason));
                    sheet.ill(
                        key!(Drill, "sudo.ill"),
                        context! { host => name, command, user, said },
                    );
                }
            }
        }
    }
}

/// What a command runs by sudo.
enum Sudo {
    /// Nothing.
    Not,
    /// This.
    Runs(String),
    /// More than one command, so what is asked is not what is run.
    Unclear,
}

fn by_sudo(command: &str) -> Sudo {
    let mut words = command.split_whitespace().peekable();
    let is_sudo = |word: &str| word == "sudo" || word.ends_with("/sudo");
    if !words.peek().copied().is_some_and(is_sudo) {
        let within = command.split_whitespace().any(is_sudo);
        return if within { Sudo::Unclear } else { Sudo::Not };
    }
    let shell = [
        ';', '|', '&', '<', '>', '$', '`', '(', ')', '\'', '"', '\\', '*', '?',
    ];
    if command.contains(shell) {
        return Sudo::Unclear;
    }
    let _ = words.next();
    while words
        .next_if(|word| *word == "-n" || *word == "--")
        .is_some()
    {}
    let rest: Vec<&str> = words.collect();
    match rest.first() {
        // Further options, as `-u`: another account than root is asked for.
        Some(first) if !first.starts_with('-') && !first.contains('=') => {
            Sudo::Runs(rest.join(" "))
        }
        Some(_) | None => Sudo::Unclear,
    }
}

/// How old the proofs of a host are, the drill before this one among them.
pub(super) fn proofs(
    sheet: &mut Sheet<'_>,
    host: &Host,
    fleet: &Fleet,
    drills: &Drills,
    now: Timestamp,
) {
    let (voice, name) = (sheet.voice(), host.name.as_str());
    match drills.hosts.get(name).map(|drill| drill.succeeded) {
        Some(Some(at)) if now.since(at) < FRESH => {}
        Some(Some(at)) => {
            let (when, ago) = dated(voice, at, now);
            sheet.remark(
                key!(Drill, "drilled.old"),
                context! { host => name, when, ago },
            );
        }
        Some(None) | None => {
            sheet.remark(key!(Drill, "drilled.never"), context! { host => name });
        }
    }
    let last = fleet.hosts.iter().find(|(one, _)| **one == host.name);
    let last = last.and_then(|(_, track)| track.last.as_ref());
    let worked = last.filter(|attempt| {
        let report = attempt.report.as_ref();
        report.is_some_and(|report| report.outcome == RecoveryOutcome::Succeeded)
    });
    let Some(at) = worked.map(|attempt| fleet.wall(attempt.began)) else {
        sheet.remark(key!(Drill, "proof.never"), context! { host => name });
        return;
    };
    let (when, ago) = dated(voice, at, now);
    let with = context! { host => name, when, ago };
    if now.since(at) < FRESH {
        sheet.well(key!(Drill, "proof.fresh"), with);
    } else {
        sheet.remark(key!(Drill, "proof.old"), with);
    }
}

/// How old the proof of mail is.
pub(super) fn mail(sheet: &mut Sheet<'_>, drills: &Drills, now: Timestamp) {
    let voice = sheet.voice();
    let Some(drill) = drills.mail else {
        sheet.remark(key!(Drill, "mail.never"), context! {});
        return;
    };
    let (when, _) = dated(voice, drill.at, now);
    if !drill.well {
        sheet.doubt(key!(Drill, "mail.failed"), context! { when });
    } else if now.since(drill.at) < FRESH {
        sheet.well(key!(Drill, "mail.fresh"), context! { when });
    } else {
        let (when, ago) = dated(voice, drill.at, now);
        sheet.remark(key!(Drill, "mail.old"), context! { when, ago });
    }
}

fn dated(voice: &Voice, at: Timestamp, now: Timestamp) -> (String, String) {
    (voice.day_clock(at), voice.span(now.since(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sudo_is_asked_for() {
        for (command, asked) in [
            ("sudo -n kusanagi restart", Some("kusanagi restart")),
            (
                "/usr/bin/sudo -n -- systemctl restart nginx",
                Some("systemctl restart nginx"),
            ),
            ("sudo -u www-data -n true", None),
            ("sudo -n a && sudo -n b", None),
            ("cd /x; sudo -n a", None),
            ("sudo -n", None),
        ] {
            match (by_sudo(command), asked) {
                (Sudo::Runs(found), Some(asked)) => assert_eq!(found, asked, "{command}"),
                (Sudo::Unclear, None) => {}
                _ => panic!("{command}"),
            }
        }
        assert!(matches!(by_sudo("kusanagi restart"), Sudo::Not));
    }
}
