//! `probe drill`: rehearses what a recovery needs, link by link, and says what is proven: the file, the state, our own network with each
//! canary, name servers, each URL, the heartbeat; of each host its key, the login, what the key may do, sudo, the look and what it could not
//! see, the configuration test, the guards. `--mail` sends test mails and shows what was said with each relay, and gives a test to each
//! webhook and to the command. Where hosts are named, their links alone are walked. Each line has a mark: `ok`, `note` for what is no
//! fault, `warn`, `FAIL`. How old a proof is that was had before is remarked upon.
//!
//! Nothing is restarted, but for `--restart HOST` ([`restart`]): after a question, or with `--yes`. When and how it went is noted in the state
//! directory, for the weekly report, `probe status` and `/metrics`.

mod chain;
mod host;
mod restart;
mod sheet;
mod tell;

use std::io::IsTerminal as _;
use std::sync::Arc;

use minijinja::context;

use crate::adapters::clock::SystemClock;
use crate::adapters::http::HttpProber;
use crate::adapters::ssh::SshRecoverer;
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{Fleet, Host, HostName, Profile, Settings, Timestamp};
use crate::policy;
use crate::ports::{Clock as _, Snapshot};
use crate::render::text::clean;
use crate::render::words::key;

use super::surroundings::Surroundings;
use super::{complain, runtime, say_error, settings_opened};
use sheet::Sheet;

/// `probe drill`.
pub(super) fn drill(cli: &Cli, around: &Surroundings, drill: &cli::DrillArgs) -> Exit {
    let drilled = || {
        let settings = settings_opened(cli, around)?;
        let hosts = hosts(&settings, drill)?;
        let told =
            settings.email.is_some() || !settings.webhooks.is_empty() || settings.command.is_some();
        if drill.mail && !told {
            say_error(
                "probe: no mail is configured; add `alerts.email` with `from`, `to` and `smtp`",
            );
            return Err(Exit::Unknown);
        }
        if drill.restart {
            may_restart(&hosts, drill)?;
        }
        let runtime = runtime()?;
        let walk = Walk {
            cli,
            around,
            drill,
            settings: &settings,
            hosts: &hosts,
        };
        let exit = runtime.block_on(walk.walk());
        runtime.shutdown_background();
        exit
    };
    drilled().unwrap_or_else(|exit| exit)
}

/// Whether a restart may be asked for: of one host, and by somebody who says yes.
fn may_restart(hosts: &[Arc<Host>], drill: &cli::DrillArgs) -> Result<(), Exit> {
    if hosts.len() != 1 {
        say_error("probe: `--restart` restarts one host: name just that one");
        return Err(Exit::Unknown);
    }
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !drill.yes && !asks {
        say_error(
            "probe: `--restart` asks before it restarts, and there is no terminal to ask at: nothing was done; `--yes` restarts without the question",
        );
        return Err(Exit::Unknown);
    }
    Ok(())
}

/// What is walked.
struct Walk<'a> {
    cli: &'a Cli,
    around: &'a Surroundings,
    drill: &'a cli::DrillArgs,
    settings: &'a Arc<Settings>,
    hosts: &'a [Arc<Host>],
}

