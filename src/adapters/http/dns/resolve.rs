//! From a name to an address at which a site can be: what [`names`] finds, as a probe tells it.
//!
//! The first A record is taken, and only where the name has none, or the question for it fails, the first AAAA record; the other family
//! is asked for when the machine itself has no route for the first. Where every address is wanted, both are asked for at once. That the hosts file was used is
//! remarked, except of `localhost`, and so is a family that may have addresses and could not be asked for. `dns` says what the name system
//! answered; when our own resolver configuration cannot be read or no name server answers at all, the cause is `monitor`.

use std::net::{IpAddr, SocketAddr};

use super::destination::Source;
use crate::adapters::http::fault::Fault;
use crate::adapters::http::trace::{Mark, Trace};
use crate::model::{Family, Finding, Phase, Quoted};
use crate::names::{self, Failure};

/// Who is asked.
pub(in crate::adapters::http) struct Names(names::Names);

/// What a name leads to.
#[derive(Debug, Default)]
pub(in crate::adapters::http) struct Found {
    /// In the order of the answer, IPv4 before IPv6; never empty.
    pub(in crate::adapters::http) addresses: Vec<IpAddr>,
    hosts_file: bool,
    /// A family may have addresses, too, and could not be asked for.
    pub(in crate::adapters::http) missing: bool,
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
}

impl Names {
    /// This name server, else the machine's.
    pub(in crate::adapters::http) fn new(server: Option<SocketAddr>) -> Self {
        Self(server.map_or_else(names::Names::default, names::Names::asking))
    }

    /// The addresses of a name of the first family that it has, IPv4 before IPv6.
    pub(in crate::adapters::http) async fn first(
        &self,
        name: &str,
        trace: &Trace,
    ) -> Result<Found, Fault> {
        trace.mark(Mark::NameAsked);
        let found = told(name, self.0.first(name).await);
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
        told(name, self.0.of_family(name, family).await)
    }

    /// Every address of a name.
    pub(in crate::adapters::http) async fn all(&self, name: &str) -> Result<Found, Fault> {
        told(name, self.0.all(name).await)
    }
}

fn told(name: &str, found: Result<names::Found, Failure>) -> Result<Found, Fault> {
    let found = found.map_err(|failure| {
        let (cause, finding) = failure.found(name);
        Fault::new(cause, finding).at(Phase::Dns)
    })?;
    let mut remarks = Vec::new();
    if found.hosts_file && name != "localhost" {
        let name = Quoted::new(name);
        remarks.push(Finding::AddressFromHosts { name });
    }
    if let Some(family) = found.unknown {
        let (known, other) = match family {
            Family::Ipv4 => ("AAAA", "A"),
            Family::Ipv6 => ("A", "AAAA"),
        };
        remarks.push(Finding::RecordsMissing {
            known: known.to_owned(),
            other: other.to_owned(),
        });
    }
    Ok(Found {
        addresses: found.addresses,
        hosts_file: found.hosts_file,
        missing: found.unknown.is_some(),
        remarks,
    })
}
