//! `probe status --watch`: the answer of `status`, drawn anew in place each second, as long as somebody looks.
//!
//! It only reads. Where one reading takes long, the next waits for ten times as long: who looks takes no more than a tenth of the machine
//! from the watch. `q`, Ctrl-C and an end by a signal give the terminal back; how it ends is what `status` would say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::adapters::clock::SystemClock;
use crate::adapters::screen::{Key, Screen};
use crate::cli::{self, Cli};
use crate::exit::Exit;
use crate::model::{Course, Fleet, ProfileName, Settings};
use crate::ports::{Clock as _, Failed, Store};
use crate::render::mail::worded;
use crate::render::report;
use crate::render::terminal::{Frame, Layout, Seen, frame, unreadable};

use super::surroundings::Surroundings;
use super::{complain, look, runtime, say_error, settings, with_causes};

/// How often the state is read.
const READ: Duration = Duration::from_secs(1);

/// `probe status --watch`.
pub(super) fn status(cli: &Cli, around: &Surroundings, status: &cli::Status) -> Exit {
    let watched = || {
        if !around.stdout_is_terminal {
            say_error(
                "probe: `--watch` draws on a terminal, and stdout is none; `probe status` answers once, and `--json` for programs",
            );
            return Err(Exit::Unknown);
        }
        let settings = settings(cli, around)?;
        let selection = look::selected(&settings, &status.profiles)?;
        let watch = Watch {
            store: around.store(cli).map_err(|error| complain(&error))?,
            layout: around.look(cli, false),
            settings,
            selection,
        };
        let runtime = runtime()?;
        let ended = runtime.block_on(watch.follow());
        // A read of a slow disk may still go on.
        runtime.shutdown_background();
        ended.map_err(|error| complain(&error))
    };
    watched().unwrap_or_else(|exit| exit)
}

struct Watch {
    store: Arc<dyn Store>,
    layout: Layout,
    settings: Arc<Settings>,
    selection: BTreeSet<ProfileName>,
}

/// What was read: the fleet and its days, or why not.
type Read = Result<(Fleet, BTreeMap<ProfileName, Course>), Failed>;

impl Watch {
    async fn follow(&self) -> std::io::Result<Exit> {
        let mut resized = signal(SignalKind::window_change())?;
        let mut ends = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        let mut screen = Screen::enter()?;
        let mut from = 0;
        let (mut read, mut wait) = self.read().await;
        loop {
            let (columns, lines) = screen.size();
            let shown = self.frame(&read, columns, lines, from);
            screen.draw(&shown.lines)?;
            from = shown.from;
            tokio::select! {
                () = tokio::time::sleep(wait) => (read, wait) = self.read().await,
                _ = resized.recv() => {}
                () = any(&mut ends) => break,
                keys = screen.keys() => {
                    if keys.contains(&Key::Quit) {
                        break;
                    }
                    let page = lines.saturating_sub(3);
                    for key in keys {
                        from = match key {
                            Key::Up => from.saturating_sub(1),
                            Key::Down => from.saturating_add(1),
                            Key::PageUp => from.saturating_sub(page),
                            Key::PageDown => from.saturating_add(page),
                            Key::Top | Key::Quit => 0,
                        };
                    }
                }
            }
        }
        Ok(match &read {
            Ok((fleet, _)) => Exit::from(report::severity(&self.settings, fleet, &self.selection)),
            Err(_) => Exit::Unknown,
        })
    }

    /// What is remembered now, and how long to wait before it is read again.
    async fn read(&self) -> (Read, Duration) {
        let (store, settings) = (Arc::clone(&self.store), Arc::clone(&self.settings));
        let names: Vec<ProfileName> = self.selection.iter().cloned().collect();
        let begun = SystemClock::new().now().since_boot;
        // The disk may be slow, and keys are to be felt.
        let read = tokio::task::spawn_blocking(move || -> Read {
            let fleet = look::as_it_stands(&settings, &*store)?;
            Ok((fleet, store.courses(&names)?))
        });
        let read = read.await.unwrap_or_else(|lost| Err(lost.into()));
        let took = SystemClock::new().now().since_boot.saturating_sub(begun);
        (read, READ.max(took * 10))
    }

    fn frame(&self, read: &Read, columns: usize, lines: usize, from: usize) -> Frame {
        let look = Layout {
            width: columns,
            ..self.layout
        };
        match read {
            Ok((fleet, courses)) => {
                let seen = Seen {
                    settings: &self.settings,
                    fleet,
                    selection: &self.selection,
                    courses,
                };
                frame(seen, |note| worded(&self.settings, note), look, lines, from)
            }
            Err(why) => unreadable(&with_causes(&**why), SystemClock::new().now().wall, look),
        }
    }
}

/// The first of these signals.
async fn any(signals: &mut [Signal; 3]) {
    let [one, two, three] = signals;
    tokio::select! {
        _ = one.recv() => {}
        _ = two.recv() => {}
        _ = three.recv() => {}
    }
}
