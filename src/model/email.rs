//! How mail leaves: sender, recipients, the routes that are tried in order and the name that relays are greeted with, as people
//! configured them.
//!
//! A [`Detour`] remembers which route took a mail when the first one did not.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SecretSource, Timestamp, limits};

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelaySecurity {
    /// `smtps://`: TLS from the first byte.
    Implicit,
    /// `smtp+starttls://`: STARTTLS required before anything else.
    StartTls,
    /// `smtp+plain://`: no TLS; loopback only unless `insecure: true`.
    Plain,
}

/// A mail server that takes our mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS.
    pub security: RelaySecurity,
    /// User name for authentication.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<SecretSource>,
    /// PEM roots in place of the machine's.
    pub ca_file: Option<PathBuf>,
}

/// One way for mail to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A mail server.
    Relay(Relay),
    /// `sendmail:///usr/sbin/sendmail`: a program of this machine, by its path.
    Program(String),
}

/// Mail.
#[derive(Debug, Clone)]
pub struct Email {
    /// `Name <local@domain>`.
    pub from: String,
    /// One envelope each.
    pub to: Vec<String>,
    /// Tried in order.
    pub routes: Vec<Route>,
    /// What relays are greeted with; `None`: what this machine is.
    pub hello: Option<Hello>,
    /// Whether a report of the week leaves each Monday.
    pub report: bool,
    /// Between two reminders of one open incident; `None`: no reminders.
    pub reminder_interval: Option<Duration>,
}

impl Route {
    /// `host:port`, or the program's path.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Relay(relay) => format!("{}:{}", relay.host, relay.port),
            Self::Program(path) => path.clone(),
        }
    }
}

impl From<Relay> for Route {
    fn from(relay: Relay) -> Self {
        Self::Relay(relay)
    }
}

/// The name in a greeting (EHLO): a full name, or an address in brackets, as RFC 5321 (4.1.3, 4.1.4) wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello(String);

impl Hello {
    /// A full name in ASCII with a dot in it (`mon1.example.com`), or an address in brackets (`[192.0.2.10]`, `[IPv6:2001:db8::1]`). A name
    /// below `localhost` or `localdomain` is every machine's, and no full name.
    #[must_use]
    pub fn try_new(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            let six = inside
                .get(..5)
                .filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
            return match six {
                Some(_) => inside.get(5..)?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
                None => inside.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            }
            .map(Self::address);
        }
        let labels: Vec<&str> = text.split('.').collect();
        let nobodys = |last: &&str| {
            ["localhost", "localdomain"].contains(&last.to_ascii_lowercase().as_str())
                || last.bytes().all(|b| b.is_ascii_digit())
        };
        let full = labels.len() > 1
            && text.len() <= 253
            && labels.iter().all(|label| is_label(label))
            && !labels.last().is_some_and(nobodys);
        full.then(|| Self(text.to_owned()))
    }

    /// An address in brackets.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(four) => Self(format!("[{four}]")),
            IpAddr::V6(six) => Self(format!("[IPv6:{six}]")),
        }
    }
}

impl fmt::Display for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The route that took a mail when the first one did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detour {
    /// [`Route::name`].
    pub relay: String,
    /// When it first did so, on the fleet's line of time.
    pub since: Timestamp,
}

impl Detour {
    /// For [`limits::RELAY_DISTRUST`] the relays before it are asked only after it: they did not work, and each `probe
    /// once` would have to find that out anew. After that time the configured order holds again.
    fn holds(&self, now: Timestamp) -> bool {
        now.since(self.since) < limits::RELAY_DISTRUST
    }
}

impl Email {
    /// The detour to remember now that this relay took a mail; `None` for the first relay.
    #[must_use]
    pub fn detour(&self, relay: &str, known: Option<Detour>, now: Timestamp) -> Option<Detour> {
        let first = self.routes.first().map(Route::name);
        if first.as_deref() == Some(relay) {
            return None;
        }
        let same = known.filter(|known| known.relay == relay && known.holds(now));
        Some(same.unwrap_or_else(|| Detour {
            relay: relay.to_owned(),
            since: now,
        }))
    }

