//! Names of machines: to which addresses they lead, and what this machine is called.
//!
//! Names are asked of the machine's name servers (`/etc/resolv.conf`, read again when it changes), the hosts file
//! first, nothing from a cache. A machine that names no name server has its own, as resolv.conf(5) says: what
//! only its hosts file knows is found all the same. A name with a dot in it is asked as it stands, without the search list: a wildcard in
//! a search domain must not make a vanished name look alive. Where every address is wanted, A and AAAA are asked for at once. A name that
//! the hosts file knows is not asked for at all. An answer that does not fit into a datagram is asked for again over TCP.
//!
//! The whole look-up has [`limits::DNS_TIMEOUT`]. A [`Failure`] says why there is no address, and whether that is the name's fault or that
//! of our own resolver: where no answer comes, the name servers are asked whether they live (`name_servers`).
//!
//! What this machine is called itself, [`own`] finds out without asking anybody.

mod failure;
mod name_servers;
mod own;

pub use failure::Failure;
pub use own::own;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};

use crate::model::{Family, limits};

/// One try of two: both fit into [`limits::DNS_TIMEOUT`], so a single lost datagram does no harm, and time is left to
/// ask whether the name server is there at all.
const TRY: Duration = Duration::from_millis(1100);

type Stamp = [Option<SystemTime>; 2];

/// Who is asked for names.
#[derive(Default)]
pub struct Names {
    /// In place of the machine's.
    server: Option<SocketAddr>,
    made: Mutex<Option<(Stamp, Arc<Made>)>>,
}

/// What a name leads to.
#[derive(Debug)]
pub struct Found {
    /// In the order of the answer, IPv4 before IPv6; never empty.
    pub addresses: Vec<IpAddr>,
    /// The hosts file says so.
    pub hosts_file: bool,
    /// Of this family the name may have addresses, too: the question for them was not answered.
    pub unknown: Option<Family>,
}

/// A resolver, whom it asks, and the hosts file.
struct Made {
    hosts: Hosts,
    resolver: TokioResolver,
    servers: Vec<SocketAddr>,
}

impl Names {
    /// This name server is asked, over UDP and TCP, in place of the machine's.
    #[must_use]
    pub fn asking(server: SocketAddr) -> Self {
        Self {
            server: Some(server),
            ..Self::default()
        }
    }

    /// Who is asked, in order.
    ///
    /// # Errors
    /// Why nobody can be.
    pub fn servers(&self) -> Result<Vec<SocketAddr>, Failure> {
        self.made().map(|made| made.servers.clone())
    }

    /// The addresses of a name of the first family that it has, IPv4 before IPv6. A question for IPv4 that is answered by an error, or
    /// not at all, leaves the answer for IPv6.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn first(&self, name: &str) -> Result<Found, Failure> {
        // What became of the first question says why there is no address, however the second ends.
        let mut failed = None;
        let both = async {
            match self.ask(name, Family::Ipv4).await {
                Err(Failure::Empty(_)) => return self.ask(name, Family::Ipv6).await,
                Err(failure) => failed = Some(failure),
                found => return found,
            }
            self.ask(name, Family::Ipv6).await
        };
        let found = match (in_time(both).await, failed) {
            (Ok(six), Some(failure)) => Ok(six.without(Family::Ipv4, &failure)),
            (Err(_), Some(failure)) => Err(failure),
            (found, None) => found,
        };
        self.explained(found).await
    }

    /// The addresses of one family.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn of_family(&self, name: &str, family: Family) -> Result<Found, Failure> {
        self.explained(in_time(self.ask(name, family)).await).await
    }

    /// Every address of a name.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn all(&self, name: &str) -> Result<Found, Failure> {
        let listed = self.listed(name)?;
        if !listed.is_empty() {
            return Ok(Found::new(listed, true));
        }
        // Each by itself: what is known of one family is not lost to a name server that is silent about the other.
        let (four, six) = tokio::join!(
            in_time(self.ask(name, Family::Ipv4)),
            in_time(self.ask(name, Family::Ipv6))
        );
        let found = match (four, six) {
            (Ok(mut four), Ok(six)) => {
                four.addresses.extend(six.addresses);
                Ok(four)
            }
            (Ok(four), Err(failure)) => Ok(four.without(Family::Ipv6, &failure)),
            (Err(failure), Ok(six)) => Ok(six.without(Family::Ipv4, &failure)),
            (Err(Failure::Empty(_)), Err(failure)) | (Err(failure), Err(_)) => Err(failure),
        };
        self.explained(found).await
    }

    /// Where no answer came, whether that is for want of any name server.
    async fn explained(&self, found: Result<Found, Failure>) -> Result<Found, Failure> {
        if !matches!(found, Err(Failure::Silent | Failure::Unreachable(_))) {
            return found;
        }
        if let Ok(made) = self.made()
            && let Err(why) = name_servers::any_answers(&made.servers).await
        {
            return Err(Failure::Unreachable(why));
        }
        match found {
            // It lives, and does not take up or ends the connection in which the rest of its answer would come.
            Err(Failure::Unreachable(why)) => Err(Failure::Broken(why)),
            found => found,
        }
    }

    /// What the hosts file says of both families.
    fn listed(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let made = self.made()?;
        let asked = asked(name)?;
        let kinds = [RecordType::A, RecordType::AAAA].into_iter();
        let listed = kinds.filter_map(|kind| made.in_hosts_file(&asked, kind));
        Ok(listed.flat_map(|lookup| addresses(&lookup)).collect())
    }

    async fn ask(&self, name: &str, family: Family) -> Result<Found, Failure> {
        let asked = asked(name)?;
        let kind = match family {
            Family::Ipv4 => RecordType::A,
            Family::Ipv6 => RecordType::AAAA,
        };
        let made = self.made()?;
        let listed = made.in_hosts_file(&asked, kind);
        let hosts_file = listed.is_some();
        let answer = match listed {
            Some(answer) => answer,
            None => made.resolver.lookup(asked, kind).await?,
        };
        let addresses = addresses(&answer);
        if addresses.is_empty() {
            return Err(Failure::Empty(false));
        }
        Ok(Found::new(addresses, hosts_file))
    }

    fn made(&self) -> Result<Arc<Made>, Failure> {
        let stamp = ["/etc/resolv.conf", "/etc/hosts"].map(|file| {
            let data = std::fs::metadata(file).ok()?;
            data.modified().ok()
        });
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, ready)) = &*made
            && *known == stamp
        {
            return Ok(Arc::clone(ready));
        }
        let ready = Arc::new(self.make().map_err(|e| Failure::Unready(e.to_string()))?);
        *made = Some((stamp, Arc::clone(&ready)));
        Ok(ready)
    }

    fn make(&self) -> Result<Made, NetError> {
        let (config, mut options) = match self.server {
            None => configured(std::fs::read("/etc/resolv.conf"))?,
            Some(server) => only(server),
        };
        options.cache_size = 0;
        options.timeout = TRY;
        options.attempts = 1;
        options.use_hosts_file = ResolveHosts::Never;
        let servers = config
            .name_servers()
            .iter()
            .map(|server| {
                let port = server.connections.first().map_or(53, |c| c.port);
                SocketAddr::new(server.ip, port)
            })
            .collect();
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        *builder.options_mut() = options;
        Ok(Made {
            hosts: Hosts::from_system().unwrap_or_default(),
            resolver: builder.build()?,
            servers,
        })
    }
}

