//! `tls` of a profile: how its certificate is judged.

use crate::model::{Named, Tls};

use super::fault::{Fault, Report};
use super::path::{Privacy, file};
use super::section::Section;

/// Reads the section; each value that is wrong goes to `report`.
pub(super) fn read(section: &Section<'_>, report: &mut Report) -> Tls {
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
    let verify = section.flag("verify", report);
    if let Some(verify) = verify.filter(|verify| !verify.value) {
        report.warn(
            Fault::new(&verify.spot, "a bad certificate will not be noticed")
                .act("name its root with `ca_file` instead"),
        );
    }
    let mut warn_before = section.spans_or_default("warn_before", report);
    warn_before.sort_unstable_by(|a, b| b.cmp(a));
    warn_before.dedup();
    Tls {
        ca_file: roots.map(|found| found.value),
        crl_file: lists.map(|found| found.value),
        client_certificate: certificate
            .zip(key)
            .map(|(chain, key)| (chain.value, key.value)),
        verify: section.flag_or_default("verify", &mut Report::default()),
        warn_before,
    }
}
