//! One session with one relay: connect, TLS, login, MAIL, RCPT, DATA, text, QUIT, a deadline at each. What is said goes on a
//! tape.
//!
//! A relay's name is asked for as a site's is ([`names`]), IPv4 and IPv6 in turn; each address has its share of the time for a connection, and what
//! one does not use the next ones have.
//!
//! A relay is greeted by the name that `hello` says, else by this machine's full name, else by the address from which it is reached, in
//! brackets. One that does not know EHLO (500, 502, 504) is greeted with HELO; it has neither TLS nor logins.
//! Of the logins that it offers PLAIN is tried first; where it says 504 to that, LOGIN has its turn on the same connection. No other answer makes a
//! password go out twice.
#![expect(
    clippy::disallowed_methods,
    reason = "deadlines of one dialogue are counted here"
)]

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::adapters::smtp::secret;
use crate::model::{Hello, Relay, RelaySecurity, Secret, Stay};
use crate::names::{self, Names};
use crate::render::duration::span;

use super::SmtpLimits;
use super::compose::Parcel;
use super::fault::{Fault, Step};
use super::reply::{Offers, Reply};
use super::tape::{Tape, TapeLine};
use super::tls;
use super::wire::{Break, Wire};

/// Addresses of one relay that are tried.
const ADDRESSES: usize = 4;

/// How we log in.
const MECHANISMS: [&str; 2] = ["PLAIN", "LOGIN"];

/// For the farewell: the verdict is known, nobody should wait for good manners.
const FAREWELL: Duration = Duration::from_secs(1);

/// What one relay made of a message.
pub(super) enum Answer {
    /// It is theirs now.
    Taken,
    /// Not now.
    Deferred(String, Stay),
    /// It may have been taken.
    Unclear(String),
    /// Never.
    Refused(String),
}

/// When a session must be over.
#[derive(Clone, Copy)]
pub(super) struct Deadlines {
    /// Everything before the text.
    pub(super) before_text: Instant,
    /// Everything.
    pub(super) end: Instant,
}

/// How far a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The relay has the mail.
    Taken,
    /// It would take it: the recipient stands, and the session ends before the text.
    Welcome,
}

/// A session that is over.
pub(super) struct Held {
    /// What came of it.
    pub(super) answer: Answer,
    /// Whether the relay does its work, whatever it thinks of this mail.
    pub(super) works: bool,
    /// What was said.
    pub(super) lines: Vec<TapeLine>,
}

/// How this machine goes to relays.
pub(super) struct Way<'a> {
    pub(super) names: &'a Names,
    /// What people want relays to be greeted with.
    pub(super) hello: Option<&'a Hello>,
    pub(super) limits: &'a SmtpLimits,
}

/// Offers the parcel to a relay.
pub(super) async fn hold(
    relay: &Relay,
    parcel: &Parcel,
    way: Way<'_>,
    deadlines: Deadlines,
    until: Until,
) -> Held {
    let session = Session {
        relay,
        way,
        deadlines,
        tape: Tape::default(),
    };
    let result = session.whole(parcel, until).await;
    let works = result
        .as_ref()
        .err()
        .is_none_or(|fault| !fault.is_of_relay());
    let answer = match &result {
        Ok(()) => Answer::Taken,
        Err(fault) => verdict(fault, &session.tape),
    };
    Held {
        answer,
        works,
        lines: session.tape.lines(),
    }
}

fn verdict(fault: &Fault, tape: &Tape) -> Answer {
    let told = tape.without_secret(&fault.told());
    if fault.is_unclear() {
        Answer::Unclear(told)
    } else if fault.is_refusal() {
        Answer::Refused(told)
    } else {
        Answer::Deferred(told, fault.stay())
    }
}

struct Session<'a> {
    relay: &'a Relay,
    way: Way<'a>,
    deadlines: Deadlines,
    tape: Tape,
}

