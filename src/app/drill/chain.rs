//! The links on our own side: the file, the state, our network with each canary, each name server, each URL, the heartbeat.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use minijinja::context;
use tokio::task::JoinSet;
use url::Host as UrlHost;

use crate::adapters::http::{HttpProber, HttpPulse};
use crate::app::watch::read_secret;
use crate::model::{
    Canary, CheckResult, NetworkSettings, Profile, Settings, plain_url, shown_text, shown_url,
};
use crate::names::{Failure, Names};
use crate::ports::{Prober as _, Pulse as _, Snapshot};
use crate::render::explain;
use crate::render::report::{Severity, url_severity};
use crate::render::words::key;

use super::sheet::Sheet;

/// URLs that are well and named one by one; of more, the number is said.
const NAMED: usize = 40;

/// Sites that are probed at a time.
const AT_ONCE: usize = 32;

/// The state: where, and who has it.
pub(super) fn state(sheet: &mut Sheet<'_>, place: &str, snapshot: &Snapshot) {
    let holder = snapshot.holder.as_ref().map(ToString::to_string);
    let begun = snapshot.begun;
    sheet.well(key!(Drill, "state"), context! { place, holder, begun });
    if snapshot.damaged.is_some() {
        sheet.doubt(key!(Drill, "state.damaged"), context! {});
    }
}

/// Our own network: each canary by itself.
pub(super) async fn network(sheet: &mut Sheet<'_>, prober: &HttpProber, network: &NetworkSettings) {
    if network.canaries.is_empty() {
        sheet.remark(key!(Drill, "network.none"), context! {});
        return;
    }
    let mut answered = false;
    for canary in &network.canaries {
        let one = NetworkSettings {
            canaries: vec![canary.clone()],
        };
        let (answers, seen) = prober.canary(one).await;
        let canary = match canary {
            Canary::Http(url) => shown_url(url),
            Canary::Tcp { host, port } => format!("tcp://{host}:{port}"),
        };
        if answers {
            answered = true;
            sheet.well(key!(Drill, "network.well"), context! { canary });
        } else {
            let said = explain::finding(sheet.voice(), &seen);
            sheet.doubt(key!(Drill, "network.ill"), context! { canary, said });
        }
    }
    if !answered {
        sheet.ill(key!(Drill, "network.down"), context! {});
    }
}

/// Each name server, by the first site that needs one.
pub(super) async fn names(sheet: &mut Sheet<'_>, sites: &[Arc<Profile>]) {
    let urls = sites.iter().flat_map(|site| &site.urls);
    let named = urls.filter_map(|url| match url.host() {
        Some(UrlHost::Domain(name)) if !is_local(name) => Some(name.to_owned()),
        Some(_) | None => None,
    });
    let named: BTreeSet<String> = named.collect();
    let machines = Names::default();
    let mut asked = None;
    for name in named {
        if machines
            .first(&name)
            .await
            .is_ok_and(|found| found.hosts_file)
        {
            continue;
        }
        asked = Some(name);
        break;
    }
    let Some(name) = asked.as_deref() else {
        sheet.well(key!(Drill, "names.none"), context! {});
        return;
    };
    let servers = match machines.servers() {
        Ok(servers) => servers,
        Err(failure) => {
            let said = explain::finding(sheet.voice(), &failure.found(name).1);
            sheet.ill(key!(Drill, "names.unread"), context! { said });
            return;
        }
    };
    let mut answered = false;
    let mut silent = Vec::new();
    for server in servers {
        let found = Names::asking(server).first(name).await;
        let server = server.to_string();
        match found {
            Ok(_) => {
                answered = true;
                sheet.well(key!(Drill, "names.well"), context! { server, name });
            }
            Err(Failure::Empty(_)) => {
                answered = true;
                sheet.doubt(key!(Drill, "names.empty"), context! { server, name });
            }
            Err(failure) => {
                let said = explain::finding(sheet.voice(), &failure.found(name).1);
                silent.push(context! { server, name, said });
            }
        }
    }
    for one in silent {
        if answered {
            sheet.doubt(key!(Drill, "names.ill"), one);
        } else {
            sheet.ill(key!(Drill, "names.ill"), one);
        }
    }
}

fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Each URL of these sites, as a probe sees it now; what each said, by site.
pub(super) async fn urls(sheet: &mut Sheet<'_>, prober: &HttpProber, sites: &[Arc<Profile>]) {
    let mut well = 0;
    for some in sites.chunks(AT_ONCE) {
        for (site, checks) in asked(prober, some).await {
            for check in &checks {
                let (said, is_well) = told(sheet, check);
                let url = &check.url;
                let address = check.address.map(|address| address.to_string());
                let site = site.name.as_str();
                if is_well {
                    well += 1;
                    if well <= NAMED {
                        sheet.well(key!(Drill, "url.well"), context! { site, url, address });
                    }
                } else if url_severity(std::slice::from_ref(check)) <= Severity::Warning {
                    sheet.doubt(
                        key!(Drill, "url.ill"),
                        context! { site, url, said, address },
                    );
                } else {
                    sheet.ill(
                        key!(Drill, "url.ill"),
                        context! { site, url, said, address },
                    );
                }
            }
        }
    }
    if well > NAMED {
        sheet.well(key!(Drill, "url.more"), context! { n => well - NAMED });
    }
}

/// What these sites answer, all at once, in their order.
pub(super) async fn asked(
    prober: &HttpProber,
    sites: &[Arc<Profile>],
) -> Vec<(Arc<Profile>, Vec<CheckResult>)> {
    let mut asked = JoinSet::new();
    for (place, site) in sites.iter().enumerate() {
        let known: Vec<Option<IpAddr>> = Vec::new();
        let probed = prober.probe(Arc::clone(site), known);
        let site = Arc::clone(site);
        asked.spawn(async move { (place, site, probed.await) });
    }
    let mut seen = asked.join_all().await;
    seen.sort_by_key(|(place, ..)| *place);
    seen.into_iter()
        .map(|(_, site, checks)| (site, checks))
        .collect()
}

/// What a check saw, and whether it is well.
pub(super) fn told(sheet: &Sheet<'_>, check: &CheckResult) -> (String, bool) {
    let Some(cause) = check.cause() else {
        return (String::new(), true);
    };
    let phrase = explain::cause_phrase(sheet.voice(), cause);
    let said = check
        .finding()
        .map(|seen| explain::finding(sheet.voice(), seen));
    (said.unwrap_or(phrase), false)
}

/// The outside watcher.
pub(super) async fn heartbeat(sheet: &mut Sheet<'_>, prober: &HttpProber, settings: &Settings) {
    let Some(heartbeat) = &settings.heartbeat else {
        sheet.remark(key!(Drill, "heartbeat.none"), context! {});
        return;
    };
    let pulse = HttpPulse::new(prober, Arc::new(read_secret));
    match pulse.beat(Arc::clone(heartbeat)).await {
        Ok(()) => sheet.well(key!(Drill, "heartbeat.well"), context! {}),
        Err(said) => sheet.ill(key!(Drill, "heartbeat.ill"), context! { said }),
    }
}

/// The URLs of these sites, as a host is asked for them, and as people read them.
pub(super) fn named(sites: &[Arc<Profile>]) -> (Vec<String>, Vec<String>) {
    let urls = sites
        .iter()
        .flat_map(|site| site.urls.iter().map(plain_url));
    let urls: Vec<String> = urls.collect();
    let shown = urls.iter().map(|url| shown_text(url)).collect();
    (urls, shown)
}
