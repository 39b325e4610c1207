//! A scripted SMTP server on loopback: it behaves well except at one step, and remembers what it was sent.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use probe::model::{Relay, RelaySecurity, SecretSource};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::authority::{base64, certificates};

/// Where the server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Text,
}

/// How it misbehaves there.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Says nothing more and keeps the connection.
    Silent,
    /// Says this.
    Say(&'static str),
    /// Closes.
    Drop,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) at: Option<(Stage, Act)>,
    /// It does so in its first session only.
    pub(crate) once: bool,
    /// Knows nobody of this address.
    pub(crate) unknown: &'static str,
    /// Offers STARTTLS.
    pub(crate) starttls: bool,
    /// Speaks TLS from the first byte.
    pub(crate) implicit: bool,
    /// Offers these mechanisms and takes this user's password.
    pub(crate) auth: Option<(&'static str, &'static str, &'static str)>,
    /// Sent in clear in the same packet as the answer to STARTTLS.
    pub(crate) injected: &'static str,
    /// Its certificate is for another name.
    pub(crate) wrong_name: bool,
    /// Knows TLS 1.2 alone.
    pub(crate) old_tls: bool,
    /// Ends its lines with LF alone.
    pub(crate) lf_only: bool,
    /// Says codes without text, but for what it offers.
    pub(crate) wordless: bool,
    /// Says 504 to this way of logging in, and repeats what it was given.
    pub(crate) no_login: &'static str,
    /// Takes no response in the line of AUTH PLAIN: it asks for it.
    pub(crate) asks_again: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Sessions.
    pub(crate) connections: usize,
    /// Every line that came in clear.
    pub(crate) plain: Vec<String>,
    /// Every command of the last sessions, in order.
    pub(crate) commands: Vec<String>,
    /// Texts as they came over the wire, dots still doubled, without the final dot.
    pub(crate) texts: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) record: Arc<Mutex<Record>>,
    directory: tempfile::TempDir,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (config, authority) = certificates(script.wrong_name, script.old_tls);
        std::fs::write(directory.path().join("ca.pem"), authority).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::new(Mutex::new(Record::default()));
        let shared = Arc::clone(&record);
        let task = tokio::spawn(async move {
            let mut sessions = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let session = Session {
                    script: script.clone(),
                    record: Arc::clone(&shared),
                    acceptor: TlsAcceptor::from(Arc::clone(&config)),
                };
                sessions.spawn(session.accept(stream));
            }
        });
        Self {
            address,
            record,
            directory,
            task,
        }
    }

    /// The file with the authority of this server's certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A relay that leads here.
    pub(crate) fn relay(&self, security: RelaySecurity) -> Relay {
        Relay {
            host: "127.0.0.1".to_owned(),
            port: self.address.port(),
            security,
            user: None,
            password: None,
            ca_file: Some(self.ca_file()),
        }
    }

    /// The same with a login; the password goes through a file.
    pub(crate) fn relay_with_login(&self, security: RelaySecurity, password: &str) -> Relay {
        use std::os::unix::fs::PermissionsExt;
        let path = self.directory.path().join("password");
        std::fs::write(&path, format!("{password}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Relay {
            user: Some("user".to_owned()),
            password: Some(SecretSource::File(path)),
            ..self.relay(security)
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.record.lock().unwrap().texts.clone()
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.record.lock().unwrap().commands.clone()
    }

    pub(crate) fn plain(&self) -> String {
        self.record.lock().unwrap().plain.join("\n")
    }

    pub(crate) fn connections(&self) -> usize {
        self.record.lock().unwrap().connections
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

struct Session {
    script: Script,
    record: Arc<Mutex<Record>>,
    acceptor: TlsAcceptor,
}

/// The session is over.
struct Over;

impl Session {
    async fn accept(mut self, stream: TcpStream) {
        let session = {
            let mut record = self.record.lock().unwrap();
            record.connections += 1;
            record.connections
        };
        if self.script.once && session > 1 {
            self.script.at = None;
        }
        if self.script.implicit {
            if let Ok(stream) = self.acceptor.clone().accept(stream).await {
                let _ = self.talk(Box::new(stream), true, true).await;
            }
        } else {
            let _ = self.talk(Box::new(stream), false, true).await;
        }
    }

    async fn talk(&self, stream: Box<dyn Io>, secure: bool, greet: bool) -> Result<(), Over> {
        let mut stream = BufReader::new(stream);
        if greet {
            self.answer(&mut stream, Stage::Greeting, "220 test ready")
                .await?;
        }
        loop {
            let line = self.line(&mut stream, secure).await?;
            self.record.lock().unwrap().commands.push(line.clone());
            let verb = line.split(' ').next().unwrap_or("").to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.answer(&mut stream, Stage::Ehlo, &self.offers(secure))
                        .await?
                }
                "HELO" => self.say(&mut stream, "250 test").await?,
                "STARTTLS" if self.script.starttls && !secure => {
                    let ready = format!("220 go ahead\r\n{}", self.script.injected);
                    self.answer(&mut stream, Stage::StartTls, ready.trim_end())
                        .await?;
                    let Ok(stream) = self.acceptor.clone().accept(stream.into_inner()).await else {
                        return Err(Over);
                    };
                    return Box::pin(self.talk(Box::new(stream), true, false)).await;
                }
                "AUTH" => self.login(&mut stream, secure, &line).await?,
                "MAIL" => self.answer(&mut stream, Stage::Mail, "250 ok").await?,
                "RCPT" if line.contains(&format!("<{}>", self.script.unknown)) => {
                    self.say(&mut stream, "550 5.1.1 no such user").await?;
                }
                "RCPT" => self.answer(&mut stream, Stage::Rcpt, "250 ok").await?,
                "DATA" => self.data(&mut stream, secure).await?,
                "RSET" => self.say(&mut stream, "250 ok").await?,
                "QUIT" => {
                    self.say(&mut stream, "221 bye").await?;
                    return Ok(());
                }
                _ => self.say(&mut stream, "502 unknown").await?,
            }
        }
    }

    fn offers(&self, secure: bool) -> String {
        let mut offers = vec!["test".to_owned()];
        if self.script.starttls && !secure {
            offers.push("STARTTLS".to_owned());
        }
        if let Some((mechanisms, ..)) = self.script.auth {
            offers.push(format!("AUTH {mechanisms}"));
        }
        let last = offers.len() - 1;
        offers
            .iter()
            .enumerate()
            .map(|(index, offer)| format!("250{}{offer}", if index == last { ' ' } else { '-' }))
            .collect::<Vec<_>>()
            .join("\r\n")
    }

    async fn login(
        &self,
        stream: &mut BufReader<Box<dyn Io>>,
        secure: bool,
        line: &str,
    ) -> Result<(), Over> {
        if self
            .script
            .at
            .as_ref()
            .is_some_and(|(stage, _)| *stage == Stage::Auth)
        {
            return self.answer(stream, Stage::Auth, "").await;
        }
        let (_, user, password) = self.script.auth.unwrap_or(("", "", ""));
        let no_login = self.script.no_login;
        if !no_login.is_empty() && line.starts_with(&format!("AUTH {no_login}")) {
            return self
                .say(stream, &format!("504 5.5.4 what is {line}?"))
                .await;
        }
        let given = if line.starts_with("AUTH PLAIN ") && self.script.asks_again {
            self.say(stream, "334 ").await?;
            self.line(stream, secure).await?
        } else if line.starts_with("AUTH PLAIN ") {
            line.trim_start_matches("AUTH PLAIN ").to_owned()
        } else {
            self.say(stream, "334 VXNlcm5hbWU6").await?;
            let user = self.line(stream, secure).await?;
            self.say(stream, "334 UGFzc3dvcmQ6").await?;
            format!("{user} {}", self.line(stream, secure).await?)
        };
        let right = [
            base64(format!("\0{user}\0{password}").as_bytes()),
            format!(
                "{} {}",
                base64(user.as_bytes()),
                base64(password.as_bytes())
            ),
        ];
        if right.contains(&given) {
            self.say(stream, "235 ok").await
        } else {
            // Some relays repeat what they were given.
            self.say(stream, &format!("535 5.7.8 authentication failed: {given}"))
                .await
        }
    }

    async fn data(&self, stream: &mut BufReader<Box<dyn Io>>, secure: bool) -> Result<(), Over> {
        self.answer(stream, Stage::Data, "354 go ahead").await?;
        if matches!(self.script.at, Some((Stage::Data, _))) {
            return Ok(());
        }
        let mut text = String::new();
        loop {
            let line = self.line(stream, secure).await?;
            if line == "." {
                break;
            }
            text.push_str(&line);
            text.push_str("\r\n");
        }
        self.record.lock().unwrap().texts.push(text);
        self.answer(stream, Stage::Text, "250 taken").await
    }

    /// The answer of a stage, or what the script has in its place.
    async fn answer(
        &self,
        stream: &mut BufReader<Box<dyn Io>>,
        stage: Stage,
        usual: &str,
    ) -> Result<(), Over> {
        match &self.script.at {
            Some((at, act)) if *at == stage => match act {
                Act::Silent => {
                    std::future::pending::<()>().await;
                    Err(Over)
                }
                Act::Say(words) => self.say(stream, words).await,
                Act::Drop => Err(Over),
            },
            _ => self.say(stream, usual).await,
        }
    }

    async fn line(
        &self,
        stream: &mut BufReader<Box<dyn Io>>,
        secure: bool,
    ) -> Result<String, Over> {
        let mut bytes = Vec::new();
        let count = stream
            .read_until(b'\n', &mut bytes)
            .await
            .map_err(|_| Over)?;
        if count == 0 {
            return Err(Over);
        }
        let line = String::from_utf8_lossy(&bytes)
            .trim_end_matches(['\r', '\n'])
            .to_owned();
        if !secure {
            self.record.lock().unwrap().plain.push(line.clone());
        }
        Ok(line)
    }

    async fn say(&self, stream: &mut BufReader<Box<dyn Io>>, words: &str) -> Result<(), Over> {
        let mut words = format!("{words}\r\n");
        if self.script.wordless && !words.starts_with("250-") {
            words.truncate(3);
            words.push_str("\r\n");
        }
        if self.script.lf_only {
            words = words.replace("\r\n", "\n");
        }
        let stream = stream.get_mut();
        stream.write_all(words.as_bytes()).await.map_err(|_| Over)?;
        stream.flush().await.map_err(|_| Over)
    }
}
