//! Asks a web host what it knows about its sites: `survey.sh`, piped as one argument over SSH, or run on this machine.
//!
//! The script reads and prints words, one fact per line; what they mean is said here. A line that is not understood is
//! passed over: a login may print greetings, and a newer script may know more.
#![expect(
    clippy::disallowed_methods,
    reason = "the survey of this machine runs the same script as that of another"
)]

mod sites;

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::model::{LEFT_OUT, MonitStatement, Survey};
use sites::{Block, Listed, Listen};

/// The script.
const SCRIPT: &str = include_str!("survey.sh");

/// A copy of another host, for tests: a prefix for every path that the script reads.
const ROOT: &str = "PROBE_SURVEY_ROOT";

/// The script reads a few files; a directory on a dead network disk must not keep people waiting.
const LIMIT: Duration = Duration::from_secs(30);

/// Why this machine could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The shell could not be run.
    #[error("`sh` could not be run on this machine")]
    Shell(#[source] io::Error),
    /// It did not end.
    #[error("reading this machine's files did not end within {} s: is a network disk gone?", LIMIT.as_secs())]
    Limit,
}

/// What a login on the host is to execute.
#[must_use]
pub fn command() -> String {
    format!(
        "exec sh -c '{}' probe-survey",
        SCRIPT.replace('\'', r"'\''")
    )
}

/// Asks this machine.
///
/// # Errors
/// When the shell cannot be run, or does not end.
pub async fn here() -> Result<Survey, SurveyError> {
    Ok(read(&run(&[]).await?))
}

/// Reads Monit's rules from a directory of this machine.
///
/// # Errors
/// When the shell cannot be run, or does not end.
pub async fn monit(directory: &Path) -> Result<Vec<MonitStatement>, SurveyError> {
    let arguments = [Path::new("monit"), directory].map(Path::as_os_str);
    Ok(read(&run(&arguments).await?).monit)
}

async fn run(arguments: &[&std::ffi::OsStr]) -> Result<String, SurveyError> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", SCRIPT, "probe-survey"])
        .args(arguments)
        .env_clear()
        .envs(std::env::var_os(ROOT).map(|root| (ROOT, root)))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(LIMIT, shell.output())
        .await
        .map_err(|_elapsed| SurveyError::Limit)?
        .map_err(SurveyError::Shell)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Understands the script's answer.
#[must_use]
pub fn read(text: &str) -> Survey {
    let mut survey = Survey::default();
    let mut listed: Vec<Listed> = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut serving = None;
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let some = || Some(rest.to_owned()).filter(|rest| !rest.is_empty());
        match word {
            "host" => rest.clone_into(&mut survey.host),
            "user" => rest.clone_into(&mut survey.user),
            "from" => survey.from = some(),
            "kusanagi" => survey.kusanagi = some(),
            "unit" => survey.units.extend(some()),
            "restart" => survey.restart = some(),
            "test" => survey.test = some(),
            "agent" => survey.agent_asks = Some(rest == "sites"),
            "unreadable" => survey.unreadable.extend(some()),
            "end" => survey.whole = rest.is_empty(),
            "server" => {
                if let Some((kind, unit)) = rest.split_once(' ') {
                    serving = Some(kind.to_owned());
                    survey.unit = Some(unit.to_owned());
                }
            }
            "profile" => profile(rest, &mut listed),
            "vhost" => blocks.extend(block(rest)),
            "monit" => {
                if let Some((file, text)) = rest.split_once(' ') {
                    survey.monit.push(MonitStatement {
                        file: file.to_owned(),
                        text: text.to_owned(),
                    });
                }
            }
            _ => {}
        }
    }
    // The middle of an answer that is too long is left out on the way, and says so in a line of its own.
    survey.whole &= !text.lines().any(|line| line.ends_with(LEFT_OUT));
    // KUSANAGI writes a profile's blocks for both servers; those of the one that serves count.
    let kind = serving.or_else(|| blocks.first().map(|block| block.server.clone()));
    blocks.retain(|block| Some(&block.server) == kind.as_ref());
    (survey.sites, survey.left_out) = sites::from(&listed, &blocks);
    survey
}

fn profile(rest: &str, listed: &mut Vec<Listed>) {
    let mut words = rest.splitn(3, ' ');
    let (Some(name), Some(key), Some(value)) = (words.next(), words.next(), words.next()) else {
        return;
    };
    let at = match listed.iter().position(|one| one.name == name) {
        Some(at) => at,
        None => {
            listed.push(Listed::named(name));
            listed.len() - 1
        }
    };
    if let Some(one) = listed.get_mut(at) {
        match key {
            "FQDN" => one.domain = Some(value.to_owned()),
            "TYPE" => one.kind = Some(value.to_owned()),
            _ => {}
        }
    }
}

