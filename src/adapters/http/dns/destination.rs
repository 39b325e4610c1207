//! Where a site cannot be, whatever its name says.
//!
//! A name that leads to an unspecified, multicast, broadcast or link-local address is wrong (`dns`): nobody's web server can be
//! reached there. Linux takes the unspecified address for the machine itself, so without this a name that leads to `0.0.0.0`
//! would be answered by whatever runs beside us. A name that the name system leads to loopback is wrong as well where its
//! host is another machine ([`crate::model::Profile::elsewhere`]); the hosts file and names below `localhost` may lead there.
//! An address that the configuration names is asked as it stands, unless no connection can go there at all.
//!
//! Not every "no route" of the kernel is ours ([`told`]): where it knows a way, a broadcast address of a network of our own or a
//! router far away said so.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use crate::adapters::http::fault::{Fault, Local};
use crate::model::{Cause, Finding, Phase, Quoted};

/// Who says that a site is at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::adapters::http) enum Source {
    /// The configuration, a URL, or what answered before.
    #[default]
    Given,
    /// The machine's hosts file.
    HostsFile,
    /// The name system.
    Dns,
}

/// What an address stands for where it is no machine's own.
const fn nobody(ip: IpAddr) -> Option<Finding> {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_multicast() => Some(Finding::Multicast),
        IpAddr::V4(ip) if ip.is_broadcast() => Some(Finding::Broadcast),
        IpAddr::V6(ip) if ip.is_multicast() => Some(Finding::Multicast),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(Finding::LinkLocal),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// The unspecified address and what Linux takes for it.
fn is_unspecified(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets()[0] == 0,
        IpAddr::V6(ip) => ip.is_unspecified(),
    }
}

/// No connection to a site can be meant by it.
pub(in crate::adapters::http) fn is_nowhere(ip: IpAddr) -> bool {
    is_unspecified(ip) || nobody(ip).is_some()
}

/// Names that mean this machine to everyone (RFC 6761).
fn means_itself(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name
            .rsplit_once('.')
            .is_some_and(|(_, last)| last.eq_ignore_ascii_case("localhost"))
}

/// Whether a site of this host can be at the address. `elsewhere`: its host is another machine than ours.
pub(in crate::adapters::http) fn check(
    host: &str,
    ip: IpAddr,
    source: Source,
    elsewhere: bool,
) -> Result<(), Fault> {
    let named = source != Source::Given;
    let what = match nobody(ip) {
        Some(what) => what,
        None if named && is_unspecified(ip) => Finding::Unspecified,
        None if source == Source::Dns
            && elsewhere
            && ip.to_canonical().is_loopback()
            && !means_itself(host) =>
        {
            Finding::ThisMachine
        }
        None => return Ok(()),
    };
    let (host, address, what) = (Quoted::new(host), ip, Box::new(what));
    let finding = match source {
        Source::Given => Finding::IsNowhere { address, what },
        Source::HostsFile => Finding::HostsFileLeads {
            host,
            address,
            what,
        },
        Source::Dns => Finding::LeadsNowhere {
            host,
            address,
            what,
        },
    };
    Err(Fault::new(Cause::Dns, finding).at(Phase::Dns))
}

/// Whether the kernel knows a way to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    None,
    /// To everybody of a network, which no connection can go.
    Broadcast,
    Known,
}

impl Way {
    /// A UDP socket that is connected sends nothing.
    fn to(ip: IpAddr) -> Self {
        let local: IpAddr = match ip {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let connected = UdpSocket::bind((local, 0)).and_then(|socket| socket.connect((ip, 9)));
        let Err(error) = connected else {
            return Self::Known;
        };
        let none = [
            ErrorKind::NetworkUnreachable,
            ErrorKind::NetworkDown,
            ErrorKind::AddrNotAvailable,
            ErrorKind::Unsupported,
        ];
        // EAFNOSUPPORT has no kind of its own.
        if none.contains(&error.kind()) || error.raw_os_error() == Some(97) {
            Self::None
        } else if error.kind() == ErrorKind::PermissionDenied {
            Self::Broadcast
        } else {
            Self::Known
        }
    }
}

/// Whether the kernel knows a way there.
pub(in crate::adapters::http) fn has_route(ip: IpAddr) -> bool {
    Way::to(ip) != Way::None
}

/// A fault of the connect, told anew where it is not this machine's that it seems to be.
pub(in crate::adapters::http) fn told(fault: Fault, ip: IpAddr) -> Fault {
    let unreachable = |finding: Finding| Fault {
        phase: fault.phase,
        ..Fault::new(Cause::Unreachable, finding)
    };
    match (fault.local, Way::to(ip)) {
        (Some(Local::NoRoute), Way::Broadcast) => {
            let finding = Finding::IsOwnBroadcast { address: ip };
            Fault::new(Cause::Dns, finding).at(Phase::Dns)
        }
        (Some(Local::NoRoute), Way::Known) => unreachable(Finding::UnreachableByIcmp),
        // Administratively prohibited, as a firewall far away says for IPv6; of IPv4 it is another error.
        (Some(Local::Forbidden), Way::Known) if ip.is_ipv6() => {
            unreachable(Finding::ForbiddenByIcmp)
        }
        (Some(Local::NoRoute | Local::Forbidden) | None, _) => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(host: &str, ip: &str, source: Source, elsewhere: bool) -> Option<Cause> {
        let checked = check(host, ip.parse().unwrap(), source, elsewhere);
        checked.err().map(|fault| fault.cause)
    }

    #[test]
    fn no_site_is_where_nobody_can_be() {
        for ip in [
            "0.0.0.0",
            "0.0.0.7",
            "::",
            "::ffff:0.0.0.0",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "::ffff:224.0.0.1",
            "ff02::1",
            "fe80::1",
        ] {
            for source in [Source::HostsFile, Source::Dns] {
                for elsewhere in [false, true] {
                    let found = cause("shop.example", ip, source, elsewhere);
                    assert_eq!(found, Some(Cause::Dns), "{ip} {source:?}");
                }
            }
            assert!(is_nowhere(ip.parse().unwrap()), "{ip}");
        }
        assert_eq!(cause("0.0.0.0", "0.0.0.0", Source::Given, true), None);
        let given = cause("224.0.0.1", "224.0.0.1", Source::Given, false);
        assert_eq!(given, Some(Cause::Dns));
    }

    #[test]
    fn loopback_is_wrong_where_dns_says_so_of_another_machine() {
        for ip in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            let wrong = cause("shop.example", ip, Source::Dns, true);
            assert_eq!(wrong, Some(Cause::Dns), "{ip}");
            for (host, source, elsewhere) in [
                ("shop.example", Source::Dns, false),
                ("shop.example", Source::HostsFile, true),
                ("shop.example", Source::Given, true),
                ("localhost", Source::Dns, true),
                ("shop.LOCALHOST.", Source::Dns, true),
            ] {
                let right = cause(host, ip, source, elsewhere);
                assert_eq!(right, None, "{host} {ip} {source:?} {elsewhere}");
            }
        }
        for ip in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "169.254.1.1"] {
            assert_eq!(cause("shop.example", ip, Source::Dns, true), None, "{ip}");
        }
    }
}
