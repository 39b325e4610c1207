//! Commands that only look: `once URL`, `check`, `status`; and those that say what the program itself is: `schema`, `completions`, `man`,
//! `version`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::adapters;
use crate::adapters::clock::SystemClock;
use crate::adapters::http::HttpProber;
use crate::cli::{self, Cli};
use crate::config;
use crate::exit::Exit;
use crate::model::{Addresses, CheckResult, Finding, Fleet, Hold, Profile, ProfileName, Settings};
use crate::policy;
use crate::ports::{Clock as _, Failed, Prober as _, Store};
use crate::render::duration::span;
use crate::render::mail::worded;
use crate::render::{report, terminal};

use super::surroundings::Surroundings;
use super::{answer, complain, opened, reading, runtime, settings, watch};

/// `probe once URL…`: no configuration, no state, no action, no mail.
pub(super) fn urls(cli: &Cli, around: &Surroundings, once: &cli::Once, urls: &[Url]) -> Exit {
    let prober = match HttpProber::try_new() {
        Ok(prober) => prober,
        Err(error) => return complain(&error),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let profile = Arc::new(profile(once, urls));
    let checks: Vec<CheckResult> = runtime.block_on(prober.probe(profile, Vec::new()));
    runtime.shutdown_background();
    if once.json {
        answer(&report::url_document(&checks, SystemClock::new().now().wall).to_json());
    } else if cli.global.quiet {
        answer(&terminal::url_lines(
            &checks,
            around.look(cli, once.dry_run),
        ));
    } else {
        answer(&terminal::urls(&checks, around.look(cli, once.dry_run)));
    }
    Exit::from(report::url_severity(&checks))
}

/// Every default, but for what the command line says.
fn profile(once: &cli::Once, urls: &[Url]) -> Profile {
    let mut profile = Profile::of_urls(urls.to_vec(), once.max_time);
    if let Some(timeout) = once.timeout {
        profile.timeout = timeout;
        profile.connect_timeout = timeout;
    }
    if let Some(address) = once.address {
        profile.addresses = Addresses::Pinned(vec![address]);
    }
    profile.headers.clone_from(&once.header);
    profile
}

/// `probe check`: reads and validates, looks into what is named, touches no network. Warnings are told and do not change the exit code: the
/// configuration would be taken as it is.
pub(super) fn check(cli: &Cli, around: &Surroundings, check: &cli::Check) -> Exit {
    let loaded = match opened(cli, around) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let misworded = super::misworded(&loaded.settings);
    if !misworded.is_empty() {
        let faults = config::Faults {
            faults: misworded,
            warnings: loaded.warnings,
        };
        return reading::refuse(cli, &faults);
    }
    for warning in &loaded.warnings {
        super::say_error(&format!("warning: {warning}"));
    }
    // Said already, by whoever began the command.
    let doubts = reading::doubts(cli, around);
    let warned = loaded.warnings.iter().map(ToString::to_string);
    let warnings: Vec<String> = warned.chain(doubts).collect();
    let (profiles, hosts) = (loaded.settings.profiles.len(), loaded.settings.hosts.len());
    if check.json {
        let document = serde_json::json!({
            "schema": 1,
            "ok": true,
            "status": "ok",
            "files": loaded.files,
            "profiles": profiles,
            "hosts": hosts,
            "faults": [],
            "warnings": warnings,
            "effective": check.effective.then(|| config::to_json(&loaded.settings)),
        });
        answer(&format!("{document:#}"));
    } else if check.effective {
        answer(&config::effective(&loaded.settings));
    } else if !cli.global.quiet {
        let files: Vec<String> = loaded
            .files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let counted = |count: usize, one: &str| {
            if count == 1 {
                format!("1 {one}")
            } else {
                format!("{count} {one}s")
            }
        };
        let warned = if warnings.is_empty() {
            String::new()
        } else {
            format!(", {}", counted(warnings.len(), "warning"))
        };
        answer(&format!(
            "{}: {}, {}, no faults{warned}",
            files.join(", "),
            counted(profiles, "profile"),
            counted(hosts, "host")
        ));
    }
    Exit::Ok
}

/// `probe status`.
pub(super) fn status(cli: &Cli, around: &Surroundings, status: &cli::Status) -> Exit {
    standing(cli, around, status).unwrap_or_else(|exit| exit)
}

fn standing(cli: &Cli, around: &Surroundings, status: &cli::Status) -> Result<Exit, Exit> {
    let settings = settings(cli, around)?;
    let selection = selected(&settings, &status.profiles)?;
    let store = around.store(cli).map_err(|error| complain(&error))?;
    let fleet = as_it_stands(&settings, &*store).map_err(|error| complain(&*error))?;
    if status.json {
        let told = crate::render::record::waiting(&fleet, |note| worded(&settings, note));
        answer(&report::status_document(&settings, &fleet, &selection, &told).to_json());
    } else {
        answer(&terminal::status(
            &settings,
            &fleet,
            &selection,
            |note| worded(&settings, note),
            around.look(cli, false),
        ));
    }
    Ok(Exit::from(report::severity(&settings, &fleet, &selection)))
}

/// The profiles that are named, or all.
pub(super) fn selected(
    settings: &Settings,
    named: &[ProfileName],
) -> Result<BTreeSet<ProfileName>, Exit> {
    if named.is_empty() {
        Ok(settings.profiles.keys().cloned().collect())
    } else {
        watch::named(settings, named)
    }
}

/// What is remembered, as it is to be told now.
pub(super) fn as_it_stands(settings: &Settings, store: &dyn Store) -> Result<Fleet, Failed> {
    let mut fleet = store.read()?.fleet;
    policy::tell_time(&mut fleet, &SystemClock::new().now());
    doubt_the_old(settings, &mut fleet);
    forget_ended_pauses(settings, &mut fleet);
    Ok(fleet)
}

/// What nobody has looked at for long is not known, whatever it was: the watch itself may have died.
fn doubt_the_old(settings: &Settings, fleet: &mut Fleet) {
    let now = fleet.now();
    for (name, profile) in &settings.profiles {
        // A probe late by two whole intervals, and the time results may wait to be written, is no longer merely late.
        let patience = profile.interval * 3 + profile.timeout + Duration::from_secs(60);
        let Some(probed) = fleet.profiles.get(name).map(|track| track.probed) else {
            continue;
        };
        let old = probed
            .map(|probed| now.since(probed))
            .filter(|age| *age > patience);
        if let Some(age) = old {
            fleet.profile_mut(name).unknown = Some(Box::new(Finding::NotProbed { age: span(age) }));
        }
    }
}

/// A hold says what the last run found; a pause that a person has ended since holds nothing any more.
fn forget_ended_pauses(settings: &Settings, fleet: &mut Fleet) {
    let now = fleet.wall(fleet.now());
    for host in settings.hosts.keys() {
        let watched = settings.profiles_of(host).map(|(name, _)| name.as_str());
        let paused = ["all", host.as_str()]
            .into_iter()
            .chain(watched)
            .any(|target| {
                let pause = fleet.pauses.get(target);
                pause.is_some_and(|pause| pause.until.is_none_or(|until| until > now))
            });
        let track = fleet.hosts.get(host);
        if !paused
            && matches!(
                track.and_then(|track| track.hold.as_ref()),
                Some(Hold::Paused { .. })
            )
        {
            fleet.host_mut(host).hold = None;
        }
    }
}

/// `probe schema`.
pub(super) fn schema() -> Exit {
    answer(&format!("{:#}", crate::config::schema()));
    Exit::Ok
}

/// `probe completions`.
pub(super) fn completions(order: &cli::Completions) -> Exit {
    answer(&cli::completions(order.shell));
    Exit::Ok
}

/// `probe man`.
pub(super) fn manual(order: &cli::Man) -> Exit {
    match cli::manual(order.command.as_deref()) {
        Ok(page) => {
            answer(&page);
            Exit::Ok
        }
        Err(error) => complain(&error),
    }
}

/// `probe version`.
pub(super) fn version(version: &cli::Version) -> Exit {
    let number = env!("CARGO_PKG_VERSION");
    if version.json {
        let document = serde_json::json!({
            "schema": 1,
            "name": "probe",
            "version": number,
            "state_schema": adapters::state_schema(),
            "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        });
        answer(&format!("{document:#}"));
    } else {
        answer(&format!("probe {number}"));
    }
    Exit::Ok
}
