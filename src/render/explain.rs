//! Why nothing is restarted and what a cause means, in sentences for people; the mails and the terminal speak with these
//! words. They stand in `words/*/holds.txt` and `words/*/causes.txt`.
//!
//! Every [`Hold`] is one or two calm sentences: the reason, until when where that is known (with the date where it may be
//! another day), and what a person can do where they can do something. A new one does not compile before it has its
//! sentences in every language.

use std::time::Duration;

use minijinja::value::Kwargs;
use minijinja::{Value, context};

use crate::model::{
    Cause, Day, FieldValue, Finding, GivenUp, Hold, NotEvidence, ProfileName, Quoted, Reason,
    Timestamp, limits,
};

use super::ailment;
use super::words::{Key, Voice, key};

/// From this window on, "until 06:00:41" may mean another day, so that the date is said too.
const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);

/// Why `host` is not being restarted: until when, and what a person can do.
///
/// `wall` turns an instant of the fleet's line of time into one of the wall clock; where the hold comes from a
/// [`crate::model::Notification`] its instants are on the wall clock already.
#[must_use]
pub fn hold(
    voice: &Voice,
    hold: &Hold,
    host: &str,
    wall: impl Fn(Timestamp) -> Timestamp,
) -> String {
    let clock = |at: &Timestamp| voice.clock(wall(*at));
    let day_clock = |at: &Timestamp| voice.day_clock(wall(*at));
    let (key, values): (Key, Value) = match hold {
        Hold::NotConfirmed {
            failures,
            threshold,
        } => (
            key!(Holds, "not_confirmed"),
            context! { failures, threshold },
        ),
        Hold::CauseExcluded { cause } => (
            key!(Holds, "cause_excluded"),
            context! { host, word => cause.word(), cause => cause_phrase(voice, *cause) },
        ),
        Hold::NotEvidence { profile, why } => not_evidence(profile, why, host),
        Hold::NotEnoughDown {
            down,
            needed,
            watched,
        } => (
            key!(Holds, "not_enough_down"),
            context! { host, down, needed, watched },
        ),
        // A pause's end is on the wall clock already.
        Hold::Paused { until, reason } => (
            key!(Holds, "paused"),
            context! { host, until => until.map(|at| voice.day_clock(at)), reason },
        ),
        Hold::Window { profile, until } => (
            key!(Holds, "window"),
            context! { host, profile => profile.as_str(), until => day_clock(until) },
        ),
        Hold::Quarantine { until } => (
            key!(Holds, "quarantine"),
            context! { until => day_clock(until) },
        ),
        Hold::StateUnwritable => (key!(Holds, "state_unwritable"), context! {}),
        Hold::NetworkDown => (key!(Holds, "network_down"), context! {}),
        Hold::AwaitingCanary => (key!(Holds, "awaiting_canary"), context! {}),
        Hold::AwaitingProbe => (key!(Holds, "awaiting_probe"), context! {}),
        Hold::Restarting => (key!(Holds, "restarting"), context! { host }),
        Hold::Settling { until } => (
            key!(Holds, "settling"),
            context! { host, until => clock(until) },
        ),
        Hold::Backoff { until } => (
            key!(Holds, "backoff"),
            context! { host, until => clock(until) },
        ),
        Hold::Budget {
            restarts,
            per,
            until,
        } => {
            let end = if *per >= HALF_A_DAY {
                day_clock(until)
            } else {
                clock(until)
            };
            (
                key!(Holds, "budget"),
                context! { host, restarts, per => voice.span(*per), until => end },
            )
        }
        Hold::FleetBusy { host: other } => (
            key!(Holds, "fleet_busy"),
            context! { host, other => other.as_str() },
        ),
        Hold::FleetBudget { restarts, until } => (
            key!(Holds, "fleet_budget"),
            context! {
                restarts,
                per => voice.span(limits::FLEET_BUDGET_WINDOW),
                until => clock(until),
            },
        ),
        Hold::MassFailure { failing, hosts } => {
            (key!(Holds, "mass_failure"), context! { failing, hosts })
        }
        Hold::BrakeLatched => (
            key!(Holds, "brake_latched"),
            context! { restarts => limits::BRAKE_LATCHES },
        ),
        Hold::AwaitingFacts => (key!(Holds, "awaiting_facts"), context! { host }),
        Hold::SshUnreachable { reason, until } => (
            key!(Holds, "ssh_unreachable"),
            context! { host, reason => self::reason(voice, reason), until => clock(until) },
        ),
        Hold::LoginRefused { reason, until } => (
            key!(Holds, "login_refused"),
            context! { host, reason => self::reason(voice, reason), until => clock(until) },
        ),
        Hold::Unseen { reason, until } => (
            key!(Holds, "unseen"),
            context! { host, reason => self::reason(voice, reason), until => clock(until) },
        ),
        Hold::Ailing { ailment, until, .. } => (
            key!(Holds, "ailing"),
            context! { ailment => ailment::sentence(voice, *ailment, host), until => clock(until) },
        ),
        Hold::Proposed { command, until } => (
            key!(Holds, "proposed"),
            context! { host, command, until => clock(until) },
        ),
        Hold::GaveUp { reason } => (
            key!(Holds, "gave_up"),
            context! { host, reason => given_up(voice, reason) },
        ),
    };
    voice.say(key, values)
}

