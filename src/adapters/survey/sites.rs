//! From profiles and server blocks to sites: one for each of KUSANAGI's profiles, then one for each server name that is
//! left. A name nobody can ask for (`_`, `localhost`, a pattern, a default server without a name) is no site, nor is one whose servers
//! listen on a unix socket or a loopback address alone.

use crate::model::{Https, ProfileName, Site};

/// A profile of KUSANAGI 8's table.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) domain: Option<String>,
    pub(super) kind: Option<String>,
}

impl Listed {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            domain: None,
            kind: None,
        }
    }
}

/// One server block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) server: String,
    pub(super) file: String,
    pub(super) listens: Vec<Listen>,
    /// `-`: not said in this file.
    pub(super) certificate: String,
    pub(super) names: Vec<String>,
}

/// Where a block is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Listen {
    /// At this port, without TLS.
    Plain(u16),
    /// At this port, with TLS.
    Secure(u16),
    /// By this machine alone: a unix socket, a loopback address.
    Local,
}

/// Words in the path of a certificate that was made for no site in particular.
const PLACEHOLDERS: [&str; 4] = ["localhost", "snakeoil", "default", "dummy"];

/// The table of KUSANAGI 8, by which its profiles are known to be complete.
const TABLE: &str = "/etc/kusanagi.d/profile.conf";

/// The sites, and what was left out of them.
pub(super) fn from(listed: &[Listed], blocks: &[Block]) -> (Vec<Site>, Vec<String>) {
    let mut sites: Vec<Site> = Vec::new();
    let mut left_out = Vec::new();
    for profile in listed {
        let domain = profile.domain.clone().filter(|name| askable(name));
        // A profile without a name of its own has that of its file.
        let domain = domain.or_else(|| {
            blocks
                .iter()
                .filter(|block| stem(&block.file) == profile.name)
                .find_map(|block| block.names.iter().find(|name| askable(name)).cloned())
        });
        let (Some(domain), Ok(name)) = (domain, ProfileName::try_new(&profile.name)) else {
            left_out.push(format!(
                "profile {} ({TABLE}): no name to ask for",
                profile.name
            ));
            continue;
        };
        let wordpress = profile.kind.as_deref() == Some("WordPress");
        add(&mut sites, name, domain, TABLE, wordpress);
    }
    for block in blocks {
        if block.names.iter().any(|name| known(&sites, name)) {
            continue;
        }
        let Some(domain) = block.names.iter().find(|name| askable(name)) else {
            left_out.push(format!("{}: {}", block.file, nameless(&block.names)));
            continue;
        };
        let of_file = block.file.starts_with("/etc/opt/kusanagi/");
        let chosen = if of_file { stem(&block.file) } else { domain };
        let free = |name: &str| !sites.iter().any(|site| site.name.as_str() == name);
        let name = [chosen, domain.as_str()]
            .into_iter()
            .filter(|name| free(name))
            .find_map(|name| ProfileName::try_new(name).ok());
        match name {
            Some(name) => add(&mut sites, name, domain.clone(), &block.file, false),
            None => left_out.push(format!(
                "{}: {domain} is too long for the name of a profile",
                block.file
            )),
        }
    }
    for site in &mut sites {
        complete(site, blocks);
    }
    sites.retain(|site| {
        let is_asked = !(site.plain.is_empty() && site.secure.is_empty());
        if !is_asked {
            left_out.push(format!(
                "{} ({}): it listens on a unix socket or a loopback address alone",
                site.domain, site.file
            ));
        }
        is_asked
    });
    (sites, left_out)
}

fn add(sites: &mut Vec<Site>, name: ProfileName, domain: String, file: &str, wordpress: bool) {
    sites.push(Site {
        name,
        domain: domain.to_ascii_lowercase(),
        plain: Vec::new(),
        secure: Vec::new(),
        https: Https::No,
        others: Vec::new(),
        wordpress,
        file: file.to_owned(),
    });
}

fn known(sites: &[Site], name: &str) -> bool {
    sites
        .iter()
        .any(|site| site.domain.eq_ignore_ascii_case(name))
}

/// What the blocks that answer to its name add to a site.
fn complete(site: &mut Site, blocks: &[Block]) {
    let mut found = false;
    for block in blocks {
        if !block
            .names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&site.domain))
        {
            continue;
        }
        found = true;
        for listen in &block.listens {
            match listen {
                Listen::Plain(port) => note(&mut site.plain, *port),
                Listen::Secure(port) => {
                    note(&mut site.secure, *port);
                    let path = &block.certificate;
                    let placeholder = PLACEHOLDERS.iter().any(|word| path.contains(word));
                    if !placeholder {
                        site.https = Https::Yes;
                    } else if site.https == Https::No {
                        site.https = Https::Placeholder;
                    }
                }
                Listen::Local => {}
            }
        }
        for name in &block.names {
            let name = name.to_ascii_lowercase();
            if askable(&name) && name != site.domain && !site.others.contains(&name) {
                site.others.push(name);
            }
        }
    }
    // Nothing was seen of how it is served: what every site has.
    if !found {
        site.plain.push(80);
    }
}

fn note(ports: &mut Vec<u16>, port: u16) {
    if !ports.contains(&port) {
        ports.push(port);
    }
}

/// The profile whose file this is: KUSANAGI 8 writes `PROFILE_http.conf` and `PROFILE_ssl.conf`.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.strip_suffix(".conf").unwrap_or(name);
    name.strip_suffix("_http")
        .or_else(|| name.strip_suffix("_ssl"))
        .unwrap_or(name)
}

/// Whether a browser can ask for the name: no pattern, no placeholder, and a domain.
fn askable(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(label)
        && !name.starts_with("localhost.")
}

fn nameless(names: &[String]) -> String {
    if names.is_empty() {
        "a server without a name".to_owned()
    } else {
        format!("no name to ask for among `{}`", names.join(" "))
    }
}
