//! What people configured, after defaults and cross-checks. A key that has a default is never an `Option` here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::{
    Backoff, Budget, Cause, Channel, Email, Endpoint, Entry, Expect, HostName, Mode, ProfileName,
    Rung, Shared, Timestamp, Webhook, When, Window, Wording,
};

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Sites.
    pub profiles: BTreeMap<ProfileName, Arc<Profile>>,
    /// Machines.
    pub hosts: BTreeMap<HostName, Arc<Host>>,
    /// Our own network.
    pub network: NetworkSettings,
    /// Mail, when configured.
    pub email: Option<Arc<Email>>,
    /// The program and its arguments that get each event as a document, when configured.
    pub command: Option<Arc<Vec<String>>>,
    /// Where each event is posted; no two have the same name.
    pub webhooks: Vec<Arc<Webhook>>,
    /// The outside watcher, if one is configured.
    pub heartbeat: Option<Arc<Heartbeat>>,
    /// How people are spoken to.
    pub wording: Arc<Wording>,
    /// Where metrics and our own state are served, when they are.
    pub status_page: Option<StatusPage>,
}

impl Settings {
    /// Whether a message can leave to its recipient.
    #[must_use]
    pub fn reaches(&self, entry: &Entry) -> bool {
        match entry.channel {
            Channel::Mail => self.email.is_some(),
            Channel::Command => self.command.is_some(),
            Channel::Webhook => self.webhook(&entry.to).is_some(),
        }
    }

    /// The webhook of this name.
    #[must_use]
    pub fn webhook(&self, name: &str) -> Option<&Arc<Webhook>> {
        self.webhooks.iter().find(|webhook| webhook.name == name)
    }

    /// Whether anybody hears of what happens.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.email.is_some() || self.command.is_some() || !self.webhooks.is_empty()
    }

    /// The time between two reminders of one open incident. Without mail, whoever else is told gets the default of mail.
    #[must_use]
    pub fn reminder_interval(&self) -> Option<Duration> {
        match &self.email {
            Some(email) => email.reminder_interval,
            None => self.is_heard().then_some(super::limits::REMINDER),
        }
    }

    /// The profiles of a host, in name order.
    pub fn profiles_of<'a>(
        &'a self,
        host: &'a HostName,
    ) -> impl Iterator<Item = (&'a ProfileName, &'a Arc<Profile>)> {
        self.profiles
            .iter()
            .filter(move |(_, profile)| profile.host.as_ref() == Some(host))
    }
}

/// A URL as its host is asked for it: without credentials and fragment. Shown to people it is as [`super::shown_url`] has it.
#[must_use]
pub fn plain_url(url: &Url) -> String {
    let mut plain = url.clone();
    plain.set_fragment(None);
    // Fails only for URLs that cannot have them.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.into()
}

/// How addresses are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addresses {
    /// The first address of the name; one of the other family if this machine cannot use the first.
    Any,
    /// Every address of the name, at most [`super::limits::ADDRESSES`], judged one by one.
    All,
    /// These, whatever the name resolves to; Host and SNI stay.
    Pinned(Vec<IpAddr>),
}

/// How a page from a cache is kept from counting as up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheBypass {
    /// Plain requests.
    Off,
    /// A nonce query and a cookie that KUSANAGI's fcache and bcache do not serve.
    WordPress,
}

/// TLS towards a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM roots in place of the machine's.
    pub ca_file: Option<PathBuf>,
    /// PEM or DER revocation lists; a certificate on one of them is refused.
    pub crl_file: Option<PathBuf>,
    /// PEM certificate chain and key shown to the server.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Whether a bad certificate is a fault; the certificate is read and shown either way.
    pub verify: bool,
    /// Days left below which the profile is `degraded`, in descending order; empty: never.
    pub warn_before: Vec<Duration>,
}

impl Tls {
    /// Verify with the machine's roots, and warn three weeks, one week and one day before the end: a monthly, a weekly
    /// and a daily reader each get a chance.
    #[must_use]
    pub fn by_default() -> Self {
        Self {
            ca_file: None,
            crl_file: None,
            client_certificate: None,
            verify: true,
            warn_before: [21, 7, 1]
                .map(|days| Duration::from_secs(days * 86_400))
                .to_vec(),
        }
    }
}

/// How we name ourselves.
pub const USER_AGENT: &str = concat!("probe/", env!("CARGO_PKG_VERSION"));