impl Found {
    fn new(addresses: Vec<IpAddr>, hosts_file: bool) -> Self {
        Self {
            addresses,
            hosts_file,
            unknown: None,
        }
    }

    /// Nothing of that family, because of this.
    fn without(mut self, family: Family, failure: &Failure) -> Self {
        self.unknown = (!matches!(failure, Failure::Empty(_))).then_some(family);
        self
    }
}

impl Made {
    /// The resolver would ask the search list before the hosts file about a name without a dot.
    fn in_hosts_file(&self, name: &Name, kind: RecordType) -> Option<Lookup> {
        let query = Query::query(name.clone(), kind);
        self.hosts.lookup_static_host(&query)
    }
}

async fn in_time(asking: impl Future<Output = Result<Found, Failure>>) -> Result<Found, Failure> {
    let found = tokio::time::timeout(limits::DNS_TIMEOUT, asking).await;
    found.unwrap_or(Err(Failure::Silent))
}

fn asked(name: &str) -> Result<Name, Failure> {
    let mut asked = Name::from_ascii(name).map_err(|_| Failure::NotAName)?;
    if name.contains('.') {
        asked.set_fqdn(true);
    }
    Ok(asked)
}

/// Each once, in the order of the answer.
fn addresses(answer: &Lookup) -> Vec<IpAddr> {
    let mut seen = BTreeSet::new();
    let records = answer.answers().iter();
    records
        .filter_map(|record| record.data.ip_addr())
        .filter(|address| seen.insert(*address))
        .collect()
}

/// What the text of resolv.conf says.
fn configured(text: io::Result<Vec<u8>>) -> Result<(ResolverConfig, ResolverOpts), NetError> {
    let text = match text {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        text => text?,
    };
    let names_one = text.split(|byte| *byte == b'\n').any(|line| {
        let mut words = line.split(u8::is_ascii_whitespace);
        words.find(|word| !word.is_empty()) == Some(b"nameserver".as_slice())
    });
    if names_one {
        hickory_resolver::system_conf::parse_resolv_conf(text)
    } else {
        Ok(only(SocketAddr::from((Ipv4Addr::LOCALHOST, 53))))
    }
}

/// One name server, and no search list.
fn only(server: SocketAddr) -> (ResolverConfig, ResolverOpts) {
    let mut udp = ConnectionConfig::udp();
    udp.port = server.port();
    let mut tcp = ConnectionConfig::tcp();
    tcp.port = server.port();
    let server = NameServerConfig::new(server.ip(), true, vec![udp, tcp]);
    let config = ResolverConfig::from_parts(None, vec![], vec![server]);
    (config, ResolverOpts::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(text: io::Result<Vec<u8>>) -> Option<Vec<IpAddr>> {
        let (config, _) = configured(text).ok()?;
        Some(config.name_servers().iter().map(|s| s.ip).collect())
    }

    #[test]
    fn a_machine_that_names_no_server_has_its_own() {
        let own = Some(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        assert_eq!(servers(Ok(Vec::new())), own);
        assert_eq!(
            servers(Ok(b"# nameserver 192.0.2.1\nsearch a.test\n".to_vec())),
            own
        );
        assert_eq!(servers(Err(io::ErrorKind::NotFound.into())), own);
        let named = servers(Ok(b"search a.test\n nameserver\t192.0.2.1\n".to_vec()));
        assert_eq!(named, Some(vec![IpAddr::from([192, 0, 2, 1])]));
        assert_eq!(servers(Err(io::ErrorKind::PermissionDenied.into())), None);
    }
}
