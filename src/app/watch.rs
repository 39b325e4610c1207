//! `probe once` and `probe run`: the same loop over the same ports, for one cycle or until told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::adapters::clock::SystemClock;
use crate::adapters::command::CommandMessenger;
use crate::adapters::http::{HttpPoster, HttpProber, HttpPulse};
use crate::adapters::observe::LogObserver;
use crate::adapters::progress::Progress;
use crate::adapters::smtp::{SmtpNotifier, secret};
use crate::adapters::ssh::SshRecoverer;
use crate::adapters::status::{self, Lent, Listener};
use crate::cli::{self, Cli};
use crate::engine::{Ended, Ports, Run, Until, drive};
use crate::exit::Exit;
use crate::model::{
    Changes, Entry, Fleet, Happened, Host, Orders, Profile, ProfileName, ProfileTrack, Secret,
    SecretSource, Settings, Start, Target, Timestamp,
};
use crate::policy;
use crate::ports::{
    Clock as _, NotOpened, Observer, Opened, Pending, Snapshot, Store, Unwritable, Writer,
};
use crate::render::mail::worded;
use crate::render::record::Record;
use crate::render::terminal::Layout;
use crate::render::{progress, report, terminal};

use super::signals::Reload;
use super::surroundings::Surroundings;
use super::{answer, complain, runtime, say_error, settings_opened, signals};

/// Longest time of a cycle that follows an order.
const ORDER: Duration = Duration::from_secs(300);

/// `probe once`: one cycle.
pub(super) fn once(cli: &Cli, around: &Surroundings, once: &cli::Once) -> Exit {
    cycle(cli, around, once).unwrap_or_else(|exit| exit)
}

fn cycle(cli: &Cli, around: &Surroundings, once: &cli::Once) -> Result<Exit, Exit> {
    let settings = settings_opened(cli, around).inspect_err(|_| {
        if let (cli::Subject::Profiles(names), Err(_)) = (&once.subject, around.config_path(cli)) {
            hint_at_urls(names.iter());
        }
    })?;
    let selection = selection(&settings, &once.subject)?;
    let store = around.store(cli).map_err(|error| complain(&error))?;
    let state = if once.dry_run {
        read(&*store)?
    } else {
        opened(cli, around, &*store)?
    };
    let shown =
        around.stderr_is_terminal && !cli.global.quiet && !once.json && cli.global.verbose == 0;
    let teller = Teller::new(
        &settings,
        &state.fleet,
        shown.then(|| around.look_on_stderr(cli, once.dry_run)),
    );
    let (record, told) = (Arc::clone(&teller.record), Arc::clone(&teller.told));
    let start = match &once.subject {
        cli::Subject::Profiles(names) => Start::Named(names.iter().cloned().collect()),
        cli::Subject::Due | cli::Subject::Urls(_) => Start::Due,
    };
    let course = Course {
        start,
        until: Until::Settled(once.max_time),
        dry: once.dry_run,
        reload: Reload::Never,
    };
    let ended = conduct(around, store, state, settings, teller, course)?;
    let mut record = std::mem::take(&mut *record.lock().unwrap_or_else(PoisonError::into_inner));
    record.rehearse(&ended.would, &ended.fleet);
    if told.load(Ordering::Relaxed) {
        // Between what happened and how it ended.
        say_error("");
    }
    let mut exit = Exit::from(report::severity(&ended.settings, &ended.fleet, &selection));
    if ended.unwritten {
        say_error(
            "probe: the state could not be written: nothing was restarted and no mail was sent; make room or mend the state directory",
        );
        exit = exit.worst(Exit::Unknown);
    }
    if once.json {
        let document = report::document(&ended.settings, &ended.fleet, &selection, &record);
        let document = if once.dry_run {
            document.rehearsed()
        } else {
            document
        };
        answer(&document.to_json());
    } else if !cli.global.quiet || is_for_a_person(&ended, &selection) {
        let probed = probed(&ended.fleet, &selection);
        answer(&terminal::once(
            &ended.settings,
            &ended.fleet,
            &probed,
            &record,
            around.look(cli, once.dry_run),
        ));
    }
    Ok(exit)
}

