//! From a name to an address at which a site can be.
//!
//! | file | is |
//! |---|---|
//! | `resolve` | a look-up: whom it asks, in which order, how long |
//! | `failure` | why a look-up led to no address, and whose fault that is |
//! | `name_servers` | does any of our name servers answer at all |
//! | `destination` | where no site can be, whatever its name says; whether this machine has a route there |

pub(super) mod destination;
mod failure;
mod name_servers;
mod resolve;

pub(super) use resolve::{Found, Names};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a socket is bound to that is to reach `ip` from any address and port of ours.
fn local_for(ip: IpAddr) -> SocketAddr {
    match ip {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}