fn not_evidence(profile: &ProfileName, why: &NotEvidence, host: &str) -> (Key, Value) {
    let profile = profile.as_str();
    match why {
        NotEvidence::Elsewhere { authority } => (
            key!(Holds, "fails_elsewhere"),
            context! { profile, host, authority },
        ),
        NotEvidence::AnswersBrowsers { header } => (
            key!(Holds, "answers_browsers"),
            context! { profile, host, header },
        ),
        NotEvidence::NeverUp => (key!(Holds, "never_seen_up"), context! { profile, host }),
    }
}

/// Why a failure is no evidence, in a few words: `never seen up`.
#[must_use]
pub fn not_evidence_phrase(voice: &Voice, why: &NotEvidence) -> String {
    voice.word(match why {
        NotEvidence::Elsewhere { .. } => key!(Holds, "fails_elsewhere.short"),
        NotEvidence::AnswersBrowsers { .. } => key!(Holds, "answers_browsers.short"),
        NotEvidence::NeverUp => key!(Holds, "never_seen_up.short"),
    })
}

/// Why a person must look: a fragment without a full stop. What others said in it stands as a quotation where our own
/// words are of another language.
#[must_use]
pub fn given_up(voice: &Voice, reason: &GivenUp) -> String {
    given_up_by(voice, reason, self::reason)
}

/// The same without what a person can do about a login, where that is said elsewhere.
#[must_use]
pub fn given_up_in_brief(voice: &Voice, reason: &GivenUp) -> String {
    given_up_by(voice, reason, reason_in_brief)
}

fn given_up_by(
    voice: &Voice,
    reason: &GivenUp,
    said: impl Fn(&Voice, &Reason) -> String,
) -> String {
    let quoted = |why: &Option<Reason>| why.as_ref().map(|why| said(voice, why));
    match reason {
        GivenUp::Spent { tries } => voice.say(key!(Holds, "gave_up.spent"), context! { tries }),
        GivenUp::Unreached { tries, said } => voice.say(
            key!(Holds, "gave_up.unreached"),
            context! { tries, said => quoted(said) },
        ),
        GivenUp::Relapsed { tries } => {
            voice.say(key!(Holds, "gave_up.relapsed"), context! { tries })
        }
        GivenUp::ConfigBroken { asked } => {
            voice.say(key!(Holds, "gave_up.config_broken"), context! { asked })
        }
        GivenUp::LoginRefused { said } => voice.say(
            key!(Holds, "gave_up.login_refused"),
            context! { said => quoted(said) },
        ),
        GivenUp::Other(words) => voice.say(
            key!(Holds, "gave_up.other"),
            context! { said => words.trim_end_matches('.') },
        ),
    }
}

/// Why something did not go as ordered: a fragment without a full stop. What others said in it stands as they said it.
#[must_use]
pub fn reason(voice: &Voice, reason: &Reason) -> String {
    voice.say(Key::of_reason(reason), reason_values(reason))
}