/// `probe run`: the daemon.
pub(super) fn run(cli: &Cli, around: &Surroundings) -> Exit {
    daemon(cli, around).unwrap_or_else(|exit| exit)
}

fn daemon(cli: &Cli, around: &Surroundings) -> Result<Exit, Exit> {
    let settings = settings_opened(cli, around)?;
    let path = around.config_path(cli).map_err(|error| complain(&error))?;
    let store = around.store(cli).map_err(|error| complain(&error))?;
    let state = opened(cli, around, &*store)?;
    let teller = Teller::new(&settings, &state.fleet, None);
    tracing::info!(profiles = settings.profiles.len(), hosts = settings.hosts.len(), state = %state.place.display(), "watching");
    let course = Course {
        start: Start::Daemon,
        until: Until::Shutdown,
        dry: false,
        reload: Reload::From(path),
    };
    let ended = conduct(around, store, state, settings, teller, course)?;
    tracing::info!("stopped");
    Ok(if ended.unwritten {
        Exit::Unknown
    } else {
        Exit::Ok
    })
}

/// One cycle of these sites, so that what was ordered is heard. Where another run has the state meanwhile, it is that run's business.
pub(super) fn follow_order(
    around: &Surroundings,
    settings: &Arc<Settings>,
    store: &Arc<dyn Store>,
    sites: &[Arc<Profile>],
) -> Result<(), Exit> {
    let state = match store.open(SystemClock::new().now().wall) {
        Err(NotOpened::Locked(_)) => return Ok(()),
        other => other.map_err(|error| complain(&error))?,
    };
    let teller = Teller::new(settings, &state.fleet, None);
    let names = sites.iter().map(|site| site.name.clone()).collect();
    let course = Course {
        start: Start::Named(names),
        until: Until::Settled(ORDER),
        dry: false,
        reload: Reload::Never,
    };
    conduct(
        around,
        Arc::clone(store),
        state,
        Arc::clone(settings),
        teller,
        course,
    )
    .map(|_| ())
}

/// How a run begins and how long it goes on.
struct Course {
    start: Start,
    until: Until,
    dry: bool,
    reload: Reload,
}

/// Assembles the ports and drives the loop.
fn conduct(
    around: &Surroundings,
    store: Arc<dyn Store>,
    state: Opened,
    settings: Arc<Settings>,
    teller: Teller,
    course: Course,
) -> Result<Ended, Exit> {
    let clock = Arc::new(SystemClock::new());
    let prober = HttpProber::try_new().map_err(|error| complain(&error))?;
    let watch = Arc::clone(&clock);
    let past = Arc::clone(&store);
    let paused = move |host: &Host| store.is_paused(&host.name, watch.now().wall);
    let watcher = HttpPulse::new(&prober, Arc::new(read_secret));
    let poster = HttpPoster::new(&prober, Arc::new(read_secret));
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let (orders, mut control) = mpsc::channel(4);
        let reports = if matches!(course.reload, Reload::From(_)) {
            let listener = match &settings.status_page {
                Some(page) => Some(
                    Listener::bind(page.listen)
                        .await
                        .map_err(|e| complain(&e))?,
                ),
                None => None,
            };
            let clock = Arc::clone(&clock);
            let prober = Arc::new(prober.clone());
            let lent = Lent {
                subject: worded,
                account: policy::account,
            };
            Some(status::serve(listener, clock, prober, past, lent))
        } else {
            None
        };
        let guard =
            signals::listen(orders, course.reload, reports).map_err(|error| complain(&error))?;
        let mut ports = Ports {
            recoverer: Arc::new(SshRecoverer::new(Arc::new(paused), Arc::clone(&clock) as _)),
            clock,
            prober: Arc::new(prober),
            notifier: Arc::new(SmtpNotifier::new()),
            messenger: Arc::new(CommandMessenger::new(around.passed_on.clone())),
            poster: Arc::new(poster),
            watcher: Arc::new(watcher),
            writer: state.writer,
            observer: Box::new(teller),
            pulse: guard.pulse(),
        };
        let run = Run {
            settings,
            fleet: state.fleet,
            start: course.start,
            damaged: state.damaged.map(|place| place.display().to_string()),
            until: course.until,
            dry: course.dry,
        };
        Ok(drive(&mut ports, run, &mut control).await)
    });
    // A look-up or a client that does not end must not keep us here.
    runtime.shutdown_background();
    ended
}

