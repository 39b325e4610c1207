//! What `probe init` writes and says: the configuration, what the host's own watching cannot see, and what is to be set up.

mod gaps;
mod setup;
mod yaml;

use std::path::PathBuf;

use crate::model::{HostName, Https, Site, Survey};

pub use gaps::gaps;
pub use setup::setup;
pub use yaml::configuration;

/// How the host is reached, as people said it.
#[derive(Debug, Clone)]
pub struct Access {
    /// The host's name in the configuration.
    pub name: HostName,
    /// What the OpenSSH client is given.
    pub ssh: String,
    /// Whether the host was asked at `ssh`; else it is this machine, or was asked as somebody else, and `ssh` is a guess.
    pub remote: bool,
    /// The key.
    pub identity_file: Option<PathBuf>,
    /// The public half of it, one line.
    pub public_key: Option<String>,
    /// Where the host's key is looked up.
    pub known_hosts_file: Option<PathBuf>,
}

impl Access {
    /// The name or address to connect to, and the port where it is not the usual one.
    fn place(&self) -> (&str, Option<&str>) {
        let (rest, is_url) = match self.ssh.strip_prefix("ssh://") {
            Some(rest) => (rest.trim_end_matches('/'), true),
            None => (self.ssh.as_str(), false),
        };
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        match host.rsplit_once(':') {
            Some((host, port)) if is_url && port.bytes().all(|b| b.is_ascii_digit()) => {
                (host.trim_matches(['[', ']']), Some(port))
            }
            _ => (host.trim_matches(['[', ']']), None),
        }
    }

    /// The host's name for people.
    fn host(&self) -> &str {
        self.place().0
    }
}

/// The URLs that are watched.
fn urls(site: &Site) -> Vec<String> {
    let mut urls = at("http", 80, &site.plain, &site.domain);
    if site.https == Https::Yes || urls.is_empty() {
        urls.extend(at("https", 443, &site.secure, &site.domain));
    }
    urls
}

/// The URLs at these ports.
fn at(scheme: &str, usual: u16, ports: &[u16], domain: &str) -> Vec<String> {
    let url = |port: &u16| match *port {
        port if port == usual => format!("{scheme}://{domain}/"),
        port => format!("{scheme}://{domain}:{port}/"),
    };
    ports.iter().map(url).collect()
}

/// What was found, and what was left out and why.
#[must_use]
pub fn found(survey: &Survey, access: &Access, file: Option<&str>) -> String {
    let mut text = file.map_or_else(String::new, |file| format!("{file}: "));
    let count = survey.sites.len();
    let plural = if count == 1 { "" } else { "s" };
    let server = survey.unit.as_deref().unwrap_or("no web server's unit");
    text.push_str(&format!("{count} profile{plural} of {}", access.host()));
    match &survey.kusanagi {
        Some(version) => text.push_str(&format!(" ({version}, {server})\n")),
        None => text.push_str(&format!(" ({server})\n")),
    }
    let width = survey
        .sites
        .iter()
        .map(|site| site.name.as_str().len())
        .max()
        .unwrap_or(0);
    for site in &survey.sites {
        text.push_str(&format!(
            "  {:width$}  {}\n",
            site.name,
            urls(site).join(" ")
        ));
    }
    for left in &survey.left_out {
        text.push_str(&format!("  left out: {left}\n"));
    }
    if let Some(first) = survey.unreadable.first() {
        let more = match survey.unreadable.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        text.push_str(&format!(
            "  not read: {first}{more}, closed to `{}`; root, or another account, sees more\n",
            survey.user
        ));
    }
    if !survey.whole {
        text.push_str(
            "  The answer did not arrive whole: sites are missing. Run `probe init` on the host itself, or add them by hand.\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_destination_leads() {
        for (ssh, host, port) in [
            ("web1", "web1", None),
            ("root@web1.example.com", "web1.example.com", None),
            ("ssh://root@web1:2222", "web1", Some("2222")),
            ("ssh://web1/", "web1", None),
            ("ssh://a@[2001:db8::1]:22", "2001:db8::1", Some("22")),
            ("a@2001:db8::1", "2001:db8::1", None),
        ] {
            let access = Access {
                name: HostName::try_new("web1").unwrap(),
                ssh: ssh.to_owned(),
                remote: true,
                identity_file: None,
                public_key: None,
                known_hosts_file: None,
            };
            assert_eq!(access.place(), (host, port), "{ssh}");
        }
    }

    /// What is watched of a site, by who listens for it.
    #[test]
    fn urls_of_a_site() {
        let (plain, secure) = ("http://a.example/", "https://a.example/");
        let (odd_plain, odd_secure) = ("http://a.example:8080/", "https://a.example:8443/");
        for (ports, tls, https, wanted) in [
            (&[80][..], &[443][..], Https::Yes, &[plain, secure][..]),
            (&[80], &[443], Https::Placeholder, &[plain]),
            (&[80], &[], Https::No, &[plain]),
            (&[], &[443], Https::Yes, &[secure]),
            (&[], &[443], Https::Placeholder, &[secure]),
            (&[8080], &[8443], Https::Yes, &[odd_plain, odd_secure]),
            (&[80, 8080], &[], Https::No, &[plain, odd_plain]),
        ] {
            let site = Site {
                name: crate::model::ProfileName::try_new("a").unwrap(),
                domain: "a.example".to_owned(),
                plain: ports.to_vec(),
                secure: tls.to_vec(),
                https,
                others: Vec::new(),
                wordpress: false,
                file: String::new(),
            };
            assert_eq!(urls(&site), wanted);
        }
    }
}