impl Session<'_> {
    async fn whole(&self, parcel: &Parcel, until: Until) -> Result<(), Fault> {
        let result = self.spoken(parcel, until).await;
        if let Err(fault) = &result {
            if fault.is_answer() {
                self.tape.theirs(fault.words());
            } else {
                self.tape.happened(&fault.told());
            }
        }
        result
    }

    async fn spoken(&self, parcel: &Parcel, until: Until) -> Result<(), Fault> {
        let mut wire = Wire::new(self.connect(&self.addresses().await?).await?);
        let result = match self.open(&mut wire).await {
            Ok(()) => self.offer(&mut wire, parcel, until).await,
            refused => refused,
        };
        if result.as_ref().err().is_none_or(Fault::is_answer) {
            // Whatever the farewell brings, the answer before it stands.
            let _ = timeout(FAREWELL, asked(&mut wire, b"QUIT\r\n")).await;
        }
        result
    }

    /// Waits for one step, no longer than its limit and the session's deadline.
    async fn step<T>(
        &self,
        step: Step,
        limit: Duration,
        work: impl Future<Output = Result<T, Break>>,
    ) -> Result<T, Fault> {
        let end = if step == Step::Text {
            self.deadlines.end
        } else {
            self.deadlines.before_text
        };
        let limit = limit.min(end.saturating_duration_since(Instant::now()));
        match timeout(limit, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => Err(Fault::broken(step, &fault)),
            Err(_) => Err(Fault::late(step, limit)),
        }
    }

    /// With TLS where it belongs, greeted, and logged in.
    async fn open(&self, wire: &mut Wire) -> Result<(), Fault> {
        if self.relay.security == RelaySecurity::Implicit {
            self.secure(Step::ImplicitTls, wire).await?;
        }
        let limit = self.way.limits.command;
        let greeting = self.step(Step::Greeting, limit, wire.reply()).await?;
        done(Step::Greeting, greeting)?;
        let mut offers = self.greet(Step::Greeting, wire).await?;
        if self.relay.security == RelaySecurity::StartTls {
            if !offers.starttls {
                let words = "the relay does not offer it, so nothing was sent; if it speaks TLS from the first byte, use smtps://";
                return Err(Fault::new(Step::StartTls, words.to_owned()));
            }
            self.tape.ours("STARTTLS");
            let ready = self.ask(Step::StartTls, wire, "STARTTLS").await?;
            done(Step::StartTls, ready)?;
            self.secure(Step::StartTls, wire).await?;
            offers = self.greet(Step::StartTls, wire).await?;
        }
        self.log_in(wire, &offers).await
    }

    async fn secure(&self, step: Step, wire: &mut Wire) -> Result<(), Fault> {
        let terms = tls::connector(self.relay).map_err(|words| Fault::new(step, words))?;
        let handshake = wire.secure(terms);
        let agreed = self.step(step, self.way.limits.command, handshake).await?;
        self.tape.happened(&agreed);
        Ok(())
    }

    /// The relay's addresses, IPv4 and IPv6 in turn.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, Fault> {
        let name = tls::host(self.relay);
        let found = if let Ok(address) = name.parse::<IpAddr>() {
            vec![address]
        } else {
            let limit = self.connect_limit();
            let found = timeout(limit, self.way.names.all(name))
                .await
                .map_err(|_| Fault::late(Step::Connect, limit))?;
            let found = found.map_err(|failure| {
                let (_, finding) = failure.found(name);
                Fault::new(Step::Connect, finding.to_string())
            })?;
            in_turn(found.addresses)
        };
        let port = self.relay.port;
        let found = found.into_iter().take(ADDRESSES);
        Ok(found.map(|ip| SocketAddr::new(ip, port)).collect())
    }

    fn connect_limit(&self) -> Duration {
        let end = self.deadlines.before_text;
        let left = end.saturating_duration_since(Instant::now());
        self.way.limits.connect.min(left)
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
        let mut time = self.connect_limit();
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let mut faults = Vec::new();
        for address in addresses {
            let begun = Instant::now();
            // So that a dead IPv6 leaves some for IPv4.
            let share = time / left.max(1);
            let why = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    self.tape.happened(&format!("connected to {address}"));
                    return Ok(stream);
                }
                Ok(Err(fault)) => format!("{} ({address})", fault.kind()),
                Err(_) if addresses.len() == 1 => return Err(Fault::late(Step::Connect, share)),
                Err(_) => format!("no answer within {} ({address})", span(share)),
            };
            time = time.saturating_sub(begun.elapsed());
            left -= 1;
            if left > 0 {
                self.tape.happened(&why);
            }
            faults.push(why);
        }
        Err(Fault::new(Step::Connect, faults.join("; ")))
    }

    /// Says who we are, and hears what the relay can do.
    async fn greet(&self, step: Step, wire: &mut Wire) -> Result<Offers, Fault> {
        let address = || Hello::address(wire.local().unwrap_or(Ipv4Addr::LOCALHOST.into()));
        let wanted = self.way.hello.cloned();
        let hello = wanted.or_else(names::own).unwrap_or_else(address);
        let line = format!("EHLO {hello}");
        self.tape.ours(&line);
        let (reply, offers) = match self.ask(step, wire, &line).await {
            Err(fault) if fault.is_unknown_command() => {
                self.tape.theirs(fault.words());
                let line = format!("HELO {hello}");
                self.tape.ours(&line);
                let reply = done(step, self.ask(step, wire, &line).await?)?;
                (reply, Offers::default())
            }
            reply => {
                let reply = done(step, reply?)?;
                let offers = Offers::of(&reply);
                (reply, offers)
            }
        };
        self.tape.theirs(&reply.head());
        let shown = offers.shown();
        self.tape.happened(&format!("the relay offers {shown}"));
        Ok(offers)
    }

    async fn log_in(&self, wire: &mut Wire, offers: &Offers) -> Result<(), Fault> {
        let (Some(user), Some(source)) = (&self.relay.user, &self.relay.password) else {
            return Ok(());
        };
        let password = secret::read(source).map_err(|fault| {
            let because = std::error::Error::source(&fault)
                .map_or_else(String::new, |source| format!(": {source}"));
            Fault::new(Step::Auth, format!("{fault}{because}"))
        })?;
        self.tape.hide(user, &password);
        let offered = |known: &&str| offers.logins.iter().any(|login| login == known);
        let mut ways = MECHANISMS.into_iter().filter(offered).peekable();
        while let Some(mechanism) = ways.next() {
            self.tape.ours(&format!("AUTH {mechanism} ****"));
            match self.prove(mechanism, wire, user, &password).await {
                Err(fault) if fault.is_unknown_login() && ways.peek().is_some() => {
                    self.tape.theirs(fault.words());
                }
                known => {
                    self.tape.theirs(&known?.words());
                    return Ok(());
                }
            }
        }
        let words = "the relay offers neither PLAIN nor LOGIN; is a login needed here?";
        Err(Fault::new(Step::Auth, words.to_owned()))
    }

    /// Shows the relay who we are, in one of the two ways.
    async fn prove(
        &self,
        mechanism: &str,
        wire: &mut Wire,
        user: &str,
        password: &Secret,
    ) -> Result<Reply, Fault> {
        let secret = password.expose();
        let (first, more) = if mechanism == "PLAIN" {
            let both = BASE64_STANDARD.encode(format!("\0{user}\0{secret}"));
            (format!("AUTH PLAIN {both}"), vec![both])
        } else {
            let parts = [user, secret].map(|part| BASE64_STANDARD.encode(part));
            ("AUTH LOGIN".to_owned(), parts.to_vec())
        };
        let mut reply = self.ask(Step::Auth, wire, &first).await?;
        for part in more {
            if reply.code != 334 {
                break;
            }
            reply = self.ask(Step::Auth, wire, &part).await?;
        }
        done(Step::Auth, reply)
    }

    async fn offer(&self, wire: &mut Wire, parcel: &Parcel, until: Until) -> Result<(), Fault> {
        let mail = format!("MAIL FROM:<{}>", parcel.from);
        let rcpt = format!("RCPT TO:<{}>", parcel.to);
        done(Step::Mail, self.command(Step::Mail, wire, &mail).await?)?;
        done(Step::Rcpt, self.command(Step::Rcpt, wire, &rcpt).await?)?;
        if until == Until::Welcome {
            // The answer stands whatever comes now; a relay need not wait for a mail that does not come.
            let _ = self.command(Step::Data, wire, "RSET").await;
            return Ok(());
        }
        let ready = self.command(Step::Data, wire, "DATA").await?;
        if ready.code != 354 {
            return Err(Fault::of(Step::Data, &ready));
        }
        let size = parcel.bytes.len();
        self.tape.ours(&format!("(the mail, {size} bytes)"));
        let text = dotted(&parcel.bytes);
        let limit = self.way.limits.text;
        let taken = self.step(Step::Text, limit, asked(wire, &text)).await?;
        let taken = done(Step::Text, taken)?;
        self.tape.theirs(&taken.words());
        Ok(())
    }

    /// Asks, for people to see.
    async fn command(&self, step: Step, wire: &mut Wire, line: &str) -> Result<Reply, Fault> {
        self.tape.ours(line);
        let answer = self.ask(step, wire, line).await?;
        self.tape.theirs(&answer.words());
        Ok(answer)
    }

    /// Says a line and hears the answer, which is no refusal.
    async fn ask(&self, step: Step, wire: &mut Wire, line: &str) -> Result<Reply, Fault> {
        let line = format!("{line}\r\n");
        let limit = self.way.limits.command;
        let answer = self.step(step, limit, asked(wire, line.as_bytes())).await?;
        if answer.is_no() {
            Err(Fault::of(step, &answer))
        } else {
            Ok(answer)
        }
    }
}