impl Walk<'_> {
    async fn walk(&self) -> Result<Exit, Exit> {
        let (settings, drill) = (self.settings, self.drill);
        let voice = self.around.voice(self.cli, &settings.wording);
        let mut sheet = Sheet::new(&voice, self.cli.global.quiet);
        let prober = HttpProber::try_new().map_err(|error| complain(&error))?;
        let only_mail = drill.mail && self.hosts.is_empty();
        let before = self.ours(&mut sheet, &prober, only_mail).await?;
        let (mut notes, mut stops) = self.theirs(&mut sheet, &before).await;
        stops |= sheet.exit() == Exit::Critical;
        let mut exit = sheet.exit();
        if drill.mail {
            let at = SystemClock::new().now().wall;
            let passed_on = &self.around.passed_on;
            let went = tell::everybody(settings, passed_on, at, &mut sheet).await?;
            notes.push((None, at, went != Exit::Critical));
            exit = exit.worst(went);
        } else if drill.hosts.is_empty() && settings.is_heard() {
            let now = SystemClock::new().now().wall;
            host::mail(&mut sheet, &before.drills, now);
        }
        exit = exit.worst(note(self.cli, self.around, &notes));
        if drill.restart {
            self.restart(&mut sheet, &prober, stops).await?;
        }
        Ok(exit.worst(sheet.exit()))
    }

    /// Our own links; what was remembered.
    async fn ours(
        &self,
        sheet: &mut Sheet<'_>,
        prober: &HttpProber,
        only_mail: bool,
    ) -> Result<Fleet, Exit> {
        let (cli, around, settings) = (self.cli, self.around, self.settings);
        let place = around.config_path(cli).map_err(|error| complain(&error))?;
        let kept = around.state_path(cli).map_err(|error| complain(&error))?;
        let read = around.store(cli).map_err(|error| complain(&error))?.read();
        if only_mail {
            return Ok(read.map(|snapshot| snapshot.fleet).unwrap_or_default());
        }
        let (sites, hosts) = (settings.profiles.len(), settings.hosts.len());
        let place = place.display().to_string();
        sheet.well(key!(Drill, "file"), context! { place, sites, hosts });
        let kept = kept.display().to_string();
        let fleet = match read {
            Ok(snapshot) => {
                chain::state(sheet, &kept, &snapshot);
                let Snapshot { mut fleet, .. } = snapshot;
                policy::tell_time(&mut fleet, &SystemClock::new().now());
                fleet
            }
            Err(error) => {
                let reason = super::with_causes(&*error);
                sheet.ill(
                    key!(Drill, "state.unread"),
                    context! { place => kept, reason },
                );
                Fleet::default()
            }
        };
        chain::network(sheet, prober, &settings.network).await;
        let sites = self.sites(None);
        chain::names(sheet, &sites).await;
        chain::urls(sheet, prober, &sites).await;
        if self.drill.hosts.is_empty() {
            chain::heartbeat(sheet, prober, settings).await;
        }
        Ok(fleet)
    }

    /// The links of each host; how each went, and whether what was found holds a restart.
    async fn theirs(&self, sheet: &mut Sheet<'_>, before: &Fleet) -> (Vec<Went>, bool) {
        // Nothing is held back: a look is no act.
        let recoverer = SshRecoverer::new(Arc::new(|_| false), Arc::new(SystemClock::new()));
        let (mut notes, mut stops) = (Vec::new(), false);
        for one in self.hosts {
            let at = SystemClock::new().now().wall;
            let sites = self.sites(Some(&one.name));
            let (well, held) = host::walk(sheet, &recoverer, one, &sites, at).await;
            stops |= held;
            notes.push((Some(one.name.clone()), at, well));
            host::proofs(sheet, one, before, &before.drills, at);
        }
        (notes, stops)
    }

    async fn restart(
        &self,
        sheet: &mut Sheet<'_>,
        prober: &HttpProber,
        stops: bool,
    ) -> Result<(), Exit> {
        let Some(one) = self.hosts.first() else {
            return Ok(());
        };
        let name = one.name.as_str();
        let sites = self.sites(Some(&one.name));
        if stops {
            sheet.ill(key!(Drill, "restart.stops"), context! { host => name });
            return Ok(());
        }
        if !self.drill.yes && !restart::agreed(sheet, one, &sites) {
            sheet.doubt(key!(Drill, "restart.left"), context! { host => name });
            return Ok(());
        }
        let store = self
            .around
            .store(self.cli)
            .map_err(|error| complain(&error))?;
        let stage = restart::Stage {
            around: self.around,
            settings: self.settings,
            store: &store,
            prober,
            host: one,
            sites: &sites,
        };
        restart::restart(sheet, &stage).await
    }

    /// The sites of a host; without one, those of the hosts that are named, or all.
    fn sites(&self, host: Option<&HostName>) -> Vec<Arc<Profile>> {
        let named = !self.drill.hosts.is_empty();
        let sites = self.settings.profiles.values().filter(|site| match host {
            Some(host) => site.host.as_ref() == Some(host),
            None => {
                !named
                    || self
                        .hosts
                        .iter()
                        .any(|one| site.host.as_ref() == Some(&one.name))
            }
        });
        sites.cloned().collect()
    }
}

/// The hosts that are meant.
fn hosts(settings: &Settings, drill: &cli::DrillArgs) -> Result<Vec<Arc<Host>>, Exit> {
    if drill.hosts.is_empty() {
        let all = settings.hosts.values().filter(|_| !drill.mail);
        let all: Vec<Arc<Host>> = all.cloned().collect();
        if all.is_empty() && !drill.mail {
            say_error("probe: no host is configured, so there is nothing to rehearse but `--mail`");
            return Err(Exit::Unknown);
        }
        return Ok(all);
    }
    let mut hosts = Vec::new();
    for name in &drill.hosts {
        let found = settings
            .hosts
            .iter()
            .find(|(host, _)| host.as_str() == name);
        let Some((_, host)) = found else {
            let known: Vec<&str> = settings.hosts.keys().map(|host| host.as_str()).collect();
            say_error(&format!(
                "probe: no host is called {}; there are: {}",
                clean(name),
                known.join(", ")
            ));
            return Err(Exit::Unknown);
        };
        hosts.push(Arc::clone(host));
    }
    Ok(hosts)
}

/// A rehearsal: of which host, or of mail; when; whether it went well.
type Went = (Option<HostName>, Timestamp, bool);

/// Notes what was found. That it cannot be noted is a warning: the rehearsal itself is over and told.
fn note(cli: &Cli, around: &Surroundings, notes: &[Went]) -> Exit {
    let noted = || {
        let store = around.store(cli).map_err(|error| error.to_string())?;
        for (host, at, well) in notes {
            let noted = store.drilled(host.as_ref(), *at, *well);
            noted.map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    };
    match noted() {
        Ok(()) => Exit::Ok,
        Err(error) => {
            let error = clean(&error);
            say_error(&format!("probe: this drill is not noted: {error}"));
            Exit::Warning
        }
    }
}
