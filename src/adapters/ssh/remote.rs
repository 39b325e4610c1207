//! What the end of a remote command tells besides its exit status, and what a person can do about it.
//!
//! sudo's messages are those of the C locale, recognised by their stable parts.

use super::verdict::Verdict;
use crate::model::{Reason, RecoveryOutcome};

/// Whether a command is an order to the agent on the host.
pub(super) fn is_agents(command: &str) -> bool {
    command.contains("probe-agent")
}

/// Whether the server rejected its own configuration: the agent says so by its exit status, nginx and Apache in
/// messages that every restart command prints.
pub(super) fn config_broken(verdict: &Verdict, output: &str) -> bool {
    const WORDS: [&str; 5] = [
        "configuration file test failed",
        "nginx: [emerg]",
        "AH00526: Syntax error",
        "Invalid command '",
        "configtest failed",
    ];
    match verdict.outcome {
        RecoveryOutcome::Declined => verdict.exit_status == Some(73),
        RecoveryOutcome::Succeeded
        | RecoveryOutcome::Failed
        | RecoveryOutcome::TimedOut
        | RecoveryOutcome::Unknown => {
            let says = |line: &str| WORDS.iter().any(|word| line.contains(word));
            // A port that is taken is also an `[emerg]`, but no fault of the configuration.
            let lines = output.lines();
            lines.filter(|line| !line.contains("bind()")).any(says)
        }
        RecoveryOutcome::NotExecuted | RecoveryOutcome::Refused => false,
    }
}

/// What a host says to an account that may log in and may not run anything, if that is how a session ended: nothing was
/// executed. `sshd`, PAM and `nologin` say it in place of the command, last of all, and end with 1 or 254.
pub(super) fn kept_out(status: i32, output: &str) -> Option<Reason> {
    const WORDS: [&str; 5] = [
        // OpenSSH, where a password is too old and there is no terminal to ask for another.
        "Password change required but no TTY available.",
        // `nologin` of util-linux and shadow, and of BusyBox.
        "This account is currently not available.",
        "This account is not available",
        // /run/nologin of systemd, while a machine boots or shuts down.
        "Unprivileged users are not permitted to log in yet.",
        "Unprivileged users are not permitted to log in anymore.",
    ];
    let mut lines = output.lines().rev();
    let last = lines.find(|line| !line.trim().is_empty())?;
    let fits = matches!(status, 1 | 254) && WORDS.iter().any(|words| last.contains(words));
    fits.then(|| Reason::KeptOut {
        said: last.trim().to_owned(),
    })
}

/// The reason that the exit status or the output of a failed command gives, if they give one.
pub(super) fn exit(status: i32, output: &str, user: Option<&str>, command: &str) -> Option<Reason> {
    if status == 0 {
        return None;
    }
    if is_agents(command)
        && let Some(said) = agent(status)
    {
        return Some(said);
    }
    sudo(output, user, command).or_else(|| match status {
        124 => Some(Reason::TimeoutThere),
        126 => Some(Reason::NotExecutable),
        127 => Some(Reason::NotFound),
        137 => Some(Reason::ShellSaysSigkill),
        129..=159 => Some(Reason::ShellSaysKilled {
            signal: signal(status - 128),
        }),
        _ => None,
    })
}

/// The reason for an exit status with which `probe-agent` refuses.
const fn agent(status: i32) -> Option<Reason> {
    match status {
        64 => Some(Reason::AgentUnknown),
        70 => Some(Reason::AgentBudget),
        71 => Some(Reason::AgentBusy),
        72 => Some(Reason::AgentResources),
        73 => Some(Reason::AgentConfig),
        _ => None,
    }
}

