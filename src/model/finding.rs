//! What a check saw, as facts.
//!
//! The adapter or the rule that sees something makes the finding, and it travels as it is: nothing reads a sentence to
//! learn a fact. A finding can hold another finding (`…, on two connections in a row`). Text from outside is
//! [`Quoted`]; text of ours, of the configuration or of this machine is a `String`.
//!
//! [`fmt::Display`] is the English of the JSON documents and of the log. People read [`crate::render::words`], which
//! has a piece for each finding in each language (`words/*/details.txt`). A finding is added by one line of
//! `findings!`; without its pieces it does not compile.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cause, Quoted, Timestamp, limits, one_line};

/// One value that a finding holds, for whoever puts it into words.
#[derive(Debug, Clone, Copy)]
pub enum FieldValue<'a> {
    /// Text from outside.
    Quoted(&'a Quoted),
    /// Text that is ours.
    Text(&'a str),
    /// A number.
    Number(u64),
    /// A span in seconds with one decimal.
    Seconds(Duration),
    /// A day, without its time.
    Day(Timestamp),
    /// A moment.
    Moment(Timestamp),
    /// An address.
    Address(IpAddr),
    /// A cause, as [`Cause::phrase`] says it.
    Cause(Cause),
    /// Another finding.
    Finding(&'a Finding),
}

/// A type that a finding can hold.
trait Holds {
    fn held(&self) -> FieldValue<'_>;

    /// Changes every text in it.
    fn texts(&mut self, _change: &mut dyn FnMut(&str) -> String) {}

    /// An example whose text is `name`.
    fn example(name: &str) -> Self;
}

macro_rules! wrapped {
    ($($(#[$doc:meta])* $Type:ident($Inner:ty) = |$self:ident| $held:expr, $shown:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $Type(pub $Inner);

        impl Holds for $Type {
            fn held(&self) -> FieldValue<'_> {
                let $self = self.0;
                $held
            }

            fn example(_: &str) -> Self {
                Self(<$Inner>::example(""))
            }
        }

        impl fmt::Display for $Type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $self = self.0;
                write!(f, "{}", $shown)
            }
        }
    )*};
}

wrapped! {
    /// A span, said in seconds with one decimal.
    Seconds(Duration) = |span| FieldValue::Seconds(span), format!("{:.1} s", span.as_secs_f64());
    /// A span, said in whole minutes from two minutes on, else in seconds.
    Lasting(Duration) = |span| FieldValue::Number(span.as_secs()), match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    /// A day: `2026-12-01`.
    Day(Timestamp) = |at| FieldValue::Day(at), at.to_string().chars().take(10).collect::<String>();
    /// Whole days that have passed since.
    DaysAgo(u64) = |days| FieldValue::Number(days), match days {
        0 => "less than a day ago".to_owned(),
        1 => "1 day ago".to_owned(),
        days => format!("{days} days ago"),
    };
    /// By how many whole hours a clock is wrong, said in days from one day on.
    Hours(u64) = |hours| FieldValue::Number(hours), match (hours / 24, hours) {
        (0, 1) => "1 hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    };
    /// How many redirects.
    Redirects(u64) = |count| FieldValue::Number(count), match count {
        1 => "1 redirect".to_owned(),
        more => format!("{more} redirects"),
    };
    /// A cause, said by [`Cause::phrase`].
    Phrase(Cause) = |cause| FieldValue::Cause(cause), cause.phrase();
}

macro_rules! holds {
    ($($Type:ty: |$self:ident| $held:expr, |$name:ident| $example:expr;)*) => {$(
        impl Holds for $Type {
            fn held(&self) -> FieldValue<'_> {
                let $self = self;
                $held
            }

            fn example($name: &str) -> Self {
                $example
            }
        }
    )*};
}

holds! {
    u64: |number| FieldValue::Number(*number), |_name| 7;
    IpAddr: |address| FieldValue::Address(*address), |_name| [192, 0, 2, 7].into();
    Timestamp: |at| FieldValue::Moment(*at), |_name| Self(1_764_000_000_000);
    Duration: |span| FieldValue::Seconds(*span), |_name| Self::from_secs(7);
    Cause: |cause| FieldValue::Cause(*cause), |_name| Self::Reset;
}

impl Holds for Quoted {
    fn held(&self) -> FieldValue<'_> {
        FieldValue::Quoted(self)
    }

    fn texts(&mut self, change: &mut dyn FnMut(&str) -> String) {
        *self = Self::new(&change(self.as_str()));
    }

    fn example(name: &str) -> Self {
        Self::new(name)
    }
}

