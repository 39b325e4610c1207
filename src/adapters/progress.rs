//! The line that moves on stderr while a cycle waits: a spinner, what is awaited, and how long it has taken or has left.
//!
//! Off a terminal, and with `enabled: false`, there is none, and [`Progress::println`] writes its line to stderr as it is.
//! The line is wiped when the display is dropped, so nothing of it stays behind however the program ends short of a kill.

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::render::progress::{Awaited, line};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// One turn.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The display.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// What the line says; its time counts from the bar's last reset.
    awaited: Arc<Mutex<Awaited>>,
}

impl Progress {
    /// A display on stderr; none where `enabled` is false or stderr is not a terminal.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        let awaited = Arc::new(Mutex::new(Awaited::default()));
        let target = if enabled {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let shown = Arc::clone(&awaited);
        let draw = move |progress: &ProgressState, out: &mut dyn std::fmt::Write| {
            // The display cannot fail the run.
            let _ = out.write_str(&moving(&lock(&shown), progress.elapsed()));
        };
        if let Ok(style) = ProgressStyle::with_template("{awaited}") {
            bar.set_style(style.with_key("awaited", draw));
        }
        Self { bar, awaited }
    }

    /// Says what is awaited, and counts how long it takes. An empty text wipes the line.
    pub fn set(&self, text: String) {
        self.show(Awaited { text, left: None });
    }

    /// Says what is awaited, and counts its time up or down. The same text again goes on counting.
    pub fn show(&self, awaited: Awaited) {
        if self.bar.is_hidden() {
            return;
        }
        let anew = {
            let mut shown = lock(&self.awaited);
            let anew = shown.text != awaited.text || awaited.left.is_some();
            *shown = awaited;
            anew
        };
        if anew {
            self.bar.reset_elapsed();
        }
        self.bar.enable_steady_tick(TICK);
    }

    /// Writes a line above the moving one; to stderr where there is none.
    pub fn println(&self, line: &str) {
        self.aside(|| {
            // Nobody may be reading stderr any more; that is no reason to stop watching.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        });
    }

    /// Runs something that writes to the terminal itself, with the moving line out of its way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Wipes the line for good.
    pub fn finish(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn moving(awaited: &Awaited, elapsed: Duration) -> String {
    if awaited.text.is_empty() {
        return String::new();
    }
    let turn = elapsed.as_millis() / TICK.as_millis() % SPINNER.len() as u128;
    let spinner = SPINNER[usize::try_from(turn).unwrap_or(0)];
    format!("{spinner} {}", line(awaited, elapsed))
}

fn lock(awaited: &Mutex<Awaited>) -> MutexGuard<'_, Awaited> {
    awaited.lock().unwrap_or_else(PoisonError::into_inner)
}
