//! Why a name led to no address, and whose fault that is: `dns` is what the name system answered about the name, `monitor` what
//! our own resolver cannot do for any name.

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

use super::fault::Fault;
use crate::model::{Cause, Phase};

/// Why there is no address.
pub(super) enum Miss {
    /// No such record; `true`: no such name.
    Empty(bool),
    /// The name system answered with an error.
    Refused(ResponseCode),
    /// No answer in time.
    Silent,
    /// Nothing that can be asked for.
    NotAName,
    /// An answer that is none.
    Broken(String),
    /// Our own resolver cannot be used.
    Unready(String),
    /// No name server can be reached.
    Unreachable(String),
}

impl From<NetError> for Miss {
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
        if own {
            Self::Unreachable(error.to_string())
        } else {
            Self::Broken(error.to_string())
        }
    }
}

impl Miss {
    pub(super) fn fault(self, name: &str) -> Fault {
        let (cause, detail) = match self {
            Self::Empty(true) => (
                Cause::Dns,
                format!("the name {name} does not exist (NXDOMAIN)"),
            ),
            Self::Empty(false) => (
                Cause::Dns,
                format!("the name {name} has no address (no A or AAAA record)"),
            ),
            Self::Refused(code) => (
                Cause::Dns,
                format!(
                    "the name server could not answer for {name} ({})",
                    code_word(code)
                ),
            ),
            Self::Silent => (
                Cause::Dns,
                format!("the name servers of {name} did not answer in time"),
            ),
            Self::NotAName => (Cause::Dns, format!("{name} cannot be a host name")),
            Self::Broken(why) => (
                Cause::Dns,
                format!("the answer of the name server for {name} cannot be used ({why})"),
            ),
            Self::Unready(why) => (
                Cause::Monitor,
                format!("this machine's /etc/resolv.conf cannot be used ({why})"),
            ),
            Self::Unreachable(why) => (
                Cause::Monitor,
                format!("this machine's own name server does not answer ({why})"),
            ),
        };
        Fault::new(cause, detail).at(Phase::Dns)
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
