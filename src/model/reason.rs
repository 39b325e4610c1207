//! Why an order was not carried out as given: a login, a command, a look at a host.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $Reason:ident $(($($value:ident),+))? $name:literal $words:literal;)*) => {
        /// Why something did not go as ordered.
        ///
        /// Mails say it in the reader's language (`words/*/reasons.txt`); [`fmt::Display`] is the same in English, for the
        /// terminal, the log and the JSON documents: a lower-case fragment without a full stop. Values called `said` are
        /// quotations: OpenSSH's, the host's, the kernel's.
        ///
        /// A state of an earlier version holds the fragment itself; it is read as [`Reason::Other`].
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $doc])* #[serde(rename = $name)] $Reason $({ $(
                #[doc = "See the words."] $value: String
            ),+ })?,)*
            /// The words of somebody else, or of an earlier version.
            #[serde(untagged)]
            Other(String),
        }

        impl Reason {
            /// One reason of each kind, in which each value is its own name.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$Reason $({ $($value: stringify!($value).to_owned()),+ })?,)*]
            }

            /// The piece of `words/*/reasons.txt`.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$Reason $({ $($value: _),+ })? => $name,)*
                    Self::Other(_) => "other",
                }
            }

            /// The piece with its short form, for subjects.
            #[must_use]
            pub const fn short_name(&self) -> &'static str {
                match self {
                    $(Self::$Reason $({ $($value: _),+ })? => concat!($name, ".short"),)*
                    Self::Other(_) => "other.short",
                }
            }

            /// Its values by name.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, &str)> {
                match self {
                    $(Self::$Reason $({ $($value),+ })? => vec![$($((stringify!($value), $value.as_str())),+)?],)*
                    Self::Other(words) => vec![("said", words.as_str())],
                }
            }

            fn values_mut(&mut self) -> Vec<&mut String> {
                match self {
                    $(Self::$Reason $({ $($value),+ })? => vec![$($($value),+)?],)*
                    Self::Other(words) => vec![words],
                }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$Reason $({ $($value),+ })? => write!(f, $words),)*
                    Self::Other(words) => f.write_str(words),
                }
            }
        }
    };
}

