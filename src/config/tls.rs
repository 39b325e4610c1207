//! `tls` of a profile: how its certificate is judged.

use std::time::Duration;

use crate::model::{Named, Tls};

use super::fault::{Fault, Report};
use super::path::{Privacy, file};
use super::section::Section;
use super::tree::Node;
use super::value::{LONGEST, duration, flag, list};

const KEYS: &[&str] = &[
    "ca_file",
    "crl_file",
    "client_cert_file",
    "client_key_file",
    "verify",
    "warn_before",
];

/// Reads the section; each value that is wrong goes to `report`.
pub(super) fn read(node: &Node, report: &mut Report) -> Tls {
    let mut tls = Tls::by_default();
    let Some(section) = Section::open(node, KEYS, report) else {
        return tls;
    };
    let path = |key: &str, privacy: Privacy, report: &mut Report| {
        section
            .get(key)
            .and_then(|node| file(node, privacy, report))
    };
    let roots = path("ca_file", Privacy::Public, report);
    let lists = path("crl_file", Privacy::Public, report);
    let certificate = path("client_cert_file", Privacy::Public, report);
    let key = path("client_key_file", Privacy::Group, report);
    if let Some(roots) = &roots {
        report.names(&roots.spot, Named::Roots(roots.value.clone()));
    }
    if let Some(lists) = &lists {
        report.names(&lists.spot, Named::Lists(lists.value.clone()));
    }
    if let (Some(chain), Some(key)) = (&certificate, &key) {
        let (spot, chain, key) = (&chain.spot, chain.value.clone(), key.value.clone());
        report.names(spot, Named::Identity { chain, key });
    }
    tls.ca_file = roots.map(|found| found.value);
    tls.crl_file = lists.map(|found| found.value);
    tls.client_certificate = certificate
        .zip(key)
        .map(|(chain, key)| (chain.value, key.value));
    let pair = ["client_cert_file", "client_key_file"];
    for (given, missing) in [(pair[0], pair[1]), (pair[1], pair[0])] {
        if section.get(given).is_some() && section.get(missing).is_none() {
            report.fault(
                Fault::new(
                    &section.spot_of(given),
                    format!("needs `{missing}` beside it"),
                )
                .act("a client shows a certificate and proves it with its key"),
            );
        }
    }
    if let Some(verify) = section.get("verify").and_then(|node| flag(node, report)) {
        tls.verify = verify.value;
        if !verify.value {
            report.warn(
                Fault::new(&verify.spot, "a bad certificate will not be noticed")
                    .act("name its root with `ca_file` instead"),
            );
        }
    }
    if let Some(items) = section
        .get("warn_before")
        .and_then(|node| list(node, true, report))
    {
        tls.warn_before = items
            .iter()
            .filter_map(|item| duration(item, Duration::from_secs(1), LONGEST, report))
            .map(|found| found.value)
            .collect();
        tls.warn_before.sort_unstable_by(|a, b| b.cmp(a));
        tls.warn_before.dedup();
    }
    tls
}
