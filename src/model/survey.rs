//! What a web host says about its sites when `probe init` asks it, for a first configuration.

use super::ProfileName;

/// A host as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// What it calls itself.
    pub host: String,
    /// The account that asked.
    pub user: String,
    /// The address the question came from, as the host sees it; `None` if it was asked on the host itself.
    pub from: Option<String>,
    /// The first line of `/etc/kusanagi`.
    pub kusanagi: Option<String>,
    /// The enabled web server's unit.
    pub unit: Option<String>,
    /// The unit of every web server that is installed.
    pub units: Vec<String>,
    /// What root runs to restart it, with the full path.
    pub restart: Option<String>,
    /// What root runs to test its configuration, with the full path.
    pub test: Option<String>,
    /// Whether the installed agent has sites to ask the host for; `None` if there is no agent or it is not known.
    pub agent_asks: Option<bool>,
    /// Its sites.
    pub sites: Vec<Site>,
    /// Server names that cannot be asked for, and why they were left out.
    pub left_out: Vec<String>,
    /// The statements of Monit's configuration there.
    pub monit: Vec<MonitStatement>,
    /// Files that are there and could not be read by the account.
    pub unreadable: Vec<String>,
    /// Whether the whole answer arrived.
    pub whole: bool,
}

/// One site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name as a profile.
    pub name: ProfileName,
    /// The name to ask for.
    pub domain: String,
    /// The ports at which a server listens for it without TLS.
    pub plain: Vec<u16>,
    /// The ports at which one listens with TLS.
    pub secure: Vec<u16>,
    /// What is known of its TLS.
    pub https: Https,
    /// Other names of it.
    pub others: Vec<String>,
    /// Whether it is known to be WordPress.
    pub wordpress: bool,
    /// The file that says so.
    pub file: String,
}

/// What is known of a site's TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Https {
    /// Nobody listens.
    No,
    /// Somebody listens, with a certificate that was made for no site in particular.
    Placeholder,
    /// Somebody listens.
    Yes,
}

/// One statement of Monit's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitStatement {
    /// Where it stands.
    pub file: String,
    /// The statement.
    pub text: String,
}