/// What Firefox sends with the first request to a site.
const BROWSER: [(&str, &str); 8] = [
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Upgrade-Insecure-Requests", "1"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "none"),
    ("Sec-Fetch-User", "?1"),
];

/// A site we watch.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// The machine that is restarted for it; without one it is watched and reported only.
    pub host: Option<HostName>,
    /// By its `ssh` destination, that machine is not the one probe runs on: then a site's name must not lead to
    /// loopback.
    pub elsewhere: bool,
    /// What is requested. Credentials are taken out and sent as `Authorization`.
    pub urls: Vec<Url>,
    /// Request method.
    pub method: String,
    /// Where the site's owner can ask who we are; part of our `User-Agent`, unless `headers` has one.
    pub contact: Option<Url>,
    /// Request headers.
    pub headers: Vec<(String, String)>,
    /// From one probe to the next while all is well.
    pub interval: Duration,
    /// From one probe to the next while it is not.
    pub retry_interval: Duration,
    /// Of one check, all phases and hops together.
    pub timeout: Duration,
    /// Of the TCP connect.
    pub connect_timeout: Duration,
    /// Failures in a row that make it down.
    pub failure_threshold: u32,
    /// Successes in a row that make it up again.
    pub success_threshold: u32,
    /// What the response must look like; kept once in memory for all profiles that expect the same.
    pub expect: Shared<Expect>,
    /// A total above this is `slow`.
    pub slow: Option<Duration>,
    /// Redirects followed.
    pub redirects: u8,
    /// Decoded body bytes read.
    pub max_body: u64,
    /// Which addresses.
    pub addresses: Addresses,
    /// TLS; shared in the same way.
    pub tls: Shared<Tls>,
    /// When people work on it.
    pub maintenance: Vec<Window>,
    /// Caches.
    pub cache_bypass: CacheBypass,
    /// Changes when, and only when, what is sent to its URLs, at which addresses, and what is expected of them changes.
    pub expectation: u64,
    /// Changes when, and only when, the configuration of this profile changes.
    pub fingerprint: u64,
}

impl Profile {
    /// When the maintenance window that is open at `wall` ends; if several are open, the last end.
    #[must_use]
    pub fn window(&self, wall: Timestamp) -> Option<Timestamp> {
        let open = self.maintenance.iter();
        open.filter_map(|window| window.open_until(wall)).max()
    }

    /// The header that names us to the site. A value that the profile sets may be a secret and is not shown.
    #[must_use]
    pub fn named_by(&self) -> String {
        let mut own = self.headers.iter();
        match &self.contact {
            _ if own.any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) => {
                "User-Agent".to_owned()
            }
            Some(contact) => format!("User-Agent: {USER_AGENT} (+{contact})"),
            None => format!("User-Agent: {USER_AGENT}"),
        }
    }

    /// The same profile, asked as a browser asks.
    #[must_use]
    pub fn as_browser(&self) -> Self {
        let mut asked = self.clone();
        let usual = |name: &str| {
            BROWSER
                .iter()
                .any(|(one, _)| one.eq_ignore_ascii_case(name))
        };
        asked.headers.retain(|(name, _)| !usual(name));
        let sent = BROWSER.iter();
        asked
            .headers
            .extend(sent.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        asked
    }

    /// The most checks that one probe of it can consist of.
    #[must_use]
    pub fn checks(&self) -> usize {
        let addresses = match &self.addresses {
            Addresses::Any => 1,
            Addresses::All => super::limits::ADDRESSES,
            Addresses::Pinned(pins) => pins.len().max(1),
        };
        self.urls.len().max(1).saturating_mul(addresses)
    }

    /// A profile of these URLs with every default and without a host, for looking at a site that is in no file.
    #[must_use]
    pub fn of_urls(urls: Vec<Url>, timeout: Duration) -> Self {
        let timeout = timeout.min(Duration::from_secs(10));
        Self {
            name: ProfileName::of_urls(),
            host: None,
            elsewhere: false,
            urls,
            method: "GET".to_owned(),
            contact: None,
            headers: Vec::new(),
            interval: Duration::from_secs(60),
            retry_interval: Duration::from_secs(10),
            timeout,
            connect_timeout: timeout.min(Duration::from_secs(5)),
            failure_threshold: 1,
            success_threshold: 1,
            expect: Expect::by_default().into(),
            slow: None,
            redirects: 5,
            max_body: 1 << 20,
            addresses: Addresses::Any,
            tls: Tls::by_default().into(),
            maintenance: Vec::new(),
            cache_bypass: CacheBypass::Off,
            expectation: 0,
            fingerprint: 0,
        }
    }
}

