//! Stderr behind a bounded queue and a thread of its own.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait while stderr does not take them: minutes of a busy fleet, and a few hundred kilobytes.
const LINES: usize = 4096;

/// Time the waiting lines get at the end.
const FAREWELL: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Writes what still waits when it is dropped. Keep it until the program ends.
#[must_use = "lines that still wait are lost when the program ends without it"]
#[derive(Debug)]
pub struct LogGuard {
    lines: SyncSender<Message>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (done, wait) = mpsc::sync_channel(1);
        // A full queue means that nobody reads: there is nothing to wait for.
        if self.lines.try_send(Message::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(FAREWELL);
        }
    }
}

/// Hands lines to the thread.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    lines: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// One line of the log: the formatter writes each event with one call.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Message::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line of {} bytes", line.len()),
            Self::Flush(_) => f.write_str("flush"),
        }
    }
}

/// Starts the thread. It ends with the program.
pub(super) fn begin() -> io::Result<(Lines, LogGuard)> {
    let (lines, queue) = mpsc::sync_channel(LINES);
    let lost = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&lost);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || {
            for message in queue {
                // A stderr that was closed takes nothing, and there is nowhere to say so.
                match message {
                    Message::Line(line) => {
                        let _ = io::stderr().write_all(&line);
                    }
                    Message::Flush(done) => {
                        let _ = io::stderr().flush();
                        let _ = done.try_send(());
                    }
                }
                match counter.swap(0, Ordering::Relaxed) {
                    0 => {}
                    lost => {
                        let _ = writeln!(
                            io::stderr(),
                            "{lost} lines of the log are missing here: stderr was not read"
                        );
                    }
                }
            }
        })?;
    let writer = Lines {
        lines: lines.clone(),
        lost,
    };
    Ok((writer, LogGuard { lines }))
}