/// As much of a reason as a subject has room for: what happened, without whose words it was and what to do.
#[must_use]
pub fn reason_in_brief(voice: &Voice, reason: &Reason) -> String {
    voice.say(Key::of_reason_in_brief(reason), reason_values(reason))
}

fn reason_values(reason: &Reason) -> Value {
    let values = reason.values().into_iter();
    let values: Kwargs = values
        .map(|(name, value)| (name, Value::from(value.trim_end_matches('.'))))
        .collect();
    values.into()
}

/// What a check saw, as a lower-case fragment. What came from outside stands between quotation marks, whatever it is.
#[must_use]
pub fn finding(voice: &Voice, finding: &Finding) -> String {
    let values = finding.values().into_iter();
    let values: Kwargs = values
        .map(|(name, held)| (name, value(voice, held)))
        .collect();
    voice.say(Key::of_finding(finding), values.into())
}

fn value(voice: &Voice, held: FieldValue<'_>) -> Value {
    match held {
        FieldValue::Quoted(text) => quoted(voice, text).into(),
        FieldValue::Text(text) => text.into(),
        FieldValue::Number(number) => number.into(),
        FieldValue::Seconds(span) => format!("{:.1}", span.as_secs_f64()).into(),
        FieldValue::Day(at) => Day(at).to_string().into(),
        FieldValue::Moment(at) => at.to_string().into(),
        FieldValue::Address(address) => address.to_string().into(),
        FieldValue::Cause(cause) => cause_phrase(voice, cause).into(),
        FieldValue::Finding(inner) => finding(voice, inner).into(),
    }
}

/// A text from outside between the language's quotation marks; marks of that kind within it become the inner ones, so that
/// it cannot end its own quotation.
#[must_use]
pub fn quoted(voice: &Voice, text: &Quoted) -> String {
    let marks = [
        (key!(Page, "quote.open"), key!(Page, "quote.inner_open")),
        (key!(Page, "quote.close"), key!(Page, "quote.inner_close")),
    ];
    let [(open, inner_open), (close, inner_close)] =
        marks.map(|(outer, inner)| (voice.word(outer), voice.word(inner)));
    let inside = text.as_str().replace(&open, &inner_open);
    format!("{open}{}{close}", inside.replace(&close, &inner_close))
}

/// The reason of a hold in a few words, for subjects and table cells: `budget spent`.
#[must_use]
pub fn hold_phrase(voice: &Voice, hold: &Hold) -> String {
    voice.word(match hold {
        Hold::NotConfirmed { .. } => key!(Holds, "not_confirmed.short"),
        Hold::CauseExcluded { .. } => key!(Holds, "cause_excluded.short"),
        Hold::NotEvidence { why, .. } => return not_evidence_phrase(voice, why),
        Hold::NotEnoughDown { .. } => key!(Holds, "not_enough_down.short"),
        Hold::Paused { .. } => key!(Holds, "paused.short"),
        Hold::Window { .. } => key!(Holds, "window.short"),
        Hold::Quarantine { .. } => key!(Holds, "quarantine.short"),
        Hold::StateUnwritable => key!(Holds, "state_unwritable.short"),
        Hold::NetworkDown => key!(Holds, "network_down.short"),
        Hold::AwaitingCanary => key!(Holds, "awaiting_canary.short"),
        Hold::AwaitingProbe => key!(Holds, "awaiting_probe.short"),
        Hold::Restarting => key!(Holds, "restarting.short"),
        Hold::Settling { .. } => key!(Holds, "settling.short"),
        Hold::Backoff { .. } => key!(Holds, "backoff.short"),
        Hold::Budget { .. } => key!(Holds, "budget.short"),
        Hold::FleetBusy { .. } => key!(Holds, "fleet_busy.short"),
        Hold::FleetBudget { .. } => key!(Holds, "fleet_budget.short"),
        Hold::MassFailure { .. } => key!(Holds, "mass_failure.short"),
        Hold::BrakeLatched => key!(Holds, "brake_latched.short"),
        Hold::AwaitingFacts => key!(Holds, "awaiting_facts.short"),
        Hold::SshUnreachable { .. } => key!(Holds, "ssh_unreachable.short"),
        Hold::LoginRefused { .. } => key!(Holds, "login_refused.short"),
        Hold::Unseen { .. } => key!(Holds, "unseen.short"),
        Hold::Ailing { ailment, .. } => return ailment::phrase(voice, *ailment),
        Hold::Proposed { .. } => key!(Holds, "proposed.short"),
        Hold::GaveUp { .. } => key!(Holds, "gave_up.short"),
    })
}