fn signal(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        6 => "SIGABRT",
        7 => "SIGBUS",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

fn sudo(output: &str, user: Option<&str>, command: &str) -> Option<Reason> {
    let refusals = [
        "a password is required",
        "a terminal is required",
        "no tty present",
        "you must have a tty",
        "is not in the sudoers file",
        "is not allowed to execute",
        "is not allowed to run sudo",
        "may not run sudo",
    ];
    let said = output
        .lines()
        .find(|line| refusals.iter().any(|refusal| line.contains(refusal)))?
        .to_owned();
    if is_agents(command) {
        return Some(Reason::SudoAgent { said });
    }
    let wanted = command
        .trim()
        .strip_prefix("sudo ")
        .map_or(command.trim(), |rest| {
            let rest = rest.trim_start();
            rest.strip_prefix("-n ").unwrap_or(rest).trim_start()
        })
        .to_owned();
    let user = user.unwrap_or("USER").to_owned();
    Some(if wanted.starts_with('/') {
        Reason::Sudo { said, user, wanted }
    } else {
        Reason::SudoPath { said, user, wanted }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudo_speaks_in_several_ways() {
        for said in [
            "sudo: a password is required",
            "sudo: a terminal is required to read the password; either use the -S option",
            "sudo: no tty present and no askpass program specified",
            "sudo: sorry, you must have a tty to run sudo",
            "probe is not in the sudoers file.",
            "Sorry, user probe is not allowed to execute '/bin/kusanagi restart' as root on web1.",
        ] {
            let hint = exit(1, said, Some("probe"), "sudo -n /bin/kusanagi restart");
            let line = "`probe ALL=(root) NOPASSWD: /bin/kusanagi restart` with `visudo";
            assert!(
                hint.as_ref()
                    .is_some_and(|hint| hint.to_string().contains(line)),
                "{said}: {hint:?}"
            );
        }
        let hint = exit(
            1,
            "sudo: a password is required",
            None,
            "sudo kusanagi restart",
        );
        assert!(hint.is_some_and(|hint| {
            hint.to_string()
                .contains("NOPASSWD: kusanagi restart` with the full path")
        }));
        let hint = exit(
            1,
            "sudo: a password is required",
            None,
            "probe-agent 1 restart",
        );
        assert!(hint.is_some_and(|hint| hint.to_string().contains("command of its agent")));
        assert_eq!(
            exit(1, "nginx: configuration file test failed", None, "x"),
            None
        );
        assert_eq!(exit(0, "sudo: a password is required", None, "x"), None);
    }

    #[test]
    fn a_host_that_runs_nothing_says_so_last() {
        let expired =
            "WARNING: Your password has expired.\nPassword change required but no TTY available.\n";
        let booting = "\"System is booting up. Unprivileged users are not permitted to log in yet. Please come back later. \
            For technical details, see pam_nologin(8).\"\n";
        let locked = "This account is currently not available.\n";
        for (status, said, is_out) in [
            (1, expired, true),
            (254, booting, true),
            (1, locked, true),
            (0, locked, false),
            (127, locked, false),
            // A command that shows such words and goes on did run.
            (1, &format!("{locked}nginx: [emerg] no port"), false),
            (1, "", false),
        ] {
            assert_eq!(kept_out(status, said).is_some(), is_out, "{status} {said}");
        }
    }

    #[test]
    fn exit_statuses_with_a_meaning() {
        for (status, command, part) in [
            (124, "x", Some("ended the command at its limit")),
            (126, "x", Some("cannot be executed")),
            (127, "x", Some("full path")),
            (137, "x", Some("SIGKILL")),
            (140, "x", Some("signal 12")),
            (71, "probe-agent 1 restart", Some("running already")),
            (73, "probe-agent 1 restart", Some("configuration is broken")),
            (71, "x", None),
            (2, "probe-agent 1 restart", None),
            (255, "x", None),
        ] {
            let hint = exit(status, "", None, command);
            let fits = match part {
                Some(part) => hint
                    .as_ref()
                    .is_some_and(|hint| hint.to_string().contains(part)),
                None => hint.is_none(),
            };
            assert!(fits, "{status} of {command}: {hint:?}");
        }
    }
}