impl Holds for String {
    fn held(&self) -> FieldValue<'_> {
        FieldValue::Text(self)
    }

    fn texts(&mut self, change: &mut dyn FnMut(&str) -> String) {
        *self = change(self);
    }

    fn example(name: &str) -> Self {
        name.to_owned()
    }
}

impl Holds for Box<Finding> {
    fn held(&self) -> FieldValue<'_> {
        FieldValue::Finding(self)
    }

    fn texts(&mut self, change: &mut dyn FnMut(&str) -> String) {
        self.change_texts(change);
    }

    fn example(_: &str) -> Self {
        Self::new(Finding::WentSilent)
    }
}

macro_rules! findings {
    ($($Finding:ident $(($($value:ident: $Type:ty),+))? $key:literal $words:literal;)*) => {
        /// What a check saw that is not well, or worth knowing.
        ///
        /// A row of an earlier version holds the English sentence; it is read as [`Finding::Told`].
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Finding {
            $(#[doc = concat!("`", $words, "`")] #[serde(rename = $key)] $Finding $({ $(
                #[doc = "See the words."] $value: $Type
            ),+ })?,)*
            /// The words of an earlier version; where they came from is not known.
            #[serde(untagged)]
            Told(Quoted),
        }

        impl Finding {
            /// The pieces of `words/*/details.txt`, in the order in which they stand there.
            pub const KEYS: &'static [&'static str] = &[$($key,)* TOLD];

            /// One finding of each kind, in which each text is the name of its value.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![
                    $(Self::$Finding $({ $($value: <$Type>::example(stringify!($value))),+ })?,)*
                    Self::Told(Quoted::new("said")),
                ]
            }

            /// The piece of `words/*/details.txt`.
            #[must_use]
            pub const fn key(&self) -> &'static str {
                match self {
                    $(Self::$Finding $({ $($value: _),+ })? => $key,)*
                    Self::Told(_) => TOLD,
                }
            }

            /// What it holds, by name.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, FieldValue<'_>)> {
                match self {
                    $(Self::$Finding $({ $($value),+ })? => vec![$($((stringify!($value), $value.held())),+)?],)*
                    Self::Told(words) => vec![("said", words.held())],
                }
            }

            /// Changes every text in it, also of the findings it holds.
            pub fn change_texts(&mut self, change: &mut dyn FnMut(&str) -> String) {
                match self {
                    $(Self::$Finding $({ $($value),+ })? => { $($($value.texts(change);)+)? })*
                    Self::Told(words) => words.texts(change),
                }
            }
        }

        impl fmt::Display for Finding {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$Finding $({ $($value),+ })? => write!(f, $words),)*
                    Self::Told(words) => write!(f, "{words}"),
                }
            }
        }
    };
}

/// The piece of [`Finding::Told`].
const TOLD: &str = "told_earlier";