/// What a cause means, in one sentence for somebody who was asleep a minute ago.
#[must_use]
pub fn cause_sentence(voice: &Voice, cause: Cause) -> String {
    voice.word(cause_keys(cause).0)
}

/// The words of a cause for a subject: `connection refused`.
#[must_use]
pub fn cause_phrase(voice: &Voice, cause: Cause) -> String {
    voice.word(cause_keys(cause).1)
}

const fn cause_keys(cause: Cause) -> (Key, Key) {
    match cause {
        Cause::Refused => (key!(Causes, "refused"), key!(Causes, "refused.short")),
        Cause::ConnectTimeout => (
            key!(Causes, "connect_timeout"),
            key!(Causes, "connect_timeout.short"),
        ),
        Cause::Reset => (key!(Causes, "reset"), key!(Causes, "reset.short")),
        Cause::Closed => (key!(Causes, "closed"), key!(Causes, "closed.short")),
        Cause::ResponseTimeout => (
            key!(Causes, "response_timeout"),
            key!(Causes, "response_timeout.short"),
        ),
        Cause::Truncated => (key!(Causes, "truncated"), key!(Causes, "truncated.short")),
        Cause::TlsTimeout => (
            key!(Causes, "tls_timeout"),
            key!(Causes, "tls_timeout.short"),
        ),
        Cause::ServerError => (
            key!(Causes, "server_error"),
            key!(Causes, "server_error.short"),
        ),
        Cause::Unreachable => (
            key!(Causes, "unreachable"),
            key!(Causes, "unreachable.short"),
        ),
        Cause::HostUnreachable => (
            key!(Causes, "host_unreachable"),
            key!(Causes, "host_unreachable.short"),
        ),
        Cause::Dns => (key!(Causes, "dns"), key!(Causes, "dns.short")),
        Cause::TlsCertificate => (
            key!(Causes, "tls_certificate"),
            key!(Causes, "tls_certificate.short"),
        ),
        Cause::TlsHandshake => (
            key!(Causes, "tls_handshake"),
            key!(Causes, "tls_handshake.short"),
        ),
        Cause::NotTls => (key!(Causes, "not_tls"), key!(Causes, "not_tls.short")),
        Cause::Protocol => (key!(Causes, "protocol"), key!(Causes, "protocol.short")),
        Cause::Encoding => (key!(Causes, "encoding"), key!(Causes, "encoding.short")),
        Cause::HeadersTooLarge => (
            key!(Causes, "headers_too_large"),
            key!(Causes, "headers_too_large.short"),
        ),
        Cause::Status => (key!(Causes, "status"), key!(Causes, "status.short")),
        Cause::Content => (key!(Causes, "content"), key!(Causes, "content.short")),
        Cause::Redirect => (key!(Causes, "redirect"), key!(Causes, "redirect.short")),
        Cause::Maintenance => (
            key!(Causes, "maintenance"),
            key!(Causes, "maintenance.short"),
        ),
        Cause::Slow => (key!(Causes, "slow"), key!(Causes, "slow.short")),
        Cause::FamilyDown => (
            key!(Causes, "family_down"),
            key!(Causes, "family_down.short"),
        ),
        Cause::CertificateExpiring => (
            key!(Causes, "certificate_expiring"),
            key!(Causes, "certificate_expiring.short"),
        ),
        Cause::Monitor => (key!(Causes, "monitor"), key!(Causes, "monitor.short")),
    }
}

/// The words of what was found, where it is known.
pub(super) fn maybe_cause_phrase(voice: &Voice, cause: Option<Cause>) -> String {
    cause.map_or_else(
        || voice.word(key!(Causes, "unknown.short")),
        |cause| cause_phrase(voice, cause),
    )
}
