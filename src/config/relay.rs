//! One mail server of `alerts.email.smtp`. Its URL is never quoted: it may hold a password that should not be there.

use std::net::IpAddr;

use url::Url;

use crate::model::{Named, Relay, RelaySecurity, Route, SecretSource};

use super::fault::{Fault, Report, Spot};
use super::keys::RELAY;
use super::network::bare_host;
use super::path::{Privacy, file};
use super::placeholder;
use super::request::{ONE_AT, has_two_ats};
use super::section::Section;
use super::tree::Node;
use super::value::text;
use super::yaml::Out;

/// Where the password stands.
pub(super) const PASSWORD: [&str; 3] = ["password_file", "password_env", "password_credential"];

const LIKE: &str = "write `smtps://user@mail.example.com:465`, `smtp+starttls://user@mail.example.com:587`, `smtp+plain://localhost:25` or `sendmail:///usr/sbin/sendmail`";

const TWO_ATS: &str = "holds `@` twice";

/// The schemes with their security and port.
const SCHEMES: [(&str, RelaySecurity, u16); 4] = [
    ("smtps", RelaySecurity::Implicit, 465),
    ("smtp+starttls", RelaySecurity::StartTls, 587),
    ("smtp", RelaySecurity::StartTls, 587),
    ("smtp+plain", RelaySecurity::Plain, 25),
];

/// The scheme of a program.
const PROGRAM: &str = "sendmail";

/// Reads one route; each value that is wrong goes to `report`.
pub(super) fn read(node: &Node, report: &mut Report) -> Option<Route> {
    let section = Section::open(node, RELAY, report)?;
    let url = match section.get("url") {
        Some(node) => text(node, report).and_then(|written| {
            let fault = |bad| {
                let act = if bad == TWO_ATS { ONE_AT } else { LIKE };
                report.fault(Fault::new(&written.spot, bad).act(act));
            };
            let route = parse(&written.value).map_err(fault).ok()?;
            if let Route::Relay(relay) = &route {
                placeholder::remark(&relay.host, &written.spot, report);
            }
            Some((route, written.spot))
        }),
        None => {
            report.fault(Fault::new(&section.spot_of("url"), "missing").act(LIKE));
            None
        }
    };
    let password = secret(&section, PASSWORD, Named::Secret, report);
    let ca_file = section
        .get("ca_file")
        .and_then(|node| file(node, Privacy::Public, report));
    if let Some(roots) = &ca_file {
        report.names(&roots.spot, Named::Roots(roots.value.clone()));
    }
    let insecure = section.flag("insecure", report).filter(|flag| flag.value);
    let (route, spot) = url?;
    let Route::Relay(mut relay) = route else {
        let others = RELAY.iter().map(|key| key.name).filter(|key| *key != "url");
        for key in others.filter(|key| section.get(key).is_some()) {
            report.fault(
                Fault::new(
                    &section.spot_of(key),
                    "a program of this machine needs none",
                )
                .act("leave it out"),
            );
        }
        return Some(route);
    };
    check_user(&relay, &spot, &section, report);
    if relay.security == RelaySecurity::Plain {
        check_plain(&relay, &spot, insecure.is_some(), report);
        if let Some(ca_file) = &ca_file {
            report.fault(
                Fault::new(
                    &ca_file.spot,
                    "without TLS there is no certificate to check",
                )
                .act("leave it out"),
            );
        }
    } else if let Some(insecure) = insecure {
        report.fault(
            Fault::new(&insecure.spot, "only `smtp+plain://` can be insecure").act("leave it out"),
        );
    }
    relay.password = password;
    relay.ca_file = ca_file.map(|found| found.value);
    Some(Route::Relay(relay))
}

