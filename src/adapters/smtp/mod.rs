//! Delivers one mail to its one recipient over the relays in order; one try, no retry. A relay that did not work lately is asked
//! after the others ([`trust`]).
//!
//! A relay's answer decides:
//!
//! | what happened | result |
//! |---|---|
//! | 2xx after the text | `Sent` |
//! | the text was being sent and no definite answer came | `Unclear`: it may have arrived, so no other relay is asked |
//! | 5xx to MAIL, RCPT, DATA or the text, about an address (5.1.x; 550, 551, 553 without such a code) | this relay refuses: \
//! `Rejected` if every relay does |
//! | any other 5xx there: too large, against its rules | `Deferred`, declined: it may be otherwise in an hour |
//! | a program ([`sendmail`]) | by its exit status |
//! | anything else: no connection, no TLS, 4xx, a login refused, silence | `Deferred`: time or a person can mend it |
//!
//! Every step has its own deadline and all relays together have one; before the text is sent a relay may use its share
//! of the time left, so that a silent first relay leaves room for the second. TLS is never opportunistic: with
//! STARTTLS, neither a login nor a mail goes out before the handshake has succeeded. Plain text that a relay slips in
//! behind its STARTTLS answer ends the session instead of being read as an answer.
//!
//! The dialogue is our own ([`dialogue`]), with replies read as relays send them ([`reply`]): the mail library's client refuses
//! replies without text, lines that end with LF alone, bytes that are no UTF-8 and keywords in small letters, and makes STARTTLS inside itself,
//! where nothing can be put right before it is read. The library writes the mail ([`compose`](mod@compose)).
#![expect(
    clippy::disallowed_methods,
    reason = "the deadline of one message is set here"
)]

mod compose;
mod dialogue;
mod encoded;
mod fault;
mod reply;
pub mod secret;
mod sendmail;
mod tape;
mod tls;
mod trust;
mod wire;

pub use compose::{BuildError, bytes};
pub use tape::TapeLine;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Course, Delivery, Email, Entry, Hello, Route, Stay, Wording, limits};
use crate::names::Names;
use crate::ports::{Notifier, Pending};
use crate::render::mail::{clean, illustrated as letter};

use compose::Parcel;
use dialogue::{Answer, Deadlines, Held, Until, Way};
use trust::Trust;

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmtpLimits {
    /// TCP connect, all addresses of a relay together.
    pub connect: Duration,
    /// The answer to one command; the TLS handshake is one.
    pub command: Duration,
    /// The answer after the final dot.
    pub text: Duration,
    /// All relays together.
    pub total: Duration,
}

impl Default for SmtpLimits {
    fn default() -> Self {
        Self {
            connect: limits::MAIL_CONNECT,
            command: limits::MAIL_COMMAND,
            text: limits::MAIL_DATA,
            total: limits::MAIL_TOTAL,
        }
    }
}

/// The SMTP client.
#[derive(Clone)]
pub struct SmtpNotifier {
    limits: SmtpLimits,
    names: Arc<Names>,
    trust: Trust,
}

/// How one relay did in a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// `host:port`.
    pub relay: String,
    /// What was said.
    pub lines: Vec<TapeLine>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a rehearsal with one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took the mail.
    Taken,
    /// It would have taken it; another one had it already.
    Ready,
    /// Not now, with its reason.
    Deferred(String),
    /// It may have taken it.
    Unclear(String),
    /// Never, with its reason.
    Refused(String),
}

impl Default for SmtpNotifier {
    fn default() -> Self {
        Self::new()
    }
}

impl SmtpNotifier {
    /// With the limits of [`crate::model::limits`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(SmtpLimits::default())
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(limits: SmtpLimits) -> Self {
        Self {
            limits,
            names: Arc::default(),
            trust: Trust::new(limits::RELAY_DISTRUST),
        }
    }

    /// Asks this name server for relays, over UDP and TCP, in place of the machine's.
    #[must_use]
    pub fn asking(self, server: SocketAddr) -> Self {
        Self {
            names: Arc::new(Names::asking(server)),
            ..self
        }
    }
}

impl Notifier for SmtpNotifier {
    fn notify(
        &self,
        email: Arc<Email>,
        wording: Arc<Wording>,
        entry: Entry,
        course: Option<Course>,
    ) -> Pending<Delivery> {
        let client = self.clone();
        Box::pin(async move {
            client
                .deliver(&email, &wording, &entry, course.as_ref())
                .await
        })
    }
}

