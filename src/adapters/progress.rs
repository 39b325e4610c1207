//! The line that moves on stderr while a cycle waits: a spinner, what is awaited, and how long it has taken or has left.
//!
//! Off a terminal, and with `enabled: false`, there is none, and [`Progress::println`] writes its line to stderr as it is.
//! The line is wiped when the display is dropped, so nothing of it stays behind however the program ends short of a kill.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::render::duration::span;
use crate::render::text::{clean, cut};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// One turn.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// A longer line would wrap on a narrow terminal and leave its beginning behind.
const LINE: usize = 78;

/// A wait shorter than this is not worth counting.
const COUNT_FROM: Duration = Duration::from_secs(2);

/// The display.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// What the line says, and until when it counts down, measured from the last change.
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug, Default)]
struct Shown {
    text: String,
    left: Option<Duration>,
}

impl Progress {
    /// A display on stderr; none where `enabled` is false or stderr is not a terminal.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        let shown = Arc::new(Mutex::new(Shown::default()));
        let bar = ProgressBar::with_draw_target(
            None,
            if enabled {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            },
        );
        let state = Arc::clone(&shown);
        let line = move |progress: &ProgressState, out: &mut dyn std::fmt::Write| {
            // The display cannot fail the run.
            let _ = out.write_str(&lock(&state).line(progress.elapsed()));
        };
        if let Ok(style) = ProgressStyle::with_template("{awaited}") {
            bar.set_style(style.with_key("awaited", line));
        }
        Self { bar, shown }
    }

    /// Says what is awaited, and counts how long it takes. An empty text wipes the line.
    pub fn set(&self, text: String) {
        self.show(text, None);
    }

    /// Says what is awaited, and counts down to its end.
    pub fn count_down(&self, text: String, left: Duration) {
        self.show(text, Some(left));
    }

    fn show(&self, text: String, left: Option<Duration>) {
        if self.bar.is_hidden() {
            return;
        }
        let changed = {
            let mut shown = lock(&self.shown);
            let changed = shown.text != text || left.is_some();
            *shown = Shown { text, left };
            changed
        };
        if changed {
            self.bar.reset_elapsed();
        }
        self.bar.enable_steady_tick(TICK);
    }

    /// Writes a line above the moving one; to stderr where there is none.
    pub fn println(&self, line: &str) {
        self.bar.suspend(|| {
            // Nobody may be reading stderr any more; that is no reason to stop watching.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        });
    }

    /// Runs something that writes to the terminal itself, with the line out of its way.
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

impl Shown {
    fn line(&self, elapsed: Duration) -> String {
        if self.text.is_empty() {
            return String::new();
        }
        let text = match self.left {
            Some(left) => match whole(left.saturating_sub(elapsed)) {
                left if left.is_zero() => format!("{}…", self.text),
                left => format!("{} in {}", self.text, span(left)),
            },
            None if elapsed < COUNT_FROM => format!("{}…", self.text),
            None => format!("{}… {}", self.text, span(whole(elapsed))),
        };
        let turn = elapsed.as_millis() / TICK.as_millis() % SPINNER.len() as u128;
        let spinner = SPINNER[usize::try_from(turn).unwrap_or(0)];
        cut(&format!("{spinner} {}", clean(&text)), LINE)
    }
}

/// Whole seconds: what moves eight times a second should change once a second.
const fn whole(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

fn lock(shown: &Mutex<Shown>) -> std::sync::MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}