fn block(rest: &str) -> Option<Block> {
    let mut words = rest.split(' ');
    Some(Block {
        server: words.next()?.to_owned(),
        file: words.next()?.to_owned(),
        listens: words.next()?.split(',').filter_map(listen).collect(),
        // Whether it redirects is not asked yet.
        certificate: words.nth(1)?.to_owned(),
        names: words
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// `plain:80`, `tls:443` or `local`.
fn listen(text: &str) -> Option<Listen> {
    if text == "local" {
        return Some(Listen::Local);
    }
    let (kind, port) = text.split_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    match kind {
        "plain" => Some(Listen::Plain(port)),
        "tls" => Some(Listen::Secure(port)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Https;

    #[test]
    fn greetings_and_news_are_passed_over() {
        let text = "Welcome to web1!\n\nnews from tomorrow\nhost web1\nuser ops\nprofile\nprofile shop\nvhost nginx\nmonit x\nend\n";
        let survey = read(text);
        assert_eq!(
            (survey.host.as_str(), survey.user.as_str()),
            ("web1", "ops")
        );
        assert!(survey.whole && survey.sites.is_empty() && survey.monit.is_empty());
    }

    #[test]
    fn half_an_answer_says_so() {
        assert!(!read("host web1\nuser ops\n").whole);
        assert!(!read("host web1\n… 980 bytes left out …\nend").whole);
        assert!(read("host web1\nend").whole);
    }

    #[test]
    fn names_nobody_can_ask_for() {
        for name in [
            "_",
            "localhost",
            "*.example.com",
            ".example.com",
            "~^www\\.",
            "localhost.localdomain",
            "a..b",
            "-a.example.com",
            "$host.x",
            "a/b.c",
            "",
        ] {
            let survey = read(&format!(
                "vhost nginx /etc/nginx/conf.d/a.conf plain:80 - - {name}\nend"
            ));
            assert!(survey.sites.is_empty(), "{name}: {survey:?}");
            assert_eq!(survey.left_out.len(), 1, "{name}");
        }
    }

    /// One site from its plain and its TLS block, whatever else is there.
    #[test]
    fn blocks_of_one_name_are_one_site() {
        let survey = read(
            "server nginx nginx\n\
             vhost httpd /etc/httpd/conf.d/x.conf plain:80 - - other.example.com\n\
             vhost nginx /etc/nginx/conf.d/a.conf plain:80 redirect - A.example.com\n\
             vhost nginx /etc/nginx/conf.d/a.conf tls:443,plain:80,tls:8443 - - a.example.com b.example.com\n\
             vhost nginx /etc/nginx/conf.d/c.conf tls:443 - /etc/pki/tls/certs/localhost.crt c.example.com\nend",
        );
        let seen: Vec<_> = survey
            .sites
            .iter()
            .map(|site| {
                (
                    site.name.as_str(),
                    site.domain.as_str(),
                    &site.plain[..],
                    &site.secure[..],
                    site.https,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (
                    "A.example.com",
                    "a.example.com",
                    &[80][..],
                    &[443, 8443][..],
                    Https::Yes
                ),
                (
                    "c.example.com",
                    "c.example.com",
                    &[],
                    &[443],
                    Https::Placeholder
                ),
            ]
        );
        assert_eq!(survey.sites[0].others, ["b.example.com"]);
    }

    /// Nobody can ask from elsewhere what listens on the host alone.
    #[test]
    fn what_listens_on_the_host_alone_is_no_site() {
        let survey = read(
            "profile inner FQDN inner.example.com\n\
             vhost nginx /etc/nginx/conf.d/inner.conf local - - inner.example.com\n\
             vhost nginx /etc/nginx/conf.d/socket.conf local,local - - socket.example.com\n\
             vhost nginx /etc/nginx/conf.d/both.conf local - - both.example.com\n\
             vhost nginx /etc/nginx/conf.d/both.conf plain:8080 - - both.example.com\nend",
        );
        let seen = survey
            .sites
            .iter()
            .map(|site| (site.domain.as_str(), &site.plain[..]));
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [("both.example.com", &[8080][..])]
        );
        assert_eq!(survey.left_out.len(), 2, "{survey:?}");
        assert!(survey.left_out[0].starts_with("inner.example.com ("));
    }

    #[test]
    fn the_question_is_one_word() {
        let command = command();
        assert!(command.len() < 100 * 1024);
        assert!(!command.contains('\0'));
    }
}