findings! {
    // How findings are put together.
    And(finding: Box<Finding>, also: Box<Finding>) "and" "{finding}; {also}";
    Beside(finding: Box<Finding>, also: Box<Finding>) "beside" "{finding}, {also}";
    Means(finding: Box<Finding>, meaning: Box<Finding>) "means" "{finding}: {meaning}";
    At(address: IpAddr, finding: Box<Finding>) "at" "{address}: {finding}";
    Behind(finding: Box<Finding>, url: Quoted, redirects: Redirects) "behind_redirects" "{finding} (at {url}, after {redirects})";
    Twice(finding: Box<Finding>) "on_two_connections" "{finding}, on two connections in a row";
    SecondAnswered(first: Box<Finding>) "second_connection_answered" "{first}; a second connection answered";
    RetryAfter(finding: Box<Finding>, seconds: u64) "retry_after" "{finding}; Retry-After {seconds} s";
    BodyBegins(finding: Box<Finding>, said: Quoted) "body_begins" "{finding}; the body begins: {said}";
    ThePlace(finding: Box<Finding>, said: Quoted) "the_place" "{finding}; the place: {said}";
    SshSilent(finding: Box<Finding>) "ssh_silent_too" "{finding}, and the SSH port of its host is silent, too";
    Ipv4Dead(finding: Box<Finding>) "ipv4_dead" "IPv4 is dead and IPv6 answers: {finding}";
    Ipv6Dead(finding: Box<Finding>) "ipv6_dead" "IPv6 is dead and IPv4 answers: {finding}";
    MaintenanceBegins(asked: Lasting, finding: Box<Finding>) "in_maintenance" "in maintenance, taken at its word for {asked}: {finding}";
    MaintenanceLasts(lasts: Lasting, asked: Lasting, finding: Box<Finding>) "in_maintenance_still" "in maintenance for {lasts} now, taken at its word for {asked}: {finding}";
    MaintenanceTooLong(lasts: Lasting, asked: Lasting, finding: Box<Finding>) "in_maintenance_too_long" "in maintenance for {lasts} now, not over after {asked}: {finding}";
    Bare(cause: Phrase) "nothing_but_the_cause" "{cause}";
    Said(said: Quoted) "said_by_others" "{said}";

    // The connection.
    Refused "connection_refused" "connection refused: nothing listens there";
    ConnectSilent "connect_silent" "no answer to the connection attempt";
    ConnectSilentWithin(limit: Seconds) "connect_silent_within" "no answer to the connection attempt within {limit}";
    CouldNotConnect(why: Quoted) "could_not_connect" "could not connect ({why})";
    ResetInHandshake "reset_in_handshake" "the connection was reset during the TLS handshake";
    ResetBeforeResponse "reset_before_response" "the connection was reset before any response";
    ClosedInHandshake "closed_in_handshake" "the connection was closed during the TLS handshake";
    ClosedBeforeResponse "closed_before_response" "the connection was closed without a response";
    WentSilent "went_silent" "the connection went silent";
    UnreachableByIcmp "unreachable_by_icmp" "the network says that the address cannot be reached (ICMP)";
    ForbiddenByIcmp "forbidden_by_icmp" "a firewall on the way forbids the connection (ICMP)";

    // Our own machine.
    NoDescriptors "no_descriptors" "this machine has no free file descriptor; raise LimitNOFILE";
    NoMemory "no_memory" "this machine has no memory left for a connection";
    OwnFirewall "own_firewall" "this machine's own firewall forbids the connection";
    NoRoute "no_route" "this machine has no route to the address";
    NoLocalAddress "no_local_address" "this machine has no free local address or port";
    NoFamily "no_family" "this machine does not support the address family";
    NoClient(why: Quoted) "no_client" "no HTTP client could be made: {why}";
    OutsideOfProbes "outside_of_probes" "the HTTP client connects outside of any probe";
    NoResult "no_result" "the check ended without a result; see the log";
    NotInTime "not_in_time" "the check did not end in time on this machine";
    Late(seconds: u64) "result_late" "the result came {seconds} s late: this machine is overloaded or was asleep";
    NotProbed(age: String) "not_probed" "not probed for {age}: does `probe run`, the timer or the cron line still run?";
    NothingChecked "nothing_checked" "nothing was checked";
    NoHost "url_without_host" "the URL has no host";
    Unrequestable "unrequestable" "no request can be made of the URL, method and headers";
    NoMethod(method: String) "no_method" "`{method}` is not an HTTP method";
    HeaderUnsendable(name: String) "header_unsendable" "the header `{name}` cannot be sent as it stands";
    TlsFiles(why: Quoted) "tls_files" "tls.ca_file and tls.crl_file cannot be used: {why}";
    ClientFiles(why: Quoted) "client_files" "tls.client_cert_file and tls.client_key_file cannot be used together: {why}";
    FileUnreadable(key: String, file: String, why: Quoted) "file_unreadable" "{key} {file} cannot be read: {why}";
    FileTooLarge(key: String, file: String, most: u64) "file_too_large" "{key} {file} is larger than {most} MiB";
    FileWithoutCertificate(key: String, file: String) "file_without_certificate" "{key} {file} holds no PEM certificate";
    FileWithoutRoot(key: String, file: String) "file_without_root" "{key} {file} holds no certificate that can be a root";
    FileWithoutList(key: String, file: String) "file_without_list" "{key} {file} holds no revocation list that can be read (PEM or DER)";

    // Names and addresses.
    NoSuchName(name: Quoted) "no_such_name" "the name {name} does not exist (NXDOMAIN)";
    NoAddressRecord(name: Quoted) "no_address_record" "the name {name} has no address (no A or AAAA record)";
    NameServerFailed(name: Quoted, code: String) "name_server_failed" "the name server could not answer for {name} ({code})";
    NameServersSilent(name: Quoted) "name_servers_silent" "the name servers of {name} did not answer in time";
    NoNameServerInTime(name: Quoted) "no_name_server_in_time" "no name server answered for {name} in time";
    NoNameServerWithin(limit: Seconds) "no_name_server_within" "no name server answered within {limit}";
    NotAName(name: Quoted) "not_a_name" "{name} cannot be a host name";
    NameAnswerUnusable(name: Quoted, why: Box<Finding>) "name_answer_unusable" "the answer of the name server for {name} cannot be used ({why})";
    ResolvConf(why: Quoted) "resolv_conf" "this machine's /etc/resolv.conf cannot be used ({why})";
    OwnNameServer(why: Box<Finding>) "own_name_server" "this machine's own name server does not answer ({why})";
    NameServerSilent(address: IpAddr) "name_server_silent" "{address}: silent";
    NameServerSaid(address: IpAddr, said: Quoted) "name_server_said" "{address}: {said}";
    NoAddressFound "no_address_found" "the look-up found no address";
    HasNoAddress(name: Quoted) "has_no_address" "{name} has no address";
    LeadsElsewhere(host: Quoted, address: IpAddr, expected: String) "leads_elsewhere" "{host} leads to {address}, expected {expected}";
    LeadsNowhere(host: Quoted, address: IpAddr, what: Box<Finding>) "leads_nowhere" "{host} leads to {address}: {what}";
    HostsFileLeads(host: Quoted, address: IpAddr, what: Box<Finding>) "hosts_file_leads" "/etc/hosts leads {host} to {address}: {what}";
    IsNowhere(address: IpAddr, what: Box<Finding>) "is_nowhere" "{address} is {what}: no web server can be there";
    IsOwnBroadcast(address: IpAddr) "is_own_broadcast" "{address} is the broadcast address of a network of this machine: no web server can be there";
    Multicast "multicast_address" "a multicast address";
    Broadcast "broadcast_address" "the broadcast address";
    LinkLocal "link_local_address" "a link-local address, which means nothing without its network";
    Unspecified "unspecified_address" "the unspecified address, which a blocked name gets";
    ThisMachine "this_machine" "this machine itself, and its host is another one";
    LastGoodAnswers(address: IpAddr, status: u64) "last_good_answers" "its last good address {address} still answers (HTTP status {status})";
    LastGoodWell(address: IpAddr) "last_good_well" "its last good address {address} still answers (well)";
    LastGoodNotWell(address: IpAddr, status: u64, cause: Phrase) "last_good_not_well" "its last good address {address} answers, but not well (HTTP status {status}: {cause})";
    LastGoodDead(address: IpAddr, cause: Phrase) "last_good_dead" "its last good address {address} does not answer either: {cause}";
    LastGoodNotAsked(address: IpAddr, why: Box<Finding>) "last_good_not_asked" "its last good address {address} could not be asked: {why}";
    LastGoodNoTime(address: IpAddr) "last_good_no_time" "no time was left to ask its last good address {address}";

    // TLS.
    HandshakeSilent "handshake_silent" "the TLS handshake got no answer";
    HandshakeWithin(limit: Seconds) "handshake_within" "connected, but the TLS handshake did not end within {limit}";
    HandshakeBroken(why: Quoted) "handshake_broken" "the handshake failed ({why})";
    HandshakeFailed(why: Quoted) "handshake_failed" "the TLS handshake failed ({why})";
    NotTls "not_tls_on_port" "the port does not speak TLS: plain HTTP or something else answers there";
    NotTlsButSsh "not_tls_but_ssh" "the port does not speak TLS: an SSH server answers on this port";
    NotTlsButHttp "not_tls_but_http" "the port does not speak TLS: plain HTTP answers on this port";
    NotTlsButMail "not_tls_but_mail" "the port does not speak TLS: a mail or FTP server answers on this port";
    NotTlsButPop3 "not_tls_but_pop3" "the port does not speak TLS: a POP3 server answers on this port";
    AlpnNotOffered "alpn_not_offered" "the server chose a protocol that was not offered (ALPN)";
    CertificatesTooLarge "certificates_too_large" "the certificates that the server sends are larger than 64 KiB, which no client takes; send fewer, or with fewer names";
    NoSafeTls(why: Quoted) "no_safe_tls" "the server offers no TLS version or cipher that is still safe ({why})";
    AlertClientCertificate(alert: String) "alert_client_certificate" "the server asks for a client certificate and does not take what it got (TLS alert {alert}); set tls.client_cert_file and tls.client_key_file";
    AlertOldTls(alert: String) "alert_old_tls" "the server speaks only versions of TLS older than 1.2, which are not safe any more (TLS alert {alert})";
    AlertNoCommon(alert: String) "alert_no_common" "the server found no cipher or signature that it has in common with us: it may know only old ones (TLS alert {alert})";
    AlertTooWeak(alert: String) "alert_too_weak" "the server demands stronger ciphers than we offer (TLS alert {alert})";
    AlertNoSite(alert: String) "alert_no_site" "the server has no site of this name (TLS alert {alert})";
    AlertInternal(alert: String) "alert_internal" "the server failed inside its own TLS; its error log says more (TLS alert {alert})";
    AlertNoAlpn(alert: String) "alert_no_alpn" "the server speaks neither HTTP/2 nor HTTP/1.1 (ALPN) (TLS alert {alert})";
    AlertCanceled(alert: String) "alert_canceled" "the server gave the handshake up (TLS alert {alert})";
    AlertOther(alert: String) "alert_other" "the server broke the TLS handshake off (TLS alert {alert})";
    BehindItAnswers(status: u64) "behind_it_answers" "behind it the site answers (HTTP status {status})";
    BehindItFails(finding: Box<Finding>) "behind_it_fails" "behind it the site fails as well: {finding}";
    BehindItSilent "behind_it_silent" "behind it the site gives no answer in time";
    OwnClockWrong(span: Hours, date: Timestamp) "own_clock_wrong" "this machine's clock seems to be wrong by {span}: the site's and a canary's say {date}, when its certificate is valid; set the clock (timedatectl)";
    ClockInDoubt(span: Hours) "clock_in_doubt" "by its clock, which differs from ours by {span}, the certificate is valid: is this machine's clock right (timedatectl)?";

    // Certificates.
    CertificateUnreadable(why: Quoted) "certificate_unreadable" "the certificate cannot be read ({why})";
    CertificateExpired(day: Day, ago: DaysAgo) "certificate_expired" "the certificate expired on {day}, {ago}; renew it and reload the web server";
    IntermediateExpired(subject: Quoted, day: Day, ago: DaysAgo, valid: Day) "intermediate_expired" "the intermediate certificate {subject} expired on {day}, {ago} (the site's own is valid until {valid}); put the issuer's present one into the server's chain";
    ChainExpired "chain_expired" "a certificate of the chain has expired";
    NotValidBefore(day: Day) "not_valid_before" "the certificate is not valid before {day}";
    InstallThen "install_then" "install it when that day has come, or look at this machine's clock";
    Also(finding: Box<Finding>) "also" "also, {finding}";
    ForOthers(names: Quoted, host: Quoted) "for_others" "the certificate is for {names}, not for {host}";
    ForOthersAndMore(names: Quoted, more: u64, host: Quoted) "for_others_and_more" "the certificate is for {names} and {more} more, not for {host}";
    NoNameBut(host: Quoted, name: Quoted) "no_name_but" "the certificate is not for {host}: it has no name but {name} in its subject, which does not count";
    NoNameAtAll(host: Quoted) "no_name_at_all" "the certificate is for no name at all, not for {host}";
    DnsNameOnly(host: Quoted) "dns_name_only" "the certificate has {host} as a DNS name only, which does not count for an address";
    RenewOrMend "renew_or_mend" "renew it with this name, or mend the name's server block";
    Revoked(issuer: Quoted) "certificate_revoked" "the certificate was revoked by its issuer {issuer} (by tls.crl_file); browsers may refuse it: replace it";
    SelfSigned(subject: Quoted) "self_signed" "the certificate is self-signed ({subject}): no authority vouches for it; get one that is signed, or name it in tls.ca_file";
    NotAcceptable(why: Quoted) "not_acceptable" "the certificate is not acceptable ({why})";
    ChainEndsIn(root: Quoted) "chain_ends_in" "the certificate's issuer is not trusted: the chain ends in {root}; if that is your own authority, name it in tls.ca_file";
    IssuerNotTrusted(issuer: Quoted) "issuer_not_trusted" "the certificate's issuer is not trusted: {issuer}; if that is your own authority, name it in tls.ca_file";
    IntermediateMissing(issuer: Quoted) "intermediate_missing" "the server does not send the intermediate certificate {issuer}; some clients have it, others fail: put the whole chain (fullchain.pem) into the server's certificate file";
    CertificateOver(at: Timestamp) "certificate_over" "the certificate expired on {at}";
    CertificateEndsToday(at: Timestamp) "certificate_ends_today" "the certificate expires within a day, on {at}";
    CertificateEndsInADay(at: Timestamp) "certificate_ends_in_a_day" "the certificate expires in 1 day, on {at}";
    CertificateEnds(days: u64, at: Timestamp) "certificate_ends" "the certificate expires in {days} days, on {at}";

    // HTTP.
    HeadWithin(limit: Seconds) "head_within" "connected and asked, but no whole response head came within {limit}";
    BodyWithin(status: u64, limit: Seconds, bytes: u64) "body_within" "HTTP status {status} came, but the body did not end within {limit} ({bytes} bytes until then)";
    TookLonger(total: Seconds, limit: Seconds) "took_longer" "took {total}, slower than {limit}";
    SilentInBody "silent_in_body" "the connection went silent in the middle of the body";
    BrokeOffInBody "broke_off_in_body" "the response broke off in the middle of the body";
    ChunksMalformed "chunks_malformed" "the body's chunks are malformed";
    EncodingBroken(why: Quoted) "encoding_broken" "the body's encoding is broken ({why})";
    EncodingUnknown(word: Quoted) "encoding_unknown" "the body is encoded as `{word}`; readable are gzip, br and deflate";
    EncodingIgnored(word: Quoted) "encoding_ignored" "the header Content-Encoding says `{word}`, which is no encoding; the body was read as it stands";
    EncodedTooOften(most: u64) "encoded_too_often" "the body is encoded more than {most} times";
    BrokeHttp2 "broke_http2" "the server breaks the rules of HTTP/2 and was left";
    BrokeHttp2By(reason: String) "broke_http2_by" "the server breaks the rules of HTTP/2 and was left (HTTP/2 {reason})";
    ForbiddenHead "forbidden_head" "the head of the response is not allowed in HTTP/2, as with an Upgrade, Connection, Keep-Alive or Transfer-Encoding header in it; some browsers show the page, others refuse it";
    OverHttp1Sends(status: u64, header: Quoted) "over_http1_sends" "over HTTP/1.1 it answers HTTP status {status} with the header `{header}`, which HTTP/2 forbids";
    OverHttp1Answers(status: u64) "over_http1_answers" "over HTTP/1.1 it answers HTTP status {status}";
    FloodOfFrames(count: u64, kind: String) "flood_of_frames" "the server was left: it sent more than {count} frames of HTTP/2 without a page in them, most of them {kind}";
    FloodOfBytes(mib: u64) "flood_of_bytes" "the server was left: it sent more than {mib} MiB without a page in them";
    EndedByServer "ended_by_server" "the server ended the connection before any response";
    EndedByServerFor(reason: String) "ended_by_server_for" "the server ended the connection before any response (HTTP/2 {reason})";
    NoResponse "no_response" "the server gave no response";
    NoResponseFor(reason: String) "no_response_for" "the server gave no response (HTTP/2 {reason})";
    NotHttp(why: Quoted) "not_http" "what answers is not valid HTTP ({why}): a broken server, or something else listens there";
    NotHttpLines "not_http_lines" "what answers is not valid HTTP (its first lines cannot be parsed): a broken server, or something else listens there";
    HeadersTooLarge(lines: u64, kib: u64) "headers_over_limit" "the response has more than {lines} header lines or {kib} KiB of headers";
    HeadersOrLengthTooLarge(lines: u64, kib: u64) "headers_or_length_over_limit" "the response has more than {lines} header lines or {kib} KiB of headers, or announces a body of an absurd length";
    SpeaksFirst(who: Box<Finding>) "speaks_first" "{who} answers on this port, no web server";
    SpeaksFirstAndSays(who: Box<Finding>, said: Quoted) "speaks_first_and_says" "{who} answers on this port, no web server: {said}";
    SshServer "ssh_server" "an SSH server";
    FtpServer "ftp_server" "an FTP server";
    SmtpServer "smtp_server" "a mail server (SMTP)";
    Pop3Server "pop3_server" "a mail server (POP3)";
    ImapServer "imap_server" "a mail server (IMAP)";
    VncServer "vnc_server" "a VNC server";
    MysqlServer "mysql_server" "a MySQL or MariaDB server";

    // The response.
    Status(status: u64) "http_status" "HTTP status {status}";
    StatusExpected(status: u64, expected: String) "http_status_expected" "HTTP status {status}, expected {expected}";
    NotAnAnswer(status: u64) "not_an_answer" "HTTP status {status} is not an answer";
    Unmodified "unmodified" "HTTP status 304 without a page: nothing was asked that could be unmodified";
    AsksLogin "asks_login" "the page asks for a login";
    MaybeFirewall "maybe_firewall" "a firewall (WAF) may be blocking this machine alone; look from another network";
    NoSuchPage "no_such_page" "there is no such page; is the URL right?";
    LessOften "less_often" "the site asks to be probed less often";
    LegalReasons "legal_reasons" "refused for legal reasons, maybe only where this machine stands";
    GatewayLogin "gateway_login" "a gateway on the way asks for a login, as in a hotel; this says nothing of the site";
    CloudflareOrigin "cloudflare_origin" "Cloudflare's word for a server behind it that does not answer well";
    CloudflareTls "cloudflare_tls" "Cloudflare's word for bad TLS or a bad certificate of the server behind it";
    BackendSilent "backend_silent" "the web server runs, but what stands behind it (PHP) does not answer";
    DefaultPage "default_page" "this is the web server's default page, as for a name it knows no site of";
    WordPressDatabase "wordpress_database" "WordPress cannot reach its database";
    WordPressFatal "wordpress_fatal" "WordPress has broken off with a fatal error (theme, plugin or PHP)";
    WordPressMaintenance "wordpress_maintenance" "WordPress is in maintenance mode (an update is under way)";
    FromCache(sign: Quoted) "from_cache" "the page came from a cache ({sign}) although cache_bypass asks past it: whether PHP and the database live is not shown";
    FromCacheByLine "from_cache_by_line" "the page came from a cache (a line in the page) although cache_bypass asks past it: whether PHP and the database live is not shown";
    HeaderMissing(name: String, wanted: String) "header_missing" "header `{name}` is missing, expected `{wanted}`";
    HeaderDiffers(name: String, value: Quoted, wanted: String) "header_differs" "header `{name}` is `{value}`, expected `{wanted}`";
    ReadTooLittle(size: u64, least: u64) "read_too_little" "only {size} bytes of the body were read (max_body), expected at least {least}";
    BodyTooSmall(size: u64, least: u64) "body_too_small" "the body has {size} bytes, expected at least {least} (min_size)";
    Forbidden(text: String) "text_forbidden" "`{text}` stands in the body and must not";
    Missing(text: String) "text_missing" "`{text}` not found in the body";
    MissingInPart(text: String) "text_missing_in_part" "`{text}` not found in the part of the body that was read (max_body)";
    NoMatch(text: String) "no_match" "`{text}` does not match in the body";
    NoMatchInPart(text: String) "no_match_in_part" "`{text}` does not match in the part of the body that was read (max_body)";
    JsonMissing(pointer: String, wanted: String) "json_missing" "json `{pointer}` is missing, expected {wanted}";
    JsonDiffers(pointer: String, found: Quoted, wanted: String) "json_differs" "json `{pointer}` is {found}, expected {wanted}";
    JsonCut(pointer: String) "json_cut" "json `{pointer}` cannot be read: the body is longer than max_body; raise it";
    NotJson(pointer: String) "not_json" "json `{pointer}` cannot be read: the body is not JSON";

    // Redirects.
    RedirectCircle(url: Quoted) "redirect_circle" "redirects in a circle: {url} was visited already";
    RedirectsTooMany(most: u64, url: Quoted) "redirects_too_many" "more than {most} redirects, the next one to {url}";
    RedirectToPlain(url: Quoted) "redirect_to_plain" "redirects from https back to http: {url}";
    NoLocation(status: u64) "no_location" "HTTP status {status} without a Location header";
    LocationNoUrl(status: u64) "location_no_url" "HTTP status {status} with a Location that is no URL";
    LocationTooLong(status: u64, kib: u64, most: u64) "location_too_long" "HTTP status {status} with a Location of {kib} KiB: no web server takes a URL of more than {most} KiB";
    RedirectScheme(scheme: Quoted) "redirect_scheme" "redirects to a `{scheme}` address, which is not followed";
    RedirectInside(address: IpAddr) "redirect_inside" "redirects to {address}, an address inside a network, which is not followed";
    RedirectNowhere(address: IpAddr) "redirect_nowhere" "redirects to {address}, where no web server can be";

    // Canaries.
    NoCanaryAnswers "no_canary_answers" "no canary answers: our own network is down";
    NoCanary "no_canary" "no canary is configured";
    CanarySaid(name: String, finding: Box<Finding>) "canary_said" "{name}: {finding}";
    CanarySilent(seconds: u64) "canary_silent" "no answer within {seconds} s";
    CanaryNotAsked "canary_not_asked" "a canary could not be asked";
    CanariesNotInTime "canaries_not_in_time" "the canaries did not end in time";
    GatewayInTheWay "gateway_in_the_way" "a gateway on the way asks for a login (HTTP status 511)";
    Connected "connected_well" "connected";

    // What is worth knowing and no fault.
    NotVerified(finding: Box<Finding>) "not_verified" "the certificate is not verified (tls.verify: false): {finding}";
    CertificateChanged(now: Day, before: Day) "certificate_changed" "the certificate has changed since the last probe: valid until {now}, before until {before}";
    ListEnded(day: Day) "revocation_list_ended" "a revocation list in tls.crl_file ended on {day}: what was revoked since is not seen";
    AddressChanged(before: IpAddr, now: IpAddr) "address_changed" "its address has changed: {before} before, {now} now";
    AddressFromHosts(name: Quoted) "address_from_hosts" "the address of {name} is from /etc/hosts, not from DNS";
    RecordsMissing(known: String, other: String) "records_missing" "the name server answered for its {known} records and not for its {other} records";
    FamilyNotAsked(family: String) "family_not_asked" "its {family} addresses were not asked: this machine has no route for {family}";
    AddressesNotAsked(name: Quoted, count: u64, asked: u64) "addresses_not_asked" "{name} has {count} addresses; the first {asked} were asked";
    NoAlpnNeeded "no_alpn_needed" "the server knows neither HTTP/2 nor HTTP/1.1 by name (ALPN); it answers when none is offered";
    BodyLonger(limit: u64) "body_longer" "the body is longer than max_body ({limit} bytes); the rest was not read";
    TwoLengths "two_lengths" "both Content-Length and Transfer-Encoding are sent; a proxy in between may cut the body elsewhere";
    LooksDefault(whose: String) "looks_default" "this looks like the default page of {whose}; the name may have no site of its own there";
    ClockAhead(span: Hours) "clock_ahead" "the server's clock is {span} ahead of ours";
    ClockBehind(span: Hours) "clock_behind" "the server's clock is {span} behind ours";
    CanaryAgreesWithUs "canary_agrees_with_us" "a canary's agrees with ours";
    CanaryAgreesWithIt "canary_agrees_with_it" "a canary's agrees with it: look at this machine's clock";
}

