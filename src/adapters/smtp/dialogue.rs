//! One session with one relay: connect, TLS, login, MAIL, RCPT, DATA, text, QUIT, a deadline at each.
#![expect(
    clippy::disallowed_methods,
    reason = "deadlines of one dialogue are counted here"
)]

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::adapters::smtp::secret;
use crate::model::{Relay, RelaySecurity, Stay};

use super::Limits;
use super::compose::Parcel;
use super::fault::{Fault, Step};
use super::gate::Gate;
use super::tls;

/// Addresses of one relay that are tried.
const ADDRESSES: usize = 4;

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

/// Offers the parcel to a relay.
pub(super) async fn hold(
    relay: &Relay,
    parcel: &Parcel,
    hello: &ClientId,
    limits: &Limits,
    deadlines: Deadlines,
) -> Answer {
    let session = Session {
        relay,
        hello,
        limits,
        deadlines,
    };
    let mut connection = match session.open().await {
        Ok(connection) => connection,
        Err(fault) => return verdict(&fault),
    };
    let result = session.offer(&mut connection, parcel).await;
    if result.as_ref().err().is_none_or(Fault::is_answer) {
        // Whatever the farewell brings, the answer before it stands.
        let _ = timeout(FAREWELL, connection.quit()).await;
    }
    result.map_or_else(|fault| verdict(&fault), |()| Answer::Taken)
}

fn verdict(fault: &Fault) -> Answer {
    if fault.is_unclear() {
        Answer::Unclear(fault.told())
    } else if fault.is_refusal() {
        Answer::Refused(fault.told())
    } else {
        Answer::Deferred(fault.told(), fault.stay())
    }
}

struct Session<'a> {
    relay: &'a Relay,
    hello: &'a ClientId,
    limits: &'a Limits,
    deadlines: Deadlines,
}

impl Session<'_> {
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
                let parameters = self.parameters(Step::StartTls)?;
                let mut connection = self.plain(&addresses).await?;
                let upgrade = connection.starttls(parameters, self.hello);
                self.step(Step::StartTls, self.limits.command, upgrade)
                    .await?;
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
        let parameters = self.parameters(Step::ImplicitTls)?;
        let share = self.connect_share(addresses);
        let work = AsyncSmtpConnection::connect_tokio1(
            addresses,
            Some(share),
            self.hello,
            Some(parameters),
            None,
        );
        let limit = self.limits.connect + self.limits.command;
        self.step(Step::ImplicitTls, limit, work).await
    }

    async fn plain(&self, addresses: &[SocketAddr]) -> Result<AsyncSmtpConnection, Fault> {
        let stream = self.connect(addresses).await?;
        let greeting =
            AsyncSmtpConnection::connect_with_transport(Box::new(Gate::new(stream)), self.hello);
        self.step(Step::Greeting, self.limits.command, greeting)
            .await
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
        let share = self.connect_share(addresses);
        let mut last = Fault::late(Step::Connect, share);
        for address in addresses {
            last = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(fault)) => {
                    Fault::new(Step::Connect, format!("{} ({address})", fault.kind()))
                }
                Err(_) => Fault::late(Step::Connect, share),
            };
        }
        Err(last)
    }

    fn parameters(
        &self,
        step: Step,
    ) -> Result<lettre::transport::smtp::client::TlsParameters, Fault> {
        tls::parameters(self.relay).map_err(|words| Fault::new(step, words))
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
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        let login = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
        self.step(Step::Auth, self.limits.command, login)
            .await
            .map(|_| ())
            .map_err(|fault| fault.without(user, &password))
    }

    async fn offer(
        &self,
        connection: &mut AsyncSmtpConnection,
        parcel: &Parcel,
    ) -> Result<(), Fault> {
        let limit = self.limits.command;
        let mail = Mail::new(Some(parcel.from.clone()), Vec::new());
        let rcpt = Rcpt::new(parcel.to.clone(), Vec::new());
        self.step(Step::Mail, limit, connection.command(mail))
            .await?;
        self.step(Step::Rcpt, limit, connection.command(rcpt))
            .await?;
        let ready = self
            .step(Step::Data, limit, connection.command(Data))
            .await?;
        if !ready.has_code(354) {
            return Err(odd(Step::Data, &ready));
        }
        let text = connection.message(&parcel.bytes);
        let taken = self.step(Step::Text, self.limits.text, text).await?;
        if taken.code().severity == Severity::PositiveCompletion {
            Ok(())
        } else {
            Err(odd(Step::Text, &taken))
        }
    }
}

/// Positive, and not the answer that belongs here.
fn odd(step: Step, response: &Response) -> Fault {
    Fault::new(step, format!("unexpected answer {}", response.code()))
}
