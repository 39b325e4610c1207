//! What is to be set up so that the configuration can heal: exact lines, in the order in which they are needed.

use crate::model::Survey;

use super::Access;

/// Where the watching machine keeps what it was not told otherwise.
const KEY: &str = "/etc/probe/id_ed25519";
const KNOWN_HOSTS: &str = "/etc/probe/known_hosts";

/// As many sites the agent asks its host for.
const SITES: usize = 9;

/// The key line, the sudoers lines and what belongs to them.
#[must_use]
pub fn setup(survey: &Survey, access: &Access, file: Option<&str>) -> String {
    let key = access.public_key.as_deref().unwrap_or("PUBLIC-KEY");
    let identity = access
        .identity_file
        .as_ref()
        .map_or_else(|| KEY.to_owned(), |file| file.display().to_string());
    let key_hint = match access.public_key {
        Some(_) => String::new(),
        None => format!("; PUBLIC-KEY is the line of {identity}.pub"),
    };
    let (from, from_hint) = match &survey.from {
        Some(from) => (
            from.as_str(),
            "where this question came from; add every other address of the watching machine",
        ),
        None => (
            "ADDRESS",
            "ADDRESS stands for every address of the watching machine",
        ),
    };
    let mut sudoers = String::from("       Defaults:probe !requiretty\n");
    let restart = survey
        .restart
        .as_deref()
        .unwrap_or("/usr/bin/systemctl restart nginx.service");
    for command in [Some(restart), survey.test.as_deref()]
        .into_iter()
        .flatten()
    {
        sudoers.push_str(&format!("       probe ALL=(root) NOPASSWD: {command}\n"));
    }
    let sites: Vec<String> = survey
        .sites
        .iter()
        .take(SITES)
        .filter_map(|site| super::urls(site).pop())
        .collect();
    let mut text = format!(
        "On {host}, as root (deploy/README.md explains each):\n\
         \x20 1. An account that can do nothing else, and the agent as the second brake:\n\
         \x20      useradd --create-home --shell /bin/sh probe; install -d -m 0700 -o probe -g probe ~probe/.ssh\n\
         \x20      install -m 0755 -o root -g root deploy/host/probe-agent /usr/local/sbin/probe-agent\n\
         \x20 2. In ~probe/.ssh/authorized_keys (0600, owner probe), one line ({from_hint}{key_hint}):\n\
         \x20      restrict,from=\"{from}\",command=\"/usr/local/sbin/probe-agent\" {key}\n\
         \x20 3. In /etc/sudoers.d/probe (0440; `visudo -cf` first):\n{sudoers}",
        host = access.host(),
    );
    text.push_str(&format!(
        "\x20 4. In /etc/probe-agent.conf (0644, owner root):\n\
         \x20      RESTART_1='sudo -n {restart}'\n\
         \x20      SITES='{}'\n\
         \x20    (SITES is what the agent asks that host for, {count}. {empty}, a look cannot tell a fault between the two\n\
         \x20    machines, or a rule against probe, from a server that died; `probe drill` says so.)\n\
         \x20    and in {file}: `ssh: probe@{host}`, `agent: true` instead of `restart.commands`\n",
        sites.join(" "),
        file = file.unwrap_or("the configuration"),
        host = access.host(),
        count = match survey.sites.len() {
            0..=SITES => "nine at most".to_owned(),
            all => format!("nine at most: here the first of {all}"),
        },
        empty = match survey.agent_asks {
            Some(false) => "While it is empty, as it is there now",
            Some(true) | None => "While it is empty",
        },
    ));
    text.push_str(&known_hosts(access));
    text
}

/// How the host's key becomes known.
fn known_hosts(access: &Access) -> String {
    let (host, port) = access.place();
    let known = access
        .known_hosts_file
        .as_ref()
        .map_or_else(|| KNOWN_HOSTS.to_owned(), |file| file.display().to_string());
    let port = port.map(|port| format!("-p {port} ")).unwrap_or_default();
    format!(
        "On the watching machine, the host's key (compare the two fingerprints; probe never trusts a key it was not given):\n\
         \x20      ssh-keyscan {port}{host} >> {known}\n\
         \x20      ssh-keygen -lf {known}                               # here\n\
         \x20      ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub     # on {host} itself\n"
    )
}