impl Finding {
    /// The English of the JSON documents: one line, at most [`limits::DETAIL_CHARS`] characters.
    #[must_use]
    pub fn detail(&self) -> String {
        one_line(&self.to_string(), limits::DETAIL_CHARS)
    }

    /// Whether its words begin with the cause, so that the cause need not be said before it.
    #[must_use]
    pub fn names(&self, cause: Cause) -> bool {
        if let Self::And { finding, .. }
        | Self::Means { finding, .. }
        | Self::Behind { finding, .. }
        | Self::Twice { finding } = self
        {
            return finding.names(cause);
        }
        if let Self::Bare {
            cause: Phrase(said),
        } = self
        {
            return *said == cause;
        }
        match cause {
            Cause::Refused => matches!(self, Self::Refused),
            Cause::ConnectTimeout => {
                matches!(self, Self::ConnectSilent | Self::ConnectSilentWithin { .. })
            }
            Cause::TlsTimeout => matches!(self, Self::HandshakeWithin { .. }),
            Cause::TlsHandshake => matches!(self, Self::HandshakeFailed { .. }),
            Cause::Protocol => matches!(self, Self::NotHttp { .. } | Self::NotHttpLines),
            Cause::Slow => matches!(self, Self::TookLonger { .. }),
            Cause::Monitor => matches!(self, Self::CouldNotConnect { .. }),
            Cause::Maintenance => matches!(
                self,
                Self::MaintenanceBegins { .. } | Self::MaintenanceLasts { .. }
            ),
            Cause::Reset
            | Cause::Closed
            | Cause::ResponseTimeout
            | Cause::Truncated
            | Cause::ServerError
            | Cause::Unreachable
            | Cause::HostUnreachable
            | Cause::Dns
            | Cause::TlsCertificate
            | Cause::NotTls
            | Cause::Encoding
            | Cause::HeadersTooLarge
            | Cause::Status
            | Cause::Content
            | Cause::Redirect
            | Cause::FamilyDown
            | Cause::CertificateExpiring => false,
        }
    }