reasons! {
    // Before the client is started.
    /// Written down too late.
    WrittenLate(seconds) "written_late" "it could not be written down before {seconds} s had passed (a slow disk of our own machine, or the machine slept), and by then it was too old to be begun";
    /// A path that the client cannot be given.
    PathUnfit(path) "path_unfit" "ssh cannot be given the path {path}: rename it without quotes, `\\` and `$`";
    /// A person paused the host in the last moment.
    Paused "paused" "paused by a person";
    /// The order was too old to be begun.
    TooOld "too_old" "our own machine slept or was so slow that the order was too old to be begun";
    /// The destination is none.
    NoDestination(destination) "no_destination" "`{destination}` is no destination: write `user@host`";
    /// A file that the host's entry names cannot be read.
    FileUnreadable(key, file, said) "file_unreadable" "the {key} {file} cannot be read by the account probe runs under: {said}";
    /// There is no client.
    NoClient "no_client" "no `ssh` on the PATH: install openssh-client";
    /// No private directory.
    NoScratch(place, said) "no_scratch" "no private directory below {place} for the log of ssh: {said}";
    /// The client could not be started.
    ClientNotStarted(program, said) "client_not_started" "{program} could not be started on this machine: {said}";
    /// The client did not end in time.
    ClientHangs "client_hangs" "the ssh client did not end in time";

    // The login.
    /// The port was silent a moment ago.
    PortSilent "port_silent" "its SSH port does not answer";
    /// The port refused a moment ago.
    PortRefuses "port_refuses" "its SSH port refuses connections";
    /// No connection within the time for a login.
    NoConnection(limit) "no_connection" "no login within {limit}: no connection was made";
    /// A connection, and no greeting.
    NoGreeting(limit) "no_greeting" "no login within {limit}: the connection was made, but no SSH server spoke; sshd may be frozen";
    /// A greeting, and no keys.
    NoKeys(limit) "no_keys" "no login within {limit}: the key exchange did not end; the host may be short of CPU or memory";
    /// Keys, and no answer to ours.
    NoAnswer(limit) "no_answer" "no login within {limit}: the host did not answer the authentication; it may be short of memory, or waits for a name service";
    /// A login, and no session.
    NoSession(limit) "no_session" "no login within {limit}: the session did not begin";
    /// A login, and no session until the command's time was over.
    NoRoom(limit) "no_room" "logged in, but the host opened no session within {limit}: it may be out of memory or processes";
    /// This account has no name here.
    NoAccountHere(said) "no_account_here" "ssh refuses to run here ({said}): run probe under an account that exists in /etc/passwd, not under a bare number or DynamicUser";
    /// The name has no address.
    NameNotResolved(said) "name_not_resolved" "name not resolved: {said}";
    /// OpenSSH 9.8's penalties.
    Penalised "penalised" "the host turns this machine away for a while after failed logins (PerSourcePenalties)";
    /// Nothing listens.
    ConnectionRefused(said) "connection_refused" "connection refused: {said}";
    /// A router says so.
    NoRoute(said) "no_route" "no route to the host: {said}";
    /// A router, or we ourselves.
    NetworkUnreachable(said) "network_unreachable" "network unreachable: {said}";
    /// Silence.
    ConnectionTimedOut(said) "connection_timed_out" "connection timed out: {said}";
    /// Lost after the login.
    LostBeforeCommand(said) "lost_before_command" "connection lost before the command was sent: {said}";
    /// Closed while we were being checked.
    ClosedInLogin(said) "closed_in_login" "connection closed during the login: {said}";
    /// Closed before that.
    ClosedInKeyExchange(said) "closed_in_key_exchange" "connection closed in the key exchange; the host may be out of processes or turn new logins away: {said}";
    /// The client ended for another reason.
    ClientEnded(said) "client_ended" "ssh ended before the login: {said}";
    /// The same after the login.
    ClientEndedLate(said) "client_ended_late" "ssh ended before the command was sent: {said}";
    /// The client ended and said nothing.
    ClientMute "client_mute" "ssh ended before the login without a word";
    /// The same after the login.
    ClientMuteLate "client_mute_late" "ssh ended before the command was sent without a word";
    /// The client was killed, and nothing was sent.
    ClientKilled(signal) "client_killed" "the ssh client was killed by signal {signal} on this machine";

    // What only a person can change.
    /// No common methods.
    NoMethod(said) "no_method" "ssh here and on the host have no method in common: {said}";
    /// The client's own configuration.
    ClientConfig(said) "client_config" "ssh does not accept its configuration (OpenSSH 7.6 or newer is needed): {said}";
    /// The key of the host was revoked.
    HostKeyRevoked(name, file, fingerprint) "host_key_revoked" "host key of {name} is marked as revoked in {file} (it shows {fingerprint}): do not log in until you know why";
    /// The key of the host is another one.
    HostKeyChanged(name, file, fingerprint) "host_key_changed" "host key of {name} has changed (it shows {fingerprint}): the host was reinstalled, or somebody is in between; compare the fingerprint on the host itself, then remove the old key with `ssh-keygen -R '{name}' -f {file}` and add the new one";
    /// The key of the host is not known.
    HostKeyUnknown(name, keyscan, file, fingerprint) "host_key_unknown" "host key of {name} is not known (it shows {fingerprint}): compare its fingerprint on the host itself (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`) and add it with `ssh-keyscan {keyscan} >> {file}`";
    /// The key of the host was not accepted, and why was not said.
    HostKeyRefused(name, fingerprint) "host_key_refused" "host key of {name} was not accepted (it shows {fingerprint})";
    /// Others can read our key.
    KeyOpen(key) "key_open" "login refused, because {key} can be read by others and is not used: `chmod 600` it";
    /// Our key is none.
    KeyUnusable(said) "key_unusable" "login refused, because a key cannot be used: {said}";
    /// Our key cannot sign.
    KeyLocked(key) "key_locked" "the host would accept {key}, but it cannot be used here: it has a passphrase, or the agent declined; take a key without one for this";
    /// Too many keys were offered.
    TooManyKeys(said) "too_many_keys" "login refused, too many keys were tried: set `identity_file` of the host ({said})";
    /// The host wants nothing of our key.
    LoginRefused(said, key) "login_refused" "login refused ({said}): is the public half of {key} in the account's authorized_keys, does its `from=` allow this machine, and is the account open?";

    // The command.
    /// It ended, and left something behind that did not.
    OutputHeld(limit) "output_held" "the command ended, but something it started held its output open for {limit}: start that with `</dev/null >/dev/null 2>&1`";
    /// It did not end.
    NoEnd(limit, seconds) "no_end" "no end within {limit}; it may still be running on the host (`timeout {seconds}` before the command would end it there)";
    /// A signal on the host.
    KilledThere "killed_there" "the command was killed by a signal on the host";
    /// The client was killed after it had sent the command.
    ClientKilledLate(signal) "client_killed_late" "the ssh client was killed by signal {signal} on this machine after the command was sent";
    /// The connection broke.
    Lost(said) "lost" "connection lost after the command was sent: {said}";
    /// The connection broke without a word.
    LostMute "lost_mute" "connection lost after the command was sent";
    /// `timeout` on the host.
    TimeoutThere "timeout_there" "`timeout` on the host ended the command at its limit";
    /// The account may log in, and may not run anything.
    KeptOut(said) "kept_out" "the host lets this account in and runs nothing for it: {said}";
    /// Exit status 126.
    NotExecutable "not_executable" "the command cannot be executed by this account on the host";
    /// Exit status 127.
    NotFound "not_found" "the command was not found on the host: write its full path, a login over SSH has a short PATH";
    /// Exit statuses above 128.
    ShellSaysKilled(signal) "shell_says_killed" "the host's shell says that the command was killed by {signal}";
    /// The same, by the signal of the kernel's out-of-memory killer.
    ShellSaysSigkill "shell_says_sigkill" "the host's shell says that the command was killed by SIGKILL (often: out of memory)";
    /// sudo wants a password or has no line for it.
    Sudo(said, user, wanted) "sudo" "sudo on the host refuses ({said}): add `{user} ALL=(root) NOPASSWD: {wanted}` with `visudo -f /etc/sudoers.d/probe` there, and write `sudo -n`";
    /// The same, where the path is not known.
    SudoPath(said, user, wanted) "sudo_path" "sudo on the host refuses ({said}): add `{user} ALL=(root) NOPASSWD: {wanted}` with the full path of the program with `visudo -f /etc/sudoers.d/probe` there, and write `sudo -n`";
    /// The same for what the agent runs.
    SudoAgent(said) "sudo_agent" "sudo on the host refuses the command of its agent ({said}): the account's line in /etc/sudoers.d/probe must name exactly that command";
    /// The agent exits with 64.
    AgentUnknown "agent_unknown" "the host's agent does not know this order (exit status 64): its version is another one";
    /// The agent exits with 70.
    AgentBudget "agent_budget" "the host's agent refuses: too many restarts in its own count, or one too soon after the last; its own words say which";
    /// The agent exits with 71.
    AgentBusy "agent_busy" "the host's agent refuses: a restart is running already";
    /// The agent exits with 72.
    AgentResources "agent_resources" "the host's agent refuses: disk, memory or processes of the host are used up, its own record cannot be kept, or the agent is not set up safely; its own words say which";
    /// The agent exits with 73.
    AgentConfig "agent_config" "the host's agent refuses: the web server's own configuration is broken";

    // A program that runs here.
    /// None is named.
    NoProgram "no_program" "no program is named";
    /// It could not be started.
    NotStarted(program, said) "not_started" "{program} could not be started here: {said}";
    /// It was ended.
    EndedByUs(program, limit) "ended_by_us" "{program} did not end within {limit} and was killed";
    /// Somebody killed it.
    KilledHere(program) "killed_here" "{program} was killed by a signal";
    /// No end within the time of an attempt.
    NoWord "no_word" "no answer came before its deadline; it may have been carried out";
    /// Its end was not seen.
    EndUnseen(program) "end_unseen" "the end of {program} was not seen";

    // A look at the host.
    /// No facts at all.
    NoFacts "no_facts" "the answer has no `facts=1`";
    /// A line that is no fact.
    NotAFact(said) "not_a_fact" "no fact: `{said}`";
    /// A fact twice.
    FactTwice(said) "fact_twice" "the same fact twice: `{said}`";
    /// A value that the fact cannot have.
    NotAValue(said) "not_a_value" "not a value it can have: `{said}`";
    /// The end is missing.
    BrokenOff "broken_off" "the answer breaks off before `end=1`";
    /// It failed with a status.
    LookStatus(status) "look_status" "exit status {status}: the look failed";
    /// It failed.
    LookFailed "look_failed" "the look failed";
    /// It did not end.
    LookEndless "look_endless" "the look did not end in time";
    /// Nobody got in.
    NotIn "not_in" "nobody got in";
}

