//! Why nothing is restarted, what a cause means, and times of day, in sentences for people; the mails and the terminal
//! speak with these words.
//!
//! Every [`Hold`] is one or two calm sentences: the reason, until when where that is known (`HH:MM:SS UTC`; with the
//! date where it may be another day), and what a person can do where they can do something.

use std::time::Duration;

use crate::model::{Cause, Hold, Timestamp, limits};

use super::ailment;
use super::duration::span;

/// From this window on, "until 06:00:41" may mean another day, so that the date is said too.
const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);

/// `06:00:41 UTC`.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    format_as(at, "%H:%M:%S UTC")
}

/// `06:00 UTC`.
#[must_use]
pub fn minute(at: Timestamp) -> String {
    format_as(at, "%H:%M UTC")
}

/// `22 Nov 2026, 06:00:41 UTC`.
#[must_use]
pub fn day_clock(at: Timestamp) -> String {
    format_as(at, "%-d %b %Y, %H:%M:%S UTC")
}

/// Whether two instants fall on the same day in UTC.
#[must_use]
pub fn same_day(one: Timestamp, other: Timestamp) -> bool {
    const DAY: i64 = 86_400_000;
    one.0.div_euclid(DAY) == other.0.div_euclid(DAY)
}

fn format_as(at: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(
        |_| "an unknown time".to_owned(),
        |instant| instant.strftime(format).to_string(),
    )
}

/// Why `host` is not being restarted: until when, and what a person can do.
///
/// `wall` turns an instant of the fleet's line of time into one of the wall clock; where the hold comes from a
/// [`crate::model::Notification`] its instants are on the wall clock already.
#[must_use]
pub fn hold(hold: &Hold, host: &str, wall: impl Fn(Timestamp) -> Timestamp) -> String {
    match hold {
        Hold::NotConfirmed {
            failures,
            threshold,
        } => format!(
            "Not confirmed yet: {failures} of {threshold} failures in a row. It is probed again before anything is \
             restarted."
        ),
        Hold::CauseExcluded { cause } => format!(
            "{host} is not restarted for `{}` ({}): it is not among the `restart.causes` of this host. A person must \
             mend it.",
            cause.word(),
            cause.phrase()
        ),
        Hold::NotEnoughDown {
            down,
            needed,
            watched,
        } => format!(
            "{down} of the {watched} sites watched on {host} {} down, and a restart needs {needed} (`restart.when`): \
             the server still answers for the others.",
            if *down == 1 { "is" } else { "are" }
        ),
        Hold::Paused { until, reason } => paused(*until, reason.as_deref(), host),
        Hold::Window { profile, until } => format!(
            "{profile} is in its maintenance window, so {host} is not restarted until {}; after that its failures \
             are counted anew.",
            day_clock(wall(*until))
        ),
        Hold::Quarantine { until } => format!(
            "The memory of past restarts was damaged and moved aside, so nothing is restarted until {}. If it cannot \
             wait, restart the web server by hand.",
            day_clock(wall(*until))
        ),
        Hold::StateUnwritable => {
            "The state directory cannot be written, and no restart is made that could not be \
             remembered. Free disk space or mend the directory's permissions; it goes on by itself."
                .to_owned()
        }
        Hold::NetworkDown => {
            "No canary answers: the network of the watching machine is down, so what it sees of \
             the sites proves nothing. It goes on by itself when a canary answers."
                .to_owned()
        }
        Hold::AwaitingProbe => {
            "The wait is over; the site is being probed at this moment, and its answer comes first."
                .to_owned()
        }
        Hold::AwaitingCanary => {
            "A canary is asked first whether the watching machine is online; that takes seconds."
                .to_owned()
        }
        Hold::Restarting => format!("A restart of {host} is under way."),
        Hold::Settling { until } => format!(
            "The last restart of {host} has until {} to take effect; then the probes decide whether it helped.",
            clock(wall(*until))
        ),
        Hold::Backoff { until } => format!(
            "It is too soon after the last restart of {host}; the next one may begin at {}.",
            clock(wall(*until))
        ),
        Hold::Budget {
            restarts,
            per,
            until,
        } => {
            let until = wall(*until);
            let until = if *per >= HALF_A_DAY {
                day_clock(until)
            } else {
                clock(until)
            };
            format!(
                "The budget of {host} is spent: {} in {}. The next restart may begin at {until}. If it cannot wait, \
                 restart the web server by hand.",
                restarts_counted(*restarts as usize),
                span(*per)
            )
        }
        Hold::FleetBusy { host: other } => {
            format!("{other} is being restarted, one host at a time; {host} waits for its turn.")
        }
        Hold::FleetBudget { until } => format!(
            "All hosts together were restarted {} times within {}. The next restart may begin at {}. Look for what \
             the failing hosts share.",
            limits::FLEET_RESTARTS_PER_HOUR,
            span(limits::FLEET_BUDGET_WINDOW),
            clock(wall(*until))
        ),
        Hold::MassFailure { failing, hosts } => format!(
            "{failing} of {hosts} hosts fail at the same time, which points at something they share, or at the \
             watching machine itself. Nothing is restarted until fewer fail. Look at what they share: network, \
             provider, DNS."
        ),
        Hold::AwaitingFacts => {
            format!("{host} is being looked at first; that takes seconds.")
        }
        Hold::Unseen { reason, until } => format!(
            "{host} could be reached and not looked at ({reason}). Where that is for want of memory or processes a restart \
             makes it worse, so nothing is restarted; it is looked at again at {}. Log in and see what it is busy with.",
            clock(wall(*until))
        ),
        Hold::Ailing { ailment, until, .. } => format!(
            "{} Nothing is restarted; it is looked at again at {}.",
            ailment::sentence(*ailment, host),
            clock(wall(*until))
        ),
        Hold::GaveUp { reason } => format!(
            "Given up on {host}: {}. Nothing more is restarted until a person has looked; `probe resume {host}` \
             re-arms.",
            reason.trim_end_matches('.')
        ),
    }
}