pub(super) fn read_secret(source: &SecretSource) -> Result<Secret, String> {
    secret::read(source).map_err(|fault| {
        let because = std::error::Error::source(&fault);
        let because = because.map_or_else(String::new, |source| format!(": {source}"));
        format!("{fault}{because}")
    })
}

/// The state, for a run that acts. One of a newer release, or of another user, is left alone: what stands in for it
/// remembers who was told, and nothing is restarted.
fn opened(cli: &Cli, around: &Surroundings, store: &dyn Store) -> Result<Opened, Exit> {
    let wall = SystemClock::new().now().wall;
    let refuse = |error: NotOpened| {
        // Under cron the run before may still be following a failure through: nothing to tell anybody.
        if cli.global.quiet && matches!(error, NotOpened::Locked(_)) {
            Exit::Unknown
        } else {
            complain(&error)
        }
    };
    match store.open(wall) {
        // It is somebody's and well: it stays as it is, and people still hear of their sites.
        Err(error @ NotOpened::Foreign(_)) => {
            complain(&error);
            say_error("probe: until then it watches and tells, and restarts nothing");
            let opened = store.stand_in(&around.temporary, wall);
            let mut opened = opened.map_err(refuse)?;
            opened.fleet.stands_in = true;
            Ok(opened)
        }
        other => other.map_err(refuse),
    }
}

/// The state, for a dry run: read, and never written.
fn read(store: &dyn Store) -> Result<Opened, Exit> {
    let Snapshot { fleet, pauses, .. } = store.read().map_err(|error| complain(&*error))?;
    let orders = Orders {
        pauses,
        rearm: BTreeSet::new(),
        drills: fleet.drills.clone(),
        approvals: fleet.approvals.clone(),
        // A dry run restarts nothing, and answers no order to do so.
        rehearsals: BTreeMap::new(),
        acks: fleet.acks.clone(),
    };
    Ok(Opened {
        fleet,
        damaged: None,
        place: PathBuf::new(),
        writer: Box::new(Nowhere { orders }),
    })
}

/// The memory of a dry run.
struct Nowhere {
    orders: Orders,
}

impl Writer for Nowhere {
    fn commit(&mut self, _: Changes) -> Pending<Result<(), Unwritable>> {
        Box::pin(async { Ok(()) })
    }

    fn orders(&mut self) -> Pending<Orders> {
        Box::pin(std::future::ready(self.orders.clone()))
    }

    fn rearmed(&mut self, _: &Orders) {}
}

/// Logs, keeps the record of the run, and tells people at a terminal what happens while it happens.
struct Teller {
    settings: Arc<Settings>,
    record: Arc<Mutex<Record>>,
    live: Option<(Progress, Layout)>,
    /// A line was written while the run was under way.
    told: Arc<AtomicBool>,
}

