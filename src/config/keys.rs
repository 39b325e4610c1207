//! The keys of the configuration, each declared once: what it takes, what stands for it where it is not written, and a sentence.
//!
//! A section is read by its table ([`Section`](super::section::Section)): what stands in none of it is unknown, ranges and defaults are those
//! of the table. `check --effective` writes the keys in its order, and `probe schema` is made of it ([`schema`](super::schema)), and
//! `docs/configuration.md` of that.
//!
//! A rule between two values is no part of a table; it stands with the section that reads them.

use std::time::Duration;

use crate::model::limits;

use super::value::{LEAST, LONGEST};

/// One key of a section.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) takes: Takes,
    /// What it is where it is not written.
    pub(super) absent: Absent,
    /// What it is for: sentences, in Markdown.
    pub(super) help: &'static str,
}

/// What is so where a key is not written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Absent {
    /// It must be written.
    Required,
    /// Nothing stands for it.
    Nothing,
    /// This, as it would be written.
    Is(&'static str),
}

/// What a key takes; `null` stands for "not given" everywhere.
#[derive(Debug)]
pub(super) enum Takes {
    /// Text; an example.
    Text(&'static str),
    /// `true` or `false`.
    Flag,
    /// A whole number, from the first to the second.
    Whole(u32, u32),
    /// A number, likewise.
    Number(f64, f64),
    /// A duration, likewise.
    Span(Duration, Duration),
    /// A size, likewise.
    Size(u64, u64),
    /// A share of the whole, up to so many percent.
    Share(u8),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of so many at most.
    List(&'static Takes, usize),
    /// The same, or one by itself.
    OneOrList(&'static Takes, usize),
    /// A section.
    Section(&'static [Key]),
    /// A mapping of names that people choose.
    Named(&'static Takes),
    /// One of these.
    Either(&'static [Takes]),
    /// The word of a cause.
    Cause,
    /// Any value.
    Any,
}

use Absent::{Is, Nothing, Required};
use Takes::{
    Any, Either, Flag, List, Named, Number, OneOrList, Section, Share, Size, Span, Text, Whole,
    Word,
};

const fn key(name: &'static str, takes: Takes, absent: Absent, help: &'static str) -> Key {
    Key {
        name,
        takes,
        absent,
        help,
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Least interval: what is shorter is a load test.
const EVERY: Duration = Duration::from_millis(100);

/// URLs of one profile: they are asked one after the other or side by side within one interval.
pub(super) const URLS: usize = 64;

/// Pinned addresses of one profile; each is tried in turn within one timeout.
pub(super) const PINNED: usize = 8;

/// Maintenance windows of one profile.
pub(super) const WINDOWS: usize = 16;

/// Canaries asked at once before each restart.
pub(super) const CANARIES: usize = 16;

/// Recipients of every mail; more than this is a mailing list's work.
pub(super) const RECIPIENTS: usize = 50;

/// Relays that are tried in order.
pub(super) const RELAYS: usize = 8;

/// Webhooks: each event is posted to all of them.
pub(super) const WEBHOOKS: usize = 20;

/// Words of a command.
pub(super) const WORDS: usize = 64;

/// No limit of its own.
const ANY_NUMBER: usize = usize::MAX;

const URL: Takes = Text("https://www.example.org/");
const ADDRESS: Takes = Text("192.0.2.10");
const PATH: Takes = Text("/etc/probe/file");

/// The whole document.
pub(super) const ROOT: &[Key] = &[
    key(
        "defaults",
        Section(PROFILE),
        Nothing,
        "What profiles do not say themselves, key by key.",
    ),
    key(
        "network",
        Section(NETWORK),
        Nothing,
        "How it is known that our own network works.",
    ),
    key(
        "hosts",
        Named(&Section(HOST)),
        Nothing,
        "The machines on which a web server may be restarted, by name.",
    ),
    key(
        "profiles",
        Named(&Section(PROFILE)),
        Required,
        "The sites that are watched, by name.",
    ),
    key(
        "alerts",
        Section(ALERTS),
        Nothing,
        "Who is told, and in which words. Where nobody is meant to be, `{}` says so.",
    ),
    key(
        "heartbeat",
        Section(HEARTBEAT),
        Nothing,
        "An outside watcher that is told that `probe` lives. Silence is its alarm.",
    ),
    key(
        "status_page",
        Section(STATUS_PAGE),
        Nothing,
        "Where a page for people, metrics and the state of everything are served. There is no login.",
    ),
];

/// `network`.
pub(super) const NETWORK: &[Key] = &[key(
    "canaries",
    OneOrList(&Text("tcp://192.0.2.1:53"), CANARIES),
    Nothing,
    "Sites and ports that answer whenever our own network works: no failure counts before one of them has answered. It must be \
     written where there are hosts; `[]` restarts without that safeguard.",
)];

/// A profile, and `defaults`.
pub(super) const PROFILE: &[Key] = &[
    key(
        "host",
        Text("web1"),
        Nothing,
        "The host on which it is served, one of `hosts`. Without it the site is watched only.",
    ),
    key(
        "urls",
        OneOrList(&URL, URLS),
        Nothing,
        "The addresses that are looked at. A profile has at least one.",
    ),
    key(
        "method",
        Text("GET"),
        Is("GET"),
        "The method of the request.",
    ),
    key(
        "contact",
        URL,
        Nothing,
        "Where somebody who sees the probes may learn what they are: `User-Agent: probe/VERSION (+CONTACT)`.",
    ),
    key(
        "headers",
        Named(&Text("text")),
        Nothing,
        "Headers that are sent along.",
    ),
    key(
        "interval",
        Span(EVERY, LONGEST),
        Is("60s"),
        "Between two probes of a site that is well.",
    ),
    key(
        "retry_interval",
        Span(EVERY, LONGEST),
        Is("10s"),
        "Between two probes of a site that is not. At most `interval`.",
    ),
    key(
        "timeout",
        Span(LEAST, LONGEST),
        Is("10s"),
        "For the whole probe of one URL, redirects and body included. At most `interval`.",
    ),
    key(
        "connect_timeout",
        Span(LEAST, LONGEST),
        Is("5s"),
        "For one TCP connect. At most `timeout`.",
    ),
    key(
        "failure_threshold",
        Whole(1, 100),
        Is("3"),
        "So many failures in a row make it down.",
    ),
    key(
        "success_threshold",
        Whole(1, 100),
        Is("2"),
        "So many successes in a row end an incident.",
    ),
    key(
        "expect",
        Section(EXPECT),
        Nothing,
        "What a response must be like.",
    ),
    key(
        "slow",
        Span(LEAST, LONGEST),
        Nothing,
        "A good response that takes longer is remarked. Less than `timeout`.",
    ),
    key(
        "redirects",
        Whole(0, 20),
        Is("5"),
        "So many redirects are followed.",
    ),
    key(
        "max_body",
        Size(limits::BODY_CAP.0, limits::BODY_CAP.1),
        Is("1MiB"),
        "So much of a body is read.",
    ),
    key(
        "addresses",
        Either(&[Word(&["any", "all"]), List(&ADDRESS, PINNED)]),
        Is("any"),
        "`any` asks one address of the name, `all` asks each, a list asks these and no name server.",
    ),
    key(
        "tls",
        Section(TLS),
        Nothing,
        "How the certificate is judged.",
    ),
    key(
        "maintenance",
        List(&Section(WINDOW), WINDOWS),
        Nothing,
        "When people work on it: a failure in one of these windows counts for nothing.",
    ),
    key(
        "cache_bypass",
        Word(&["off", "wordpress"]),
        Is("off"),
        "`wordpress` asks in a way that page caches let through, so that PHP and the database answer.",
    ),
];

/// `expect`.
pub(super) const EXPECT: &[Key] = &[
    key(
        "status",
        OneOrList(&Either(&[Whole(100, 599), Text("200-399")]), ANY_NUMBER),
        Is("200-399"),
        "Statuses that are well, single ones or ranges.",
    ),
    key(
        "contains",
        OneOrList(&Text("Shop"), ANY_NUMBER),
        Nothing,
        "Texts that must stand in the page.",
    ),
    key(
        "not_contains",
        OneOrList(&Text("Fatal error"), ANY_NUMBER),
        Nothing,
        "Texts that must not.",
    ),
    key(
        "matches",
        Text("\\d+ items"),
        Nothing,
        "A regular expression that must match the page.",
    ),
    key(
        "header",
        Named(&Text("text")),
        Nothing,
        "Headers that must be there, with texts that must stand in them.",
    ),
    key(
        "json",
        Named(&Any),
        Nothing,
        "JSON Pointers (RFC 6901) with the values that must stand there.",
    ),
    key(
        "min_size",
        Size(0, limits::BODY_CAP.1),
        Nothing,
        "The least size of a body.",
    ),
    key(
        "addresses",
        OneOrList(&ADDRESS, ANY_NUMBER),
        Nothing,
        "Addresses, of which the one that was asked must be one.",
    ),
];

/// `tls`.
pub(super) const TLS: &[Key] = &[
    key(
        "ca_file",
        PATH,
        Nothing,
        "Roots in PEM, trusted in place of the system's.",
    ),
    key("crl_file", PATH, Nothing, "Revocation lists in PEM or DER."),
    key(
        "client_cert_file",
        PATH,
        Nothing,
        "A certificate that is shown, in PEM. Needs `client_key_file`.",
    ),
    key(
        "client_key_file",
        PATH,
        Nothing,
        "Its key. Needs `client_cert_file`.",
    ),
    key(
        "verify",
        Flag,
        Is("true"),
        "`false` notices no bad certificate.",
    ),
    key(
        "warn_before",
        OneOrList(&Span(SECOND, LONGEST), ANY_NUMBER),
        Is("21d, 7d, 1d"),
        "So long before a certificate ends people are warned, once for each. `[]` warns never.",
    ),
];

/// A maintenance window.
pub(super) const WINDOW: &[Key] = &[
    key(
        "cron",
        Text("0 3 * * 0"),
        Required,
        "When it begins: minute, hour, day of month, month, day of week.",
    ),
    key(
        "for",
        Span(MINUTE, Duration::from_secs(7 * 24 * 3600)),
        Required,
        "How long it lasts.",
    ),
    key(
        "timezone",
        Text("Asia/Tokyo"),
        Required,
        "Whose clock is meant, by its name in the tz database.",
    ),
];

/// A host.
pub(super) const HOST: &[Key] = &[
    key(
        "ssh",
        Text("probe@web1.example.com"),
        Required,
        "Where to log in: `user@host`, `ssh://user@host:2222`, an alias of ssh's own configuration, or `localhost`.",
    ),
    key(
        "operator_ssh",
        Text("admin@web1.example.com"),
        Nothing,
        "Where people log in, in the form of `ssh`: the command that mails offer. Without it they offer none, for probe's own login is not theirs.",
    ),
    key(
        "identity_file",
        PATH,
        Nothing,
        "The private key. Without it ssh's own configuration decides.",
    ),
    key(
        "known_hosts_file",
        PATH,
        Nothing,
        "The host's key. Without it ssh's own configuration decides.",
    ),
    key(
        "agent",
        Flag,
        Is("false"),
        "`probe-agent` is installed there: the login may do nothing but look, and restart by the agent's own ladder.",
    ),
    key(
        "diagnose",
        Flag,
        Is("true"),
        "Whether the host is looked at before it is restarted.",
    ),
    key(
        "guards",
        Section(GUARDS),
        Nothing,
        "What must be left on it for a restart.",
    ),
    key(
        "restart",
        Section(RESTART),
        Nothing,
        "How it is restarted. Needed unless `agent: true`.",
    ),
];

/// `guards`.
pub(super) const GUARDS: &[Key] = &[
    key(
        "disk_free",
        Share(50),
        Is("3%"),
        "Least free space of the fullest disk that matters. `0%` switches this guard off, and likewise the next two.",
    ),
    key("inodes_free", Share(50), Is("3%"), "Least free inodes."),
    key(
        "memory_available",
        Share(50),
        Is("5%"),
        "Least available memory.",
    ),
    key(
        "config_test",
        Flag,
        Is("true"),
        "A web server whose configuration does not pass its own test is not restarted.",
    ),
];

/// Rungs of a ladder.
pub(super) const RUNG: &[Key] = &[key(
    "command",
    OneOrList(&Text("/usr/local/bin/reset-vm"), WORDS),
    Required,
    "A program of this machine and its arguments, for a provider that can reset the host.",
)];

const COMMAND: Takes = Text("sudo -n systemctl restart nginx");

/// `restart`.
pub(super) const RESTART: &[Key] = &[
    key(
        "commands",
        Either(&[
            COMMAND,
            List(&Either(&[COMMAND, Section(RUNG)]), ANY_NUMBER),
        ]),
        Nothing,
        "The ladder: the first attempt runs the first, the last is repeated. A text runs on the host over SSH. Needed unless the host has `agent: true`.",
    ),
    key(
        "allow_reboot",
        Flag,
        Is("false"),
        "A rung may take the whole machine down.",
    ),
    key("timeout", Span(LEAST, HOUR), Is("120s"), "For one command."),
    key(
        "settle",
        Span(LEAST, HOUR),
        Is("45s"),
        "After a restart no failure counts for so long.",
    ),
    key(
        "backoff",
        Section(BACKOFF),
        Nothing,
        "How long the next attempt waits.",
    ),
    key(
        "budget",
        Section(BUDGET),
        Nothing,
        "How many restarts of a host there may be.",
    ),
    key(
        "give_up_after",
        Whole(1, 100),
        Is("3"),
        "After so many attempts without success the host is left to people.",
    ),
    key(
        "causes",
        List(&Takes::Cause, ANY_NUMBER),
        Nothing,
        "The causes for which it is restarted. Without it: those that show that the server is gone or does not answer, and server errors.",
    ),
    key(
        "mode",
        Word(&["auto", "ask"]),
        Is("auto"),
        "`ask`: all is looked at and decided, and a person runs `probe approve HOST`.",
    ),
    key(
        "when",
        Either(&[
            Word(&["auto", "any", "all"]),
            Whole(1, 100_000),
            Text("50%"),
        ]),
        Is("auto"),
        "How many of its profiles must be down: `any`, `all`, a number, a share; `auto` lets one speak for all where the server is gone, and else wants all.",
    ),
];

/// `backoff`.
pub(super) const BACKOFF: &[Key] = &[
    key(
        "initial",
        Span(LEAST, LONGEST),
        Is("60s"),
        "After the first attempt. Restarts are never closer than 30s.",
    ),
    key(
        "factor",
        Number(1.0, 100.0),
        Is("2"),
        "Each wait is so many times the one before.",
    ),
    key(
        "max",
        Span(LEAST, LONGEST),
        Is("30m"),
        "The longest wait. At least `initial`.",
    ),
];

/// `budget`.
pub(super) const BUDGET: &[Key] = &[
    key(
        "restarts",
        Whole(1, 1000),
        Is("3"),
        "So many restarts of the host within `per`.",
    ),
    key(
        "per",
        Span(MINUTE, limits::REMOVED_MEMORY),
        Is("1h"),
        "The time in which there may be `restarts`, whatever they were for.",
    ),
];

/// `alerts`.
pub(super) const ALERTS: &[Key] = &[
    key("email", Section(EMAIL), Nothing, "Who is told by mail."),
    key(
        "command",
        OneOrList(&Text("/usr/local/bin/notify"), WORDS),
        Nothing,
        "A program, by its whole path, and its arguments: it gets each event as a JSON document on its standard input.",
    ),
    key(
        "webhooks",
        OneOrList(&Section(WEBHOOK), WEBHOOKS),
        Nothing,
        "Services to which each event is posted.",
    ),
    key(
        "timezone",
        Text("Asia/Tokyo"),
        Nothing,
        "By whose clock people are told, by its name in the tz database. Without it by this machine's.",
    ),
    key(
        "templates",
        PATH,
        Nothing,
        "A directory of own words: `*.txt` files that replace pieces of ours.",
    ),
];

/// `alerts.email`.
pub(super) const EMAIL: &[Key] = &[
    key(
        "from",
        Text("probe@monitor.example.com"),
        Required,
        "The sender.",
    ),
    key(
        "to",
        OneOrList(&Text("ops@example.com"), RECIPIENTS),
        Required,
        "Who is told.",
    ),
    key(
        "smtp",
        Either(&[Section(RELAY), List(&Section(RELAY), RELAYS)]),
        Required,
        "The mail servers that are tried, in order.",
    ),
    key(
        "hello",
        Text("mon1.example.com"),
        Nothing,
        "The name that mail servers are greeted with (EHLO): a full name, or an address in brackets. Without it this machine's full name, else its address.",
    ),
    key(
        "language",
        Word(&["en", "ja"]),
        Is("en"),
        "In which language.",
    ),
    key(
        "reminder_interval",
        Either(&[Word(&["off"]), Span(SECOND, LONGEST)]),
        Is("4h"),
        "Between two reminders of an incident that lasts; each waits twice as long as the one before, up to a day.",
    ),
    key(
        "report",
        Word(&["weekly"]),
        Nothing,
        "`weekly` tells each Monday how the week was.",
    ),
];

/// A mail server.
pub(super) const RELAY: &[Key] = &[
    key(
        "url",
        Text("smtps://user@mail.example.com"),
        Required,
        "`smtps://`, `smtp+starttls://`, `smtp+plain://` (this machine only, unless `insecure: true`), or a program: `sendmail:///usr/sbin/sendmail`.",
    ),
    key(
        "password_file",
        PATH,
        Nothing,
        "The file that holds the password: one of these three, where the URL names a user.",
    ),
    key(
        "password_env",
        Text("SMTP_PASSWORD"),
        Nothing,
        "The environment variable that holds it.",
    ),
    key(
        "password_credential",
        Text("smtp"),
        Nothing,
        "The systemd credential that holds it.",
    ),
    key(
        "ca_file",
        PATH,
        Nothing,
        "Roots in PEM, trusted in place of the system's.",
    ),
    key(
        "insecure",
        Flag,
        Is("false"),
        "Mail and password may travel unencrypted.",
    ),
];

/// A webhook.
pub(super) const WEBHOOK: &[Key] = &[
    key(
        "name",
        Text("night-shift"),
        Nothing,
        "What it is called where its messages are shown; messages that wait are for this name. Without it the word of `preset`, or the name of the file of `body`.",
    ),
    key(
        "preset",
        Word(&[
            "event", "slack", "discord", "teams", "ntfy", "line", "chatwork",
        ]),
        Nothing,
        "The service. `event` posts the document that `command` gets; `slack` is also for Mattermost, Rocket.Chat and Google Chat. Exactly one of this and `body`.",
    ),
    key(
        "body",
        Text("/etc/probe/pager.json"),
        Nothing,
        "A template of one's own: `{{ subject }}` puts in a key of the document that `command` gets. In a `*.json` each value is written as JSON, quotation marks included.",
    ),
    key(
        "url",
        Text("https://ntfy.example.com/alerts"),
        Nothing,
        "The address: one of these four. That of `slack`, `discord` and `teams` is a secret and cannot stand here; `line` needs none.",
    ),
    key("url_file", PATH, Nothing, "The file that holds it."),
    key(
        "url_env",
        Text("SLACK_URL"),
        Nothing,
        "The environment variable that holds it.",
    ),
    key(
        "url_credential",
        Text("slack"),
        Nothing,
        "The systemd credential that holds it.",
    ),
    key(
        "token_file",
        PATH,
        Nothing,
        "The file that holds a token: one of these three. `line` and `chatwork` need one, `ntfy`, `event` and `body` may have one (`Authorization: Bearer`).",
    ),
    key(
        "token_env",
        Text("LINE_TOKEN"),
        Nothing,
        "The environment variable that holds it.",
    ),
    key(
        "token_credential",
        Text("line"),
        Nothing,
        "The systemd credential that holds it.",
    ),
    key(
        "to",
        Text("U0123456789abcdef0123456789abcdef"),
        Nothing,
        "For `line`: the id of the user, group or room that is told.",
    ),
    key(
        "language",
        Word(&["en", "ja"]),
        Nothing,
        "In which language. Without it that of `email`.",
    ),
];

/// `heartbeat`.
pub(super) const HEARTBEAT: &[Key] = &[
    key(
        "url",
        Text("https://hc.example.com/id"),
        Nothing,
        "The watcher's address: exactly one of these four.",
    ),
    key("url_file", PATH, Nothing, "The file that holds it."),
    key(
        "url_env",
        Text("HEARTBEAT_URL"),
        Nothing,
        "The environment variable that holds it.",
    ),
    key(
        "url_credential",
        Text("heartbeat"),
        Nothing,
        "The systemd credential that holds it.",
    ),
    key(
        "every",
        Span(Duration::from_secs(30), Duration::from_secs(24 * 3600)),
        Is("5m"),
        "How often it is told.",
    ),
];

/// `status_page`.
pub(super) const STATUS_PAGE: &[Key] = &[
    key(
        "listen",
        Text("127.0.0.1:9807"),
        Required,
        "The address and port. Who reaches it can read the state of every site.",
    ),
    key(
        "names",
        List(&Text("mon1.example.com"), ANY_NUMBER),
        Nothing,
        "Names by which it may be asked beside addresses and `localhost`: those of a proxy or a compose file.",
    ),
];

/// What stands for a key that is not written.
pub(super) fn default_of(keys: &[Key], name: &str) -> &'static str {
    let key = keys.iter().find(|key| key.name == name);
    match key.map(|key| key.absent) {
        Some(Absent::Is(text)) => text,
        Some(Absent::Required | Absent::Nothing) | None => "",
    }
}