/// A machine on which actions run.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name.
    pub name: HostName,
    /// What the OpenSSH client is given: `user@host`, `ssh://user@host:2222`, an alias of its configuration.
    pub ssh: String,
    /// Where people log in to it, for the command that messages offer; probe itself never does.
    pub operator_ssh: Option<String>,
    /// `-i`, with `IdentitiesOnly`.
    pub identity_file: Option<PathBuf>,
    /// `UserKnownHostsFile`.
    pub known_hosts_file: Option<PathBuf>,
    /// `probe-agent` is installed there: it is given orders, not commands.
    pub agent: bool,
    /// Look at it before it is restarted.
    pub diagnose: bool,
    /// What must be left on it for a restart.
    pub guards: Guards,
    /// How it is restarted.
    pub restart: Restart,
    /// Changes when, and only when, the configuration of this host changes.
    pub fingerprint: u64,
}

impl Host {
    /// Whether its login leads to our own machine, as far as the destination itself says.
    #[must_use]
    pub fn is_here(&self) -> bool {
        let plain = self.ssh.strip_prefix("ssh://").unwrap_or(&self.ssh);
        let host = plain.rsplit_once('@').map_or(plain, |(_, host)| host);
        let bare = host.parse::<IpAddr>().ok().or_else(|| {
            let authority: Option<SocketAddr> = host.parse().ok();
            let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
            authority
                .map(|address| address.ip())
                .or_else(|| bracketed.and_then(|host| host.parse().ok()))
        });
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        bare.map_or_else(
            || name.eq_ignore_ascii_case("localhost"),
            |ip| ip.to_canonical().is_loopback(),
        )
    }
}

/// What must be left on a host, so that a restart does not make it worse. Shares are per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// Of the fullest file system.
    pub disk_free: u8,
    /// Of its inodes.
    pub inodes_free: u8,
    /// Of memory, without swapping.
    pub memory_available: u8,
    /// The server must accept its own configuration.
    pub config_test: bool,
}

impl Guards {
    /// A restart writes a pid file and some log lines, and needs as much memory as the server had: a little free space
    /// is enough, none is not.
    #[must_use]
    pub const fn by_default() -> Self {
        Self {
            disk_free: 3,
            inodes_free: 3,
            memory_available: 5,
            config_test: true,
        }
    }
}

/// Where the status page is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPage {
    /// The address and port.
    pub listen: SocketAddr,
    /// What may stand in `Host` beside addresses and `localhost`, in small letters.
    pub names: Vec<String>,
}

/// How a host is restarted.
#[derive(Debug, Clone, PartialEq)]
pub struct Restart {
    /// The ladder: first attempt, second, …; the last repeats. Never empty.
    pub commands: Vec<Rung>,
    /// A person allows rungs that may take the whole machine down.
    pub allow_reboot: bool,
    /// Of one command.
    pub timeout: Duration,
    /// After a command ended, before probes count again.
    pub settle: Duration,
    /// Between attempts.
    pub backoff: Backoff,
    /// Attempts allowed in a window of time.
    pub budget: Budget,
    /// Attempts after which a person must look. Ten minutes of proven health reset the count.
    pub give_up_after: u32,
    /// What a restart is tried for.
    pub causes: Vec<Cause>,
    /// How many profiles must be down.
    pub when: When,
    /// Whether a person must approve each restart.
    pub mode: Mode,
}

impl Restart {
    /// The rung of attempt `number`, from 1.
    #[must_use]
    pub fn rung(&self, number: u32) -> Rung {
        let index = (number.max(1) as usize - 1).min(self.commands.len().saturating_sub(1));
        self.commands.get(index).cloned().unwrap_or_default()
    }
}

/// Something that answers whenever our own network works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canary {
    /// `http://` or `https://`: any HTTP answer counts.
    Http(Url),
    /// `tcp://`: an accepted connection counts.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Our own network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Empty: people chose to restart without that safeguard.
    pub canaries: Vec<Canary>,
}

/// An outside watcher that is told that we live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Where it is told.
    pub watcher: Endpoint,
    /// How often, at most.
    pub every: Duration,
}