impl Teller {
    fn new(settings: &Arc<Settings>, fleet: &Fleet, live: Option<Layout>) -> Self {
        Self {
            settings: Arc::clone(settings),
            record: Arc::new(Mutex::new(Record::new(fleet, |note| {
                worded(settings, note)
            }))),
            live: live.map(|look| (Progress::new(true), look)),
            told: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl Observer for Teller {
    fn note(&mut self, at: Timestamp, note: &Happened, fleet: &Fleet) {
        LogObserver.note(at, note, fleet);
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((shown, look)) = &self.live {
            record.note(note, &self.settings, fleet, |told| {
                worded(&self.settings, told)
            });
            if let Some(line) = terminal::line(at, note, &record, *look) {
                shown.println(&line);
                self.told.store(true, Ordering::Relaxed);
            }
            if let Some(awaited) = progress::awaited(fleet) {
                shown.show(awaited);
            }
        } else {
            record.note(note, &self.settings, fleet, |told| {
                worded(&self.settings, told)
            });
        }
    }
}

/// The profiles a command line names; every profile where it names none.
fn selection(settings: &Settings, subject: &cli::Subject) -> Result<BTreeSet<ProfileName>, Exit> {
    match subject {
        cli::Subject::Profiles(names) => named(settings, names),
        cli::Subject::Due | cli::Subject::Urls(_) => {
            Ok(settings.profiles.keys().cloned().collect())
        }
    }
}

/// The named profiles, each of which must be configured.
pub(super) fn named(
    settings: &Settings,
    names: &[ProfileName],
) -> Result<BTreeSet<ProfileName>, Exit> {
    let unknown: Vec<&str> = names
        .iter()
        .filter(|name| !settings.profiles.contains_key(*name))
        .map(ProfileName::as_str)
        .collect();
    if unknown.is_empty() {
        return Ok(names.iter().cloned().collect());
    }
    say_error(&format!(
        "probe: no profile is called {}; there are: {}",
        unknown.join(", "),
        listed(settings.profiles.keys())
    ));
    hint_at_urls(
        names
            .iter()
            .filter(|name| !settings.profiles.contains_key(*name)),
    );
    Err(Exit::Unknown)
}

/// What looks like a site's name and is no profile was meant as a URL.
fn hint_at_urls<'a>(names: impl Iterator<Item = &'a ProfileName>) {
    let sites = names.filter(|name| name.as_str().trim_matches('.').contains('.'));
    let urls: Vec<String> = sites.map(|name| format!("https://{name}/")).collect();
    if !urls.is_empty() {
        say_error(&format!(
            "probe: a site that is in no file is looked at by its URL: probe once {}",
            urls.join(" ")
        ));
    }
}

/// Whether a name of `pause` or `resume` is configured.
pub(super) fn known(settings: &Settings, target: &Target) -> Result<(), Exit> {
    let Target::Named(name) = target else {
        return Ok(());
    };
    let mut names = settings
        .profiles
        .keys()
        .map(ProfileName::as_str)
        .chain(settings.hosts.keys().map(|host| host.as_str()));
    if names.any(|known| known == name) {
        return Ok(());
    }
    let hosts = listed(settings.hosts.keys());
    say_error(&format!(
        "probe: no profile or host is called {name}; profiles: {}; hosts: {hosts}",
        listed(settings.profiles.keys())
    ));
    Err(Exit::Unknown)
}

/// At most twenty names: more help nobody.
fn listed<T: ToString>(names: impl Iterator<Item = T>) -> String {
    let mut names: Vec<String> = names.map(|name| name.to_string()).take(21).collect();
    if names.len() > 20 {
        names.truncate(20);
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// What this run looked at.
fn probed(fleet: &Fleet, selection: &BTreeSet<ProfileName>) -> BTreeSet<ProfileName> {
    let looked = |name: &&ProfileName| {
        fleet
            .profiles
            .get(*name)
            .is_some_and(|track| track.probed_in_run)
    };
    selection.iter().filter(looked).cloned().collect()
}

/// With `-q`, whether there is something a person must act on and no mail tells: somebody who cannot be reached any more, or
/// a site that is down while nobody is configured to hear of it or nothing gets through. That a site cannot be judged is said
/// in any case: this machine is what must be mended, and its mail may be a part of that.
fn is_for_a_person(ended: &Ended, selection: &BTreeSet<ProfileName>) -> bool {
    // An entry that was tried and is still there was not taken.
    let stuck = |entry: &Entry| entry.last.is_some();
    let untold = !ended.settings.is_heard() || ended.fleet.outbox.values().any(stuck);
    let down = ended
        .fleet
        .open_incidents()
        .any(|(name, _)| selection.contains(name));
    let blank = |name: &ProfileName| {
        let track = ended.fleet.profiles.get(name);
        track.is_some_and(ProfileTrack::is_blank)
    };
    selection.iter().any(blank)
        || (untold && down)
        || ended.fleet.outbox.values().any(Entry::is_unheard)
}