impl Reason {
    /// Whether the login went well, and what was to be run could not be: a person must change the command, sudo's lines
    /// or the agent.
    #[must_use]
    pub const fn is_of_command(&self) -> bool {
        matches!(
            self,
            Self::NotExecutable
                | Self::NotFound
                | Self::Sudo { .. }
                | Self::SudoPath { .. }
                | Self::SudoAgent { .. }
                | Self::AgentUnknown
                | Self::NoProgram
                | Self::NotStarted { .. }
        )
    }

    /// Whether the order was not begun because of ourselves.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::WrittenLate { .. } | Self::Paused | Self::TooOld)
    }

    /// With each value cut to as many characters.
    #[must_use]
    pub fn cut(mut self, chars: usize) -> Self {
        for value in self.values_mut() {
            if let Some((end, _)) = value.char_indices().nth(chars) {
                value.truncate(end);
            }
        }
        self
    }
}

impl From<&str> for Reason {
    fn from(words: &str) -> Self {
        Self::Other(words.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_versions_wrote_is_read_and_kept_word_for_word() {
        for words in [
            "connection timed out: ssh: connect to host web1 port 22: Connection timed out",
            // The name of one of today's.
            "paused by a person",
            "",
        ] {
            let text = serde_json::to_string(words).unwrap();
            let read: Reason = serde_json::from_str(&text).unwrap();
            assert_eq!(read, Reason::Other(words.to_owned()));
            assert_eq!(read.to_string(), words);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for reason in Reason::all() {
            let text = serde_json::to_string(&reason).unwrap();
            assert_eq!(
                serde_json::from_str::<Reason>(&text).unwrap(),
                reason,
                "{text}"
            );
        }
    }

    #[test]
    fn a_hostile_quotation_is_cut_and_what_we_say_of_it_stays() {
        let reason = Reason::LoginRefused {
            said: "あ".repeat(400),
            key: "k".repeat(300),
        };
        let said = reason.cut(300).to_string();
        assert_eq!(said.matches('あ').count(), 300);
        assert!(said.contains(&"k".repeat(300)) && !said.contains(&"k".repeat(301)));
        assert!(said.ends_with("and is the account open?"), "{said}");
    }
}