fn check_user(relay: &Relay, spot: &Spot, section: &Section<'_>, report: &mut Report) {
    let given = PASSWORD.iter().find(|form| section.get(form).is_some());
    match (&relay.user, given) {
        (Some(_), None) => report.fault(
            Fault::new(spot, "names a user without a password")
                .act("add one of `password_file`, `password_env`, `password_credential`"),
        ),
        (None, Some(form)) => report.fault(
            Fault::new(&section.spot_of(form), "a password without a user")
                .act("write the user into the URL, `smtps://user@…`"),
        ),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn check_plain(relay: &Relay, spot: &Spot, insecure: bool, report: &mut Report) {
    match (is_loopback(&relay.host), insecure) {
        (true, _) => {}
        (false, true) => report.warn(
            Fault::new(spot, "mail and password travel unencrypted")
                .act("write `smtp+starttls://` if the server can"),
        ),
        (false, false) => report.fault(
            Fault::new(spot, "`smtp+plain://` is for this machine only")
                .act("write `smtp+starttls://` or `smtps://`, or add `insecure: true`"),
        ),
    }
}

/// Whether a relay's host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn parse(written: &str) -> Result<Route, &'static str> {
    let url = Url::parse(written).map_err(|_| "not a mail server's URL")?;
    if has_two_ats(written) {
        return Err(TWO_ATS);
    }
    if url.scheme() == PROGRAM {
        return program(&url);
    }
    let (_, security, port) = SCHEMES
        .iter()
        .find(|(scheme, _, _)| *scheme == url.scheme())
        .ok_or("not a mail server's URL")?;
    if url.password().is_some() {
        return Err("a password in the URL; put it in a file and name it with `password_file`");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("a mail server's URL ends after the port");
    }
    let host = bare_host(&url).ok_or("a mail server's URL without a host")?;
    let user = match url.username() {
        "" => None,
        user => Some(percent_decode(user).ok_or("the user in the URL is not valid text")?),
    };
    Ok(Route::Relay(Relay {
        host,
        port: url.port().unwrap_or(*port),
        security: *security,
        user,
        password: None,
        ca_file: None,
    }))
}

/// A program that takes mail as sendmail does.
fn program(url: &Url) -> Result<Route, &'static str> {
    let more = url.query().is_some() || url.fragment().is_some();
    if url.host_str().is_some_and(|host| !host.is_empty()) || more {
        return Err("a program is named by its path alone, after three slashes");
    }
    let path = percent_decode(url.path()).ok_or("the path in the URL is not valid text")?;
    if !path.starts_with('/') || path.ends_with('/') {
        return Err("a program is named by its path alone, after three slashes");
    }
    Ok(Route::Program(path))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |b: u8| char::from(b).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.chars().any(char::is_control))
}

/// A user name as it stands in a relay's URL.
pub(super) fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut shown, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            shown.push_str(&format!("%{byte:02X}"));
        }
        shown
    })
}

/// The secret that stands under exactly one of these keys: a file, an environment variable, a credential of systemd.
pub(super) fn secret(
    section: &Section<'_>,
    forms: [&str; 3],
    as_what: fn(SecretSource) -> Named,
    report: &mut Report,
) -> Option<SecretSource> {
    let [in_file, in_env, in_credential] = forms;
    let named = |key: &str, fits: fn(&str) -> bool, report: &mut Report| {
        let written = section.get(key).and_then(|node| text(node, report))?;
        if fits(&written.value) {
            return Some(written.value);
        }
        report.fault(
            Fault::new(&written.spot, "not a name")
                .act("write the name under which the secret is found, never the secret itself"),
        );
        None
    };
    let from_file = section
        .get(in_file)
        .and_then(|node| file(node, Privacy::Owner, report))
        .map(|found| SecretSource::File(found.value));
    let from_env = named(in_env, is_variable, report).map(SecretSource::Environment);
    let from_credential = named(in_credential, is_credential, report).map(SecretSource::Credential);
    let mut given = forms.iter().filter(|form| section.get(form).is_some());
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        report.fault(
            Fault::new(&section.spot_of(second), format!("stands beside `{first}`"))
                .act("keep one of them"),
        );
    }
    let found = from_file.or(from_env).or(from_credential);
    let place = forms.iter().find(|form| section.get(form).is_some());
    if let (Some(source), Some(form)) = (&found, place) {
        report.names(&section.spot_of(form), as_what(source.clone()));
    }
    found
}

/// A secret's key and value as they are written.
pub(super) fn secret_tree(forms: [&str; 3], source: &SecretSource) -> (String, Out) {
    let [in_file, in_env, in_credential] = forms;
    let (key, value) = match source {
        SecretSource::File(path) => (in_file, path.to_string_lossy().into_owned()),
        SecretSource::Environment(name) => (in_env, name.clone()),
        SecretSource::Credential(name) => (in_credential, name.clone()),
    };
    (key.to_owned(), Out::Text(value))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_credential(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= 255
        && name
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'/' && b != b':')
}