fn paused(until: Option<Timestamp>, reason: Option<&str>, host: &str) -> String {
    let end = until.map_or_else(
        || "until somebody resumes them".to_owned(),
        |until| format!("until {}", day_clock(until)),
    );
    let why = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("Restarts of {host} are paused {end}{why}. `probe resume {host}` ends the pause.")
}

/// `1 restart`, `3 restarts`.
#[must_use]
pub fn restarts_counted(count: usize) -> String {
    if count == 1 {
        "1 restart".to_owned()
    } else {
        format!("{count} restarts")
    }
}

/// The reason of a hold in a few words, for subjects and table cells: `budget spent`.
#[must_use]
pub const fn hold_phrase(hold: &Hold) -> &'static str {
    match hold {
        Hold::NotConfirmed { .. } => "not confirmed yet",
        Hold::CauseExcluded { .. } => "a restart would not mend it",
        Hold::NotEnoughDown { .. } => "other sites still answer",
        Hold::Paused { .. } => "paused",
        Hold::Window { .. } => "in a maintenance window",
        Hold::Quarantine { .. } => "memory of past restarts lost",
        Hold::StateUnwritable => "state cannot be written",
        Hold::NetworkDown => "our own network is down",
        Hold::AwaitingCanary => "asking a canary first",
        Hold::AwaitingProbe => "looking once more first",
        Hold::Restarting => "a restart is under way",
        Hold::Settling { .. } => "waiting for the last restart to take effect",
        Hold::Backoff { .. } => "too soon after the last restart",
        Hold::Budget { .. } => "budget spent",
        Hold::FleetBusy { .. } => "another host is being restarted",
        Hold::FleetBudget { .. } => "budget of all hosts spent",
        Hold::MassFailure { .. } => "many hosts fail at once",
        Hold::AwaitingFacts => "looking at the host first",
        Hold::Unseen { .. } => "the host cannot be looked at",
        Hold::Ailing { ailment, .. } => ailment::phrase(*ailment),
        Hold::GaveUp { .. } => "gave up",
    }
}

/// What a cause means, in one sentence for somebody who was asleep a minute ago.
#[must_use]
pub const fn cause_sentence(cause: Cause) -> &'static str {
    match cause {
        Cause::Refused => {
            "The machine answers, but nothing listens on the port: the web server has stopped."
        }
        Cause::ConnectTimeout => {
            "Nothing answered the connection: the machine hangs, is off, or a firewall is silent."
        }
        Cause::Reset => {
            "The connection was cut at once: the web server crashed or something before it refuses."
        }
        Cause::Closed => "The web server took the connection and closed it without a word.",
        Cause::ResponseTimeout => {
            "The web server takes requests but does not finish answering: it is stuck or overloaded."
        }
        Cause::Truncated => "The answer began and broke off in the middle.",
        Cause::TlsTimeout => {
            "The port is open, but the TLS handshake never ends: the web server is stuck."
        }
        Cause::ServerError => "The web server answers with an error of its own (5xx).",
        Cause::Unreachable => {
            "A router says that this address cannot be reached: a network fault, not the web server."
        }
        Cause::HostUnreachable => {
            "Neither the site nor SSH answers: the whole machine or its network is gone."
        }
        Cause::Dns => "The name has no usable address: a fault of DNS, not of the web server.",
        Cause::TlsCertificate => {
            "The web server works, but browsers will not accept its certificate."
        }
        Cause::TlsHandshake => "The web server works, but TLS cannot be agreed with it.",
        Cause::NotTls => "Something other than TLS answers on the TLS port.",
        Cause::Protocol => "Something answers, but it is not valid HTTP.",
        Cause::Encoding => "The page arrives, but its compression is broken.",
        Cause::HeadersTooLarge => "The answer has more headers than any sane site sends.",
        Cause::Status => "The web server works and answers with a status that is not expected.",
        Cause::Content => "The web server works, but the page is not what is expected.",
        Cause::Redirect => "The site redirects to where it should not, or without end.",
        Cause::Maintenance => "The site says that it is in maintenance.",
        Cause::Slow => "The site answers correctly, but slowly.",
        Cause::FamilyDown => "The site answers over one of IPv4 and IPv6 only.",
        Cause::CertificateExpiring => "The certificate ends soon and has not been renewed.",
        Cause::Monitor => {
            "The watching machine could not tell: its own network, DNS or limits stood in the way."
        }
    }
}