    /// A finding that says no more than its cause.
    #[must_use]
    pub const fn bare(cause: Cause) -> Self {
        Self::Bare {
            cause: Phrase(cause),
        }
    }

    /// This finding, followed by another one.
    #[must_use]
    pub fn and(self, also: Self) -> Self {
        Self::And {
            finding: Box::new(self),
            also: Box::new(also),
        }
    }

    /// This finding beside another one of its kind.
    #[must_use]
    pub fn beside(self, also: Self) -> Self {
        Self::Beside {
            finding: Box::new(self),
            also: Box::new(also),
        }
    }

    /// This finding and what it means.
    #[must_use]
    pub fn meaning(self, meaning: Self) -> Self {
        Self::Means {
            finding: Box::new(self),
            meaning: Box::new(meaning),
        }
    }
}

impl Default for Finding {
    fn default() -> Self {
        Self::Told(Quoted::default())
    }
}

impl From<&str> for Finding {
    fn from(words: &str) -> Self {
        Self::Told(Quoted::new(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for finding in Finding::all() {
            let text = serde_json::to_string(&finding).unwrap();
            let read: Finding = serde_json::from_str(&text).unwrap();
            assert_eq!(read, finding, "{text}");
        }
    }

    #[test]
    fn what_earlier_versions_wrote_is_read_and_kept_word_for_word() {
        for words in [
            "connection refused: nothing listens there",
            "HTTP status 502; the body begins: { \"and\": 1 }",
            "connected",
            "",
        ] {
            let text = serde_json::to_string(words).unwrap();
            let read: Finding = serde_json::from_str(&text).unwrap();
            assert_eq!(read, Finding::Told(Quoted::new(words)));
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn every_text_is_reached() {
        for mut finding in Finding::all() {
            let (mut texts, mut seen) = (0, 0);
            for (_, held) in finding.values() {
                texts += usize::from(matches!(held, FieldValue::Quoted(_) | FieldValue::Text(_)));
            }
            finding.change_texts(&mut |text| {
                seen += 1;
                format!("x{text}")
            });
            assert_eq!(seen, texts, "{finding:?}");
        }
    }
}