    /// The same with the relay of the detour first, while the detour holds.
    #[must_use]
    pub fn by(&self, detour: Option<&Detour>, now: Timestamp) -> Option<Self> {
        let detour = detour.filter(|detour| detour.holds(now))?;
        let taker = |route: &Route| route.name() == detour.relay;
        let place = self.routes.iter().position(taker)?;
        let mut email = self.clone();
        email.routes[..=place].rotate_right(1);
        Some(email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email() -> Email {
        let route = |host: &str| {
            Route::Relay(Relay {
                host: host.to_owned(),
                port: 465,
                security: RelaySecurity::Implicit,
                user: None,
                password: None,
                ca_file: None,
            })
        };
        Email {
            from: "probe@example.com".to_owned(),
            to: vec!["ops@example.com".to_owned()],
            routes: ["a", "b", "c"].map(route).to_vec(),
            hello: None,
            report: false,
            reminder_interval: None,
        }
    }

    fn order(email: &Email) -> String {
        let names = email.routes.iter().map(Route::name);
        names.map(|name| name.replace(":465", "")).collect()
    }

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn a_greeting_has_a_full_name_or_an_address_in_brackets() {
        let long = format!("{}.example.com", "a".repeat(64));
        for (text, shown) in [
            ("mon1.example.com", Some("mon1.example.com")),
            ("Mon-1.example.com", Some("Mon-1.example.com")),
            ("[192.0.2.10]", Some("[192.0.2.10]")),
            ("[IPv6:2001:DB8::1]", Some("[IPv6:2001:db8::1]")),
            ("[ipv6:2001:db8::1]", Some("[IPv6:2001:db8::1]")),
            ("[ipv6:::ffff:192.0.2.1]", Some("[192.0.2.1]")),
            ("[2001:db8::1]", None),
            ("[mon1.example.com]", None),
            ("[IPv6:]", None),
            ("192.0.2.10", None),
            ("2001:db8::1", None),
            ("mon1", None),
            ("localhost", None),
            ("localhost.localdomain", None),
            ("mon1.LocalDomain", None),
            ("a.localhost", None),
            ("mon1.example.com.", None),
            (".example.com", None),
            ("mon_1.example.com", None),
            ("-a.example.com", None),
            ("a-.example.com", None),
            ("mon1.example.com\r\nMAIL", None),
            ("日本.example.com", None),
            (long.as_str(), None),
            ("(none)", None),
            ("", None),
        ] {
            let hello = Hello::try_new(text).map(|hello| hello.to_string());
            assert_eq!(hello.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn who_took_a_mail_that_the_first_did_not_take_is_asked_first_for_a_quarter_of_an_hour() {
        let email = email();
        let detour = email.detour("c:465", None, NOW);
        for (later, wanted) in [(0, Some("cab")), (899_999, Some("cab")), (900_000, None)] {
            let now = NOW + Duration::from_millis(later);
            let found = email.by(detour.as_ref(), now);
            assert_eq!(
                found.map(|email| order(&email)).as_deref(),
                wanted,
                "{later}"
            );
        }
        assert!(email.by(None, NOW).is_none());
    }

    /// Mail after mail by the second must not keep the first from being asked again.
    #[test]
    fn a_detour_is_as_old_as_its_first_mail() {
        let email = email();
        let first = email.detour("b:465", None, NOW);
        let later = NOW + Duration::from_secs(600);
        let again = email.detour("b:465", first.clone(), later);
        assert_eq!(again, first);
        let over = NOW + Duration::from_secs(900);
        let anew = email.detour("b:465", first.clone(), over).unwrap();
        assert_eq!(anew.since, over);
        let other = email.detour("c:465", first.clone(), later).unwrap();
        assert_eq!(other.since, later);
        assert_eq!(
            email.detour("a:465", first, later),
            None,
            "the first works again"
        );
    }

    #[test]
    fn a_relay_that_is_configured_no_more_is_no_detour() {
        let detour = email().detour("gone:25", None, NOW);
        assert!(email().by(detour.as_ref(), NOW).is_none());
    }
}
