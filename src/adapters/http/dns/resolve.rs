//! From a name to an address.
//!
//! Names are asked of the machine's name servers (`/etc/resolv.conf`, read again when it changes), the hosts file
//! first, nothing from a cache. A machine that names no name server has its own, as resolv.conf(5) says: sites that
//! only its hosts file knows are watched all the same. A name with a dot in it is asked as it stands, without the search list: a wildcard in
//! a search domain must not make a vanished site look alive. The first A record is taken, and only where the name has
//! none the first AAAA record; the other family is asked for when the machine itself has no route for the first. Where
//! every address is wanted, both are asked for at once, and a name that the hosts file knows is not asked for at all.
//! That the hosts file was used is remarked, except of `localhost`. An answer that does not fit into a datagram is asked
//! for again over TCP.
//! The whole look-up has [`limits::DNS_TIMEOUT`]. `dns` says what the name system answered; when our own resolver
//! configuration cannot be read or no name server answers at all ([`name_servers`]), the cause is `monitor`.

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

use super::destination::Source;
use super::failure::Failure;
use super::name_servers;
use crate::adapters::http::fault::Fault;
use crate::adapters::http::trace::{Mark, Trace};
use crate::model::{Family, Finding, Quoted, limits};

/// One try of two: both fit into [`limits::DNS_TIMEOUT`], so a single lost datagram does no harm, and time is left to
/// ask whether the name server is there at all.
const TRY: Duration = Duration::from_millis(1100);

type Stamp = [Option<SystemTime>; 2];

/// Who is asked.
pub(in crate::adapters::http) struct Names {
    /// In place of the machine's.
    server: Option<SocketAddr>,
    made: Mutex<Option<(Stamp, Arc<Made>)>>,
}

/// What a name leads to.
#[derive(Debug, Default)]
pub(in crate::adapters::http) struct Found {
    /// In the order of the answer, IPv4 before IPv6; never empty.
    pub(in crate::adapters::http) addresses: Vec<IpAddr>,
    hosts_file: bool,
    /// What is worth knowing about it.
    pub(in crate::adapters::http) remarks: Vec<Finding>,
}

impl Found {
    /// Who says so.
    pub(in crate::adapters::http) const fn source(&self) -> Source {
        if self.hosts_file {
            Source::HostsFile
        } else {
            Source::Dns
        }
    }

    /// Of one family only, because of the other there is this.
    fn without(mut self, failure: &Failure) -> Self {
        if !matches!(failure, Failure::Empty(_)) {
            let (known, other) = match self.addresses.first() {
                Some(IpAddr::V6(_)) => ("AAAA", "A"),
                Some(IpAddr::V4(_)) | None => ("A", "AAAA"),
            };
            self.remarks.push(Finding::RecordsMissing {
                known: known.to_owned(),
                other: other.to_owned(),
            });
        }
        self
    }
}

/// A resolver, whom it asks, and the hosts file.
struct Made {
    hosts: Hosts,
    resolver: TokioResolver,
    servers: Vec<SocketAddr>,
}

impl Names {
    pub(in crate::adapters::http) fn new(server: Option<SocketAddr>) -> Self {
        Self {
            server,
            made: Mutex::default(),
        }
    }

    /// The addresses of a name of the first family that it has, IPv4 before IPv6.
    pub(in crate::adapters::http) async fn first(
        &self,
        name: &str,
        trace: &Trace,
    ) -> Result<Found, Fault> {
        let both = async {
            match self.ask(name, Family::Ipv4).await {
                Err(Failure::Empty(_)) => self.ask(name, Family::Ipv6).await,
                known => known,
            }
        };
        trace.mark(Mark::NameAsked);
        let found = self.within(name, both).await;
        if found.is_ok() {
            trace.mark(Mark::NameKnown);
        }
        found
    }

    /// The addresses of one family.
    pub(in crate::adapters::http) async fn of_family(
        &self,
        name: &str,
        family: Family,
    ) -> Result<Found, Fault> {
        self.within(name, self.ask(name, family)).await
    }

    /// Every address of a name.
    pub(in crate::adapters::http) async fn all(&self, name: &str) -> Result<Found, Fault> {
        let both = async {
            let (four, six) =
                tokio::join!(self.ask(name, Family::Ipv4), self.ask(name, Family::Ipv6));
            match (four, six) {
                (Ok(four), Ok(six)) if four.hosts_file != six.hosts_file => {
                    Ok(if four.hosts_file { four } else { six })
                }
                (Ok(mut four), Ok(six)) => {
                    four.addresses.extend(six.addresses);
                    Ok(four)
                }
                (Ok(found), Err(failure)) | (Err(failure), Ok(found)) => {
                    Ok(found.without(&failure))
                }
                (Err(Failure::Empty(_)), Err(failure)) | (Err(failure), Err(_)) => Err(failure),
            }
        };
        self.within(name, both).await
    }

    async fn within(
        &self,
        name: &str,
        asking: impl Future<Output = Result<Found, Failure>>,
    ) -> Result<Found, Fault> {
        let found = match tokio::time::timeout(limits::DNS_TIMEOUT, asking).await {
            Ok(found) => found,
            Err(_) => Err(Failure::Silent),
        };
        let Err(failure) = found else {
            return found.map_err(|failure| failure.fault(name));
        };
        let unheard = matches!(failure, Failure::Silent | Failure::Unreachable(_));
        let failure = if unheard && let Err(why) = self.servers_live().await {
            Failure::Unreachable(why)
        } else if let Failure::Unreachable(why) = failure {
            // It lives, and does not take up or ends the connection in which the rest of its answer would come.
            Failure::Broken(why)
        } else {
            failure
        };
        Err(failure.fault(name))
    }

    /// Whether any name server answers at all; why none does.
    async fn servers_live(&self) -> Result<(), Finding> {
        match self.made() {
            Ok(made) => name_servers::any_answers(&made.servers).await,
            Err(_) => Ok(()),
        }
    }

    async fn ask(&self, name: &str, family: Family) -> Result<Found, Failure> {
        let mut asked = Name::from_ascii(name).map_err(|_| Failure::NotAName)?;
        if name.contains('.') {
            asked.set_fqdn(true);
        }
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
        let records = answer.answers().iter();
        let mut addresses: Vec<IpAddr> =
            records.filter_map(|record| record.data.ip_addr()).collect();
        let mut seen = BTreeSet::new();
        addresses.retain(|address| seen.insert(*address));
        if addresses.is_empty() {
            return Err(Failure::Empty(false));
        }
        let remark = hosts_file && name != "localhost";
        Ok(Found {
            addresses,
            hosts_file,
            remarks: remark
                .then(|| Finding::AddressFromHosts {
                    name: Quoted::new(name),
                })
                .into_iter()
                .collect(),
        })
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

impl Made {
    /// The resolver would ask the search list before the hosts file about a name without a dot.
    fn in_hosts_file(&self, name: &Name, kind: RecordType) -> Option<Lookup> {
        let query = Query::query(name.clone(), kind);
        self.hosts.lookup_static_host(&query)
    }
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
