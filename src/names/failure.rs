//! Why a name led to no address, and whose fault that is: `dns` is what the name system answered about the name, `monitor` what
//! our own resolver cannot do for any name.

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

use crate::model::{Cause, Finding, Quoted};

/// Why there is no address.
#[derive(Debug)]
pub enum Failure {
    /// No such record; `true`: no such name.
    Empty(bool),
    /// The name system answered with an error.
    Refused(ResponseCode),
    /// No answer in time.
    Silent,
    /// Nothing that can be asked for.
    NotAName,
    /// An answer that is none.
    Broken(Finding),
    /// Our own resolver cannot be used.
    Unready(String),
    /// No name server can be reached.
    Unreachable(Finding),
}

impl From<NetError> for Failure {
    fn from(error: NetError) -> Self {
        if let NetError::Dns(DnsError::NoRecordsFound(none)) = &error {
            let code = none.response_code;
            return if code == ResponseCode::NXDomain {
                Self::Empty(true)
            } else if code == ResponseCode::NoError {
                Self::Empty(false)
            } else {
                Self::Refused(code)
            };
        }
        if let NetError::Dns(DnsError::ResponseCode(code)) = &error {
            return Self::Refused(*code);
        }
        if matches!(error, NetError::Timeout) {
            return Self::Silent;
        }
        let own = matches!(
            error,
            NetError::Io(_) | NetError::NoConnections | NetError::Busy
        );
        let said = Finding::Said {
            said: Quoted::new(&error.to_string()),
        };
        if own {
            Self::Unreachable(said)
        } else {
            Self::Broken(said)
        }
    }
}

impl Failure {
    /// Whose fault it is, and what to say of it.
    #[must_use]
    pub fn found(self, name: &str) -> (Cause, Finding) {
        let name = Quoted::new(name);
        match self {
            Self::Empty(true) => (Cause::Dns, Finding::NoSuchName { name }),
            Self::Empty(false) => (Cause::Dns, Finding::NoAddressRecord { name }),
            Self::Refused(code) => {
                let code = code_word(code);
                (Cause::Dns, Finding::NameServerFailed { name, code })
            }
            Self::Silent => (Cause::Dns, Finding::NameServersSilent { name }),
            Self::NotAName => (Cause::Dns, Finding::NotAName { name }),
            Self::Broken(why) => {
                let why = Box::new(why);
                (Cause::Dns, Finding::NameAnswerUnusable { name, why })
            }
            Self::Unready(why) => {
                let why = Quoted::new(&why);
                (Cause::Monitor, Finding::ResolvConf { why })
            }
            Self::Unreachable(why) => {
                let why = Box::new(why);
                (Cause::Monitor, Finding::OwnNameServer { why })
            }
        }
    }
}

/// The names people search for.
fn code_word(code: ResponseCode) -> String {
    let known = [
        (ResponseCode::ServFail, "SERVFAIL"),
        (ResponseCode::Refused, "REFUSED"),
        (ResponseCode::FormErr, "FORMERR"),
        (ResponseCode::NotImp, "NOTIMP"),
    ];
    let word = known.iter().find(|(known, _)| *known == code);
    word.map_or_else(|| code.to_string(), |(_, word)| (*word).to_owned())
}