impl SmtpNotifier {
    async fn deliver(
        &self,
        email: &Email,
        wording: &Wording,
        entry: &Entry,
        course: Option<&Course>,
    ) -> Delivery {
        let parcel = match parcel(entry, wording, course) {
            Ok(parcel) => parcel,
            Err(reason) => return Delivery::Rejected { reason },
        };
        let end = Instant::now() + self.limits.total;
        let mut refused = Vec::new();
        let mut deferred = Vec::new();
        let mut left = u32::try_from(email.routes.len()).unwrap_or(u32::MAX);
        for route in self.trust.order(&email.routes, Instant::now()) {
            let name = route.name();
            let share = end.saturating_duration_since(Instant::now()) / left.max(1);
            left = left.saturating_sub(1);
            match self
                .one(
                    route,
                    email.hello.as_ref(),
                    &parcel,
                    share,
                    end,
                    Until::Taken,
                )
                .await
                .answer
            {
                Answer::Taken => return Delivery::Sent { relay: name },
                Answer::Unclear(words) => {
                    return Delivery::Unclear {
                        reason: told(&name, &words),
                    };
                }
                Answer::Refused(words) => refused.push(told(&name, &words)),
                Answer::Deferred(words, stay) => deferred.push((told(&name, &words), stay)),
            }
        }
        conclude(&deferred, &refused)
    }

    /// Talks with every relay, in their order: the first that takes the mail has it, with the others it ends before the text.
    /// Each relay has its own [`SmtpLimits::total`].
    ///
    /// # Errors
    /// In words, when the mail cannot be built.
    pub async fn rehearse(
        &self,
        email: &Email,
        wording: &Wording,
        entry: &Entry,
    ) -> Result<Vec<Rehearsed>, String> {
        let parcel = parcel(entry, wording, None)?;
        let mut rehearsed = Vec::new();
        let mut until = Until::Taken;
        for route in &email.routes {
            let share = self.limits.total;
            let end = Instant::now() + share;
            let Held { answer, lines, .. } = self
                .one(route, email.hello.as_ref(), &parcel, share, end, until)
                .await;
            let outcome = match answer {
                Answer::Taken if until == Until::Welcome => Outcome::Ready,
                Answer::Taken => Outcome::Taken,
                Answer::Unclear(words) => Outcome::Unclear(capped(&words)),
                Answer::Refused(words) | Answer::Deferred(words, Stay::Declined(_)) => {
                    Outcome::Refused(capped(&words))
                }
                Answer::Deferred(words, _) => Outcome::Deferred(capped(&words)),
            };
            if matches!(outcome, Outcome::Taken | Outcome::Unclear(_)) {
                until = Until::Welcome;
            }
            rehearsed.push(Rehearsed {
                relay: route.name(),
                lines,
                outcome,
            });
        }
        Ok(rehearsed)
    }

    async fn one(
        &self,
        route: &Route,
        hello: Option<&Hello>,
        parcel: &Parcel,
        share: Duration,
        end: Instant,
        until: Until,
    ) -> Held {
        let deadlines = Deadlines {
            before_text: Instant::now() + share,
            end,
        };
        let held = match route {
            Route::Program(path) => {
                let end = end.min(Instant::now() + self.limits.text);
                sendmail::hold(path, parcel, end, until).await
            }
            Route::Relay(relay) => {
                let way = Way {
                    names: &self.names,
                    hello,
                    limits: &self.limits,
                };
                dialogue::hold(relay, parcel, way, deadlines, until).await
            }
        };
        self.trust.learn(route, held.works, Instant::now());
        held
    }
}

/// The mail of an entry, or why it cannot be built.
fn parcel(entry: &Entry, wording: &Wording, course: Option<&Course>) -> Result<Parcel, String> {
    let letter = letter(entry, wording, course);
    for complaint in &letter.complaints {
        tracing::warn!(
            entry = entry.id.0,
            "a template of `alerts.templates` cannot be used, and our own words are sent: {complaint}"
        );
    }
    compose::parcel(&letter).map_err(|fault| capped(&format!("the mail cannot be built: {fault}")))
}

/// No relay took it: refused for good only if all refused.
fn conclude(deferred: &[(String, Stay)], refused: &[String]) -> Delivery {
    if deferred.is_empty() {
        match refused.last() {
            Some(last) => Delivery::Rejected {
                reason: last.clone(),
            },
            None => Delivery::deferred("no relay is configured; name one in `alerts.email.smtp`"),
        }
    } else {
        let words: Vec<&str> = deferred.iter().map(|(words, _)| words.as_str()).collect();
        Delivery::Deferred {
            reason: capped(&words.join("; ")),
            stay: together(deferred.iter().map(|(_, stay)| *stay)),
        }
    }
}

/// What the next try depends on where several relays did not take it: no relay that asked for a later try, or refused our login,
/// is asked before its time for the sake of another.
fn together(stays: impl Iterator<Item = Stay>) -> Stay {
    let weight = |stay: &Stay| match stay {
        Stay::Declined(_) => 0,
        Stay::Trouble => 1,
        Stay::Later | Stay::After(_) => 2,
        Stay::Login => 3,
    };
    stays.max_by_key(weight).unwrap_or_default()
}

fn told(relay: &str, words: &str) -> String {
    capped(&format!("relay {relay}: {words}"))
}

fn capped(words: &str) -> String {
    clean::line(words, limits::DETAIL_CHARS)
}
