//! One session with one relay: connect, TLS, login, MAIL, RCPT, DATA, text, QUIT, a deadline at each. What is said goes on a
//! tape.
#![expect(
    clippy::disallowed_methods,
    reason = "deadlines of one dialogue are counted here"
)]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::{Response, Severity};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::adapters::smtp::secret;
use crate::model::{Relay, RelaySecurity, Stay};

use super::SmtpLimits;
use super::compose::Parcel;
use super::fault::{Fault, Step};
use super::gate::Gate;
use super::tape::{Tape, TapeLine};
use super::tls;

/// Addresses of one relay that are tried.
const ADDRESSES: usize = 4;

/// How we log in.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

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

/// Offers the parcel to a relay.
pub(super) async fn hold(
    relay: &Relay,
    parcel: &Parcel,
    hello: &ClientId,
    limits: &SmtpLimits,
    deadlines: Deadlines,
    until: Until,
) -> Held {
    let session = Session {
        relay,
        hello,
        limits,
        deadlines,
        tape: Tape::default(),
        version: Arc::default(),
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
    hello: &'a ClientId,
    limits: &'a SmtpLimits,
    deadlines: Deadlines,
    tape: Tape,
    /// Of TLS, as it stands on the wire; nought without.
    version: Arc<AtomicU16>,
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
        let mut connection = self.open().await?;
        let result = self.offer(&mut connection, parcel, until).await;
        if result.as_ref().err().is_none_or(Fault::is_answer) {
            // Whatever the farewell brings, the answer before it stands.
            let _ = timeout(FAREWELL, connection.quit()).await;
        }
        result
    }

    /// Waits for one step, no longer than its limit and the session's deadline.
    async fn step<T>(
        &self,
        step: Step,
        limit: Duration,
        work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    ) -> Result<T, Fault> {
        let end = if step == Step::Text {
            self.deadlines.end
        } else {
            self.deadlines.before_text
        };
        let limit = limit.min(end.saturating_duration_since(Instant::now()));
        match timeout(limit, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => Err(Fault::of(step, &fault)),
            Err(_) => Err(Fault::late(step, limit)),
        }
    }

    /// Connected, with TLS where it belongs, and logged in.
    async fn open(&self) -> Result<AsyncSmtpConnection, Fault> {
        let addresses = self.addresses().await?;
        let mut connection = match self.relay.security {
            RelaySecurity::Implicit => self.implicit(&addresses).await?,
            RelaySecurity::StartTls => {
                let parameters = tls::parameters(self.relay)
                    .map_err(|words| Fault::new(Step::StartTls, words))?;
                let mut connection = self.plain(&addresses).await?;
                if connection.can_starttls() {
                    self.tape.ours("STARTTLS");
                }
                let upgrade = connection.starttls(parameters, self.hello);
                self.step(Step::StartTls, self.limits.command, upgrade)
                    .await?;
                self.secured(connection.peer_certificate().ok().as_deref());
                self.greeted(&connection);
                connection
            }
            RelaySecurity::Plain => self.plain(&addresses).await?,
        };
        self.log_in(&mut connection).await?;
        Ok(connection)
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, Fault> {
        let name = tls::host(self.relay);
        let limit = self.connect_limit();
        let found = timeout(limit, tokio::net::lookup_host((name, self.relay.port)))
            .await
            .map_err(|_| Fault::late(Step::Connect, limit))?
            .map_err(|_| Fault::new(Step::Connect, format!("the name {name} does not resolve")))?;
        let addresses: Vec<SocketAddr> = found.take(ADDRESSES).collect();
        if addresses.is_empty() {
            return Err(Fault::new(
                Step::Connect,
                format!("the name {name} has no address"),
            ));
        }
        Ok(addresses)
    }

    fn connect_limit(&self) -> Duration {
        let left = self
            .deadlines
            .before_text
            .saturating_duration_since(Instant::now());
        self.limits.connect.min(left)
    }

    /// Each address has its share of the time, so that a dead IPv6 leaves some for IPv4.
    fn connect_share(&self, addresses: &[SocketAddr]) -> Duration {
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        self.connect_limit() / count
    }

    async fn implicit(&self, addresses: &[SocketAddr]) -> Result<AsyncSmtpConnection, Fault> {
        let (connector, name) =
            tls::connector(self.relay).map_err(|words| Fault::new(Step::ImplicitTls, words))?;
        let gate = Gate::new(self.connect(addresses).await?, Arc::clone(&self.version));
        let left = self
            .deadlines
            .before_text
            .saturating_duration_since(Instant::now());
        let limit = self.limits.command.min(left);
        let stream = timeout(limit, connector.connect(name, gate))
            .await
            .map_err(|_| Fault::late(Step::ImplicitTls, limit))?
            .map_err(|fault| Fault::handshake(&fault))?;
        let chain = stream.get_ref().1.peer_certificates();
        self.secured(chain.and_then(<[_]>::first).map(AsRef::as_ref));
        self.greet(Box::new(tls::Wrapped(stream))).await
    }

    async fn plain(&self, addresses: &[SocketAddr]) -> Result<AsyncSmtpConnection, Fault> {
        let stream = self.connect(addresses).await?;
        self.greet(Box::new(Gate::new(stream, Arc::clone(&self.version))))
            .await
    }

    async fn greet(&self, stream: Box<dyn AsyncTokioStream>) -> Result<AsyncSmtpConnection, Fault> {
        let greeting = AsyncSmtpConnection::connect_with_transport(stream, self.hello);
        let connection = self
            .step(Step::Greeting, self.limits.command, greeting)
            .await?;
        self.greeted(&connection);
        Ok(connection)
    }

    /// The library keeps of an EHLO what it uses.
    fn greeted(&self, connection: &AsyncSmtpConnection) {
        let server = connection.server_info();
        let mut offers = Vec::new();
        if server.supports_feature(Extension::StartTls) {
            offers.push("STARTTLS".to_owned());
        }
        let logins = MECHANISMS.into_iter().chain([Mechanism::Xoauth2]);
        let logins: Vec<String> = logins
            .filter(|mechanism| server.supports_auth_mechanism(*mechanism))
            .map(|mechanism| mechanism.to_string())
            .collect();
        if !logins.is_empty() {
            offers.push(format!("AUTH {}", logins.join(" ")));
        }
        if server.supports_feature(Extension::EightBitMime) {
            offers.push("8BITMIME".to_owned());
        }
        self.tape.ours(&format!("EHLO {}", self.hello));
        self.tape.theirs(&format!("250 {}", server.name()));
        let offers = if offers.is_empty() {
            "nothing we use".to_owned()
        } else {
            offers.join(", ")
        };
        self.tape.happened(&format!("the relay offers {offers}"));
    }

    fn secured(&self, certificate: Option<&[u8]>) {
        let version = tls::version(self.version.load(Ordering::Relaxed));
        let shown = certificate.map_or_else(|| "no certificate".to_owned(), tls::shown);
        self.tape.happened(&format!("{version}, {shown}"));
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
        let share = self.connect_share(addresses);
        let mut last = Fault::late(Step::Connect, share);
        for address in addresses {
            last = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    self.tape.happened(&format!("connected to {address}"));
                    return Ok(stream);
                }
                Ok(Err(fault)) => {
                    Fault::new(Step::Connect, format!("{} ({address})", fault.kind()))
                }
                Err(_) => Fault::late(Step::Connect, share),
            };
        }
        Err(last)
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Fault> {
        let (Some(user), Some(source)) = (&self.relay.user, &self.relay.password) else {
            return Ok(());
        };
        let password = secret::read(source).map_err(|fault| {
            let because = std::error::Error::source(&fault)
                .map_or_else(String::new, |source| format!(": {source}"));
            Fault::new(Step::Auth, format!("{fault}{because}"))
        })?;
        self.tape.hide(user, &password);
        if let Some(mechanism) = connection.server_info().get_auth_mechanism(&MECHANISMS) {
            self.tape.ours(&format!("AUTH {mechanism} ****"));
        }
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        let login = connection.auth(&MECHANISMS, &credentials);
        let answer = self.step(Step::Auth, self.limits.command, login).await?;
        self.tape.theirs(&said(&answer));
        Ok(())
    }

    async fn offer(
        &self,
        connection: &mut AsyncSmtpConnection,
        parcel: &Parcel,
        until: Until,
    ) -> Result<(), Fault> {
        let mail = Mail::new(Some(parcel.from.clone()), Vec::new());
        let rcpt = Rcpt::new(parcel.to.clone(), Vec::new());
        self.command(Step::Mail, connection, mail).await?;
        self.command(Step::Rcpt, connection, rcpt).await?;
        if until == Until::Welcome {
            // The answer stands whatever comes now; a relay need not wait for a mail that does not come.
            let _ = self.command(Step::Data, connection, Rset).await;
            return Ok(());
        }
        let ready = self.command(Step::Data, connection, Data).await?;
        if !ready.has_code(354) {
            return Err(odd(Step::Data, &ready));
        }
        let size = parcel.bytes.len();
        self.tape.ours(&format!("(the mail, {size} bytes)"));
        let text = connection.message(&parcel.bytes);
        let taken = self.step(Step::Text, self.limits.text, text).await?;
        self.tape.theirs(&said(&taken));
        if taken.code().severity == Severity::PositiveCompletion {
            Ok(())
        } else {
            Err(odd(Step::Text, &taken))
        }
    }

    async fn command(
        &self,
        step: Step,
        connection: &mut AsyncSmtpConnection,
        command: impl std::fmt::Display,
    ) -> Result<Response, Fault> {
        self.tape.ours(&command.to_string());
        let answer = self
            .step(step, self.limits.command, connection.command(command))
            .await?;
        self.tape.theirs(&said(&answer));
        Ok(answer)
    }
}

/// `250 2.1.0 Ok`.
fn said(answer: &Response) -> String {
    let words: Vec<&str> = answer.message().collect();
    format!("{} {}", answer.code(), words.join(" "))
}

/// Positive, and not the answer that belongs here.
fn odd(step: Step, response: &Response) -> Fault {
    Fault::new(step, format!("unexpected answer {}", response.code()))
}
