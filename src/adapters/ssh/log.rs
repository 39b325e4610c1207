//! What OpenSSH's client says about itself at `LogLevel=DEBUG1`, read line by line as it is written.
//!
//! Its exit status alone cannot tell a remote command that exited with 255 from a connection that was never made; its
//! log can. Only facts from it and at most [`COMPLAINTS`] lines are kept, so a host that makes the client write without
//! end costs no memory.

use super::clean::clean;

/// Longest line that is read; the rest of a longer one is dropped.
const LINE: usize = 2048;

/// The client's complaints that are kept.
const COMPLAINTS: usize = 60;

/// How far a login has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Reached {
    /// No TCP connection yet.
    #[default]
    Nothing,
    /// Connected, but the other side has sent no SSH greeting yet.
    Connection,
    /// An SSH server answers; keys are being exchanged.
    Banner,
    /// The host's key is accepted; the host is checking ours.
    Authentication,
    /// We are logged in.
    Login,
    /// The command has been sent.
    Command,
}

/// What was found in the client's log so far.
#[derive(Debug, Default)]
pub(super) struct ClientLog {
    line: Vec<u8>,
    /// The furthest point.
    pub(super) reached: Reached,
    /// The host sent the command's exit status. That comes before the end of the output.
    pub(super) status_sent: bool,
    /// The host said that a signal killed the command. The client does not log which one.
    pub(super) signalled: bool,
    /// The command's exit status, known once the session has ended.
    pub(super) exit: Option<i32>,
    /// Fingerprint of the key the host showed: `SHA256:…`.
    pub(super) fingerprint: Option<String>,
    /// The account on the host, by the client's configuration.
    pub(super) user: Option<String>,
    /// The host would accept a key of ours.
    pub(super) key_accepted: bool,
    /// Lines that are no debug lines, cleaned, in order.
    pub(super) complaints: Vec<String>,
}

impl ClientLog {
    /// Takes what was read.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.read(clean(&line).trim());
            } else if self.line.len() < LINE {
                self.line.push(*byte);
            }
        }
    }

    fn reach(&mut self, point: Reached) {
        self.reached = self.reached.max(point);
    }

    fn complain(&mut self, line: String) {
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(line);
        }
    }

    fn read(&mut self, line: &str) {
        let Some(remark) = line.strip_prefix("debug1: ") else {
            if line.starts_with("Authenticated to ") {
                self.reach(Reached::Login);
            } else if !line.is_empty() && !line.starts_with("@@") {
                self.complain(line.to_owned());
            }
            return;
        };
        if remark.starts_with("Connection established") {
            self.reach(Reached::Connection);
        } else if remark.starts_with("Remote protocol version") {
            self.reach(Reached::Banner);
        } else if let Some(key) = remark.strip_prefix("Server host key: ") {
            self.fingerprint = key.split_whitespace().nth(1).map(str::to_owned);
        } else if let Some((_, user)) = remark
            .strip_prefix("Authenticating to ")
            .and_then(|rest| rest.rsplit_once(" as "))
        {
            self.user = Some(user.trim_matches('\'').to_owned());
        } else if remark.starts_with("SSH2_MSG_SERVICE_ACCEPT") {
            self.reach(Reached::Authentication);
        } else if remark.starts_with("Server accepts key") {
            self.key_accepted = true;
        } else if remark.starts_with("Sending command: ") {
            self.reach(Reached::Command);
        } else if remark.contains("rtype exit-status") {
            self.status_sent = true;
        } else if remark.contains("rtype exit-signal") {
            self.signalled = true;
        } else if let Some(status) = remark.strip_prefix("Exit status ") {
            self.exit = status.parse().ok().filter(|status| *status >= 0);
        } else if let Some((_, line)) = remark.split_once("banner line 0: ") {
            self.complain(format!("the host said: {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ClientLog {
        let mut log = ClientLog::default();
        for piece in text.replace('\n', "\r\n").as_bytes().chunks(3) {
            log.feed(piece);
        }
        log
    }

    #[test]
    fn a_whole_session() {
        let log = read(
            "debug1: Connection established.\n\
             debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1\n\
             debug1: Authenticating to 127.0.0.1:22722 as 'probe'\n\
             debug1: Server host key: ssh-ed25519 SHA256:e4NZ8\n\
             Authenticated to 127.0.0.1 ([127.0.0.1]:22722) using \"publickey\".\n\
             debug1: Sending command: sudo -n kusanagi restart\n\
             debug1: client_input_channel_req: channel 0 rtype exit-status reply 0\n\
             Transferred: sent 3516, received 3288 bytes, in 0.2 seconds\n\
             debug1: Exit status 255\n",
        );
        assert_eq!(log.reached, Reached::Command);
        assert_eq!(
            (log.exit, log.status_sent, log.signalled),
            (Some(255), true, false)
        );
        assert_eq!(log.user.as_deref(), Some("probe"));
        assert_eq!(log.fingerprint.as_deref(), Some("SHA256:e4NZ8"));
    }

    #[test]
    fn minus_one_is_no_exit_status_and_remarks_of_the_host_are_no_marks() {
        let log = read(
            "debug1: Remote: Authenticated to me\ndebug1: Remote: Exit status 0\ndebug1: Exit status -1\n",
        );
        assert_eq!((log.reached, log.exit), (Reached::Nothing, None));
    }

    #[test]
    fn talking_without_end_costs_no_memory() {
        let mut log = ClientLog::default();
        for _ in 0..1000 {
            log.feed(&[b'x'; 5000]);
            log.feed(b"\n");
        }
        assert!(log.complaints.len() <= COMPLAINTS && log.line.len() <= LINE);
        assert!(log.complaints.iter().all(|line| line.len() <= LINE));
    }
}