async fn asked(wire: &mut Wire, bytes: &[u8]) -> Result<Reply, Break> {
    wire.send(bytes).await?;
    wire.reply().await
}

/// The reply, where it says that this was done.
fn done(step: Step, reply: Reply) -> Result<Reply, Fault> {
    if reply.is_done() {
        Ok(reply)
    } else {
        Err(Fault::of(step, &reply))
    }
}

/// One of each kind after the other, IPv4 first.
fn in_turn(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let (four, six): (Vec<IpAddr>, Vec<IpAddr>) = addresses.into_iter().partition(IpAddr::is_ipv4);
    let places = 0..four.len().max(six.len());
    places
        .flat_map(|place| [four.get(place), six.get(place)])
        .flatten()
        .copied()
        .collect()
}

/// A text as it is sent: a dot before each dot that begins a line, and the line that ends it (RFC 5321, 4.5.2).
fn dotted(text: &[u8]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(text.len() + 64);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            sent.push(b'.');
        }
        sent.extend_from_slice(line);
    }
    sent.extend_from_slice(b"\r\n.\r\n");
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_kinds_take_turns() {
        let all = |text: &str| -> Vec<IpAddr> {
            let addresses = text.split_whitespace();
            addresses.map(|ip| ip.parse().unwrap()).collect()
        };
        for (found, turns) in [
            ("192.0.2.1 192.0.2.2", "192.0.2.1 192.0.2.2"),
            ("::1 ::2", "::1 ::2"),
            (
                "192.0.2.2 192.0.2.1 192.0.2.3 ::2 ::1",
                "192.0.2.2 ::2 192.0.2.1 ::1 192.0.2.3",
            ),
            ("192.0.2.1 ::1 ::2 ::3", "192.0.2.1 ::1 ::2 ::3"),
        ] {
            assert_eq!(in_turn(all(found)), all(turns), "{found}");
        }
    }

    #[test]
    fn a_dot_that_begins_a_line_is_doubled() {
        for (text, sent) in [
            ("a\r\n", "a\r\n\r\n.\r\n"),
            (".\r\n..\r\na.\r\n.b", "..\r\n...\r\na.\r\n..b\r\n.\r\n"),
            ("", "\r\n.\r\n"),
        ] {
            assert_eq!(dotted(text.as_bytes()), sent.as_bytes(), "{text:?}");
        }
    }
}
