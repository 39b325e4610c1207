//! What went wrong with a relay, in words: the step, the relay's own answer, and what a person can do where it is known.

use std::time::Duration;

use crate::model::Stay;
use crate::render::duration::span;

use super::reply::Reply;
use super::wire::Break;

/// Where in the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Name and TCP connection.
    Connect,
    /// TLS from the first byte.
    ImplicitTls,
    /// Greeting and EHLO.
    Greeting,
    /// STARTTLS, the handshake and the EHLO after it.
    StartTls,
    /// Login.
    Auth,
    /// The sender.
    Mail,
    /// The recipient.
    Rcpt,
    /// Before the text.
    Data,
    /// The text and its final dot.
    Text,
}

impl Step {
    const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::ImplicitTls => "TLS",
            Self::Greeting => "greeting",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Text => "after the text",
        }
    }
}

/// What went wrong at a step.
#[derive(Debug)]
pub(super) struct Fault {
    step: Step,
    words: String,
    /// The status code of a negative answer.
    code: Option<u16>,
}

impl Fault {
    /// In our own words.
    pub(super) const fn new(step: Step, words: String) -> Self {
        Self {
            step,
            words,
            code: None,
        }
    }

    /// No answer within the limit.
    pub(super) fn late(step: Step, limit: Duration) -> Self {
        Self::new(step, format!("no answer within {}", span(limit)))
    }

    /// No reply, or no handshake.
    pub(super) fn broken(step: Step, fault: &Break) -> Self {
        Self::new(step, plain(step, &fault.to_string()))
    }

    /// A reply that is not the one that belongs here: a refusal, or an answer to something else.
    pub(super) fn of(step: Step, reply: &Reply) -> Self {
        if reply.is_no() {
            Self {
                step,
                words: reply.words(),
                code: Some(reply.code),
            }
        } else {
            Self::new(step, format!("unexpected answer {}", reply.code))
        }
    }

    /// `RCPT: 550 5.1.1 no such user`.
    pub(super) fn told(&self) -> String {
        format!("{}: {}", self.step.word(), self.words)
    }

    /// The relay answered, and the connection is still good for a QUIT.
    pub(super) const fn is_answer(&self) -> bool {
        self.code.is_some()
    }

    /// What is wrong, without the step.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// The relay does not know this command at all.
    pub(super) const fn is_unknown_command(&self) -> bool {
        matches!(self.code, Some(500 | 502 | 504))
    }

    /// The relay does not know this way to log in (RFC 4954, 4): no password was judged.
    pub(super) const fn is_unknown_login(&self) -> bool {
        matches!(self.code, Some(504))
    }

    /// There is no session to be had with this relay now, whatever the mail: the next one should ask another relay first.
    pub(super) const fn is_of_relay(&self) -> bool {
        match (self.step, self.code) {
            (Step::Mail | Step::Rcpt | Step::Data | Step::Text, Some(code)) => {
                matches!(code, 421 | 530 | 534 | 535 | 538)
            }
            _ => true,
        }
    }

    /// The relay refuses this mail for good: there is nobody of that name, here or there, and trying again changes nothing.
    /// RFC 3463's code decides where there is one: 5.1 is about addresses.
    pub(super) fn is_refusal(&self) -> bool {
        self.is_no() && {
            let about_address = matches!(self.code, Some(550 | 551 | 553 | 556));
            match enhanced(&self.words) {
                Some((5, subject)) => subject == 1,
                Some(_) | None => about_address,
            }
        }
    }

    /// What the next try depends on, where there is to be one.
    pub(super) fn stay(&self) -> Stay {
        match self.code {
            Some(530 | 534 | 535 | 538) => Stay::Login,
            Some(code) if code >= 500 && self.step == Step::Auth => Stay::Login,
            Some(400..500) => Stay::Later,
            Some(_) if self.is_no() => Stay::Declined(1),
            Some(_) | None => Stay::Trouble,
        }
    }

    /// 5xx about this mail; a login that is missing or wrong a person can mend.
    const fn is_no(&self) -> bool {
        let of_mail = match self.step {
            Step::Mail | Step::Rcpt | Step::Data | Step::Text => true,
            Step::Connect | Step::ImplicitTls | Step::Greeting | Step::StartTls | Step::Auth => {
                false
            }
        };
        match self.code {
            Some(530 | 534 | 535 | 538) | None => false,
            Some(code) => of_mail && code >= 500,
        }
    }

    /// The text was being sent and the relay did not say what became of it.
    pub(super) fn is_unclear(&self) -> bool {
        self.step == Step::Text && self.code.is_none()
    }
}

/// Class and subject of an answer's enhanced status code (RFC 3463): of `550 5.1.1 no such user` 5 and 1.
fn enhanced(words: &str) -> Option<(u16, u16)> {
    let mut parts = words.split_whitespace().nth(1)?.split('.');
    let mut number = || parts.next().and_then(|part| part.parse::<u16>().ok());
    let (class, subject, detail) = (number()?, number()?, number());
    (detail.is_some() && parts.next().is_none()).then_some((class, subject))
}

/// A network or TLS error, with what to do about the two that are set-up mistakes.
fn plain(step: Step, source: &str) -> String {
    let words = source
        .split(" (os error")
        .next()
        .unwrap_or(source)
        .to_owned();
    if words.contains("invalid peer certificate") {
        format!("{words}; renew the relay's certificate, or name its own authority in `ca_file`")
    } else if step == Step::ImplicitTls
        && (words.contains("InvalidContentType") || words.contains("corrupt message"))
    {
        format!("{words}; the relay does not speak TLS here, is it smtp+starttls:// instead?")
    } else {
        words
    }
}
