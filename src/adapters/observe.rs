//! The log: one structured event per [`Happened`], to stderr, as text or JSON.
//!
//! Levels say who must care: `error` a person must act, `warn` unusual and still working, `info` opened, acted, closed,
//! `debug` the rest. Every line carries the ids of what it is about (`profile`, `host`, `incident`, `attempt`, `entry`)
//! and `at`, the instant by the fleet's wall clock. `PROBE_LOG` holds a filter in `tracing`'s syntax
//! (`probe=debug,hyper=info`) and wins over `-v` and `-q`.
//!
//! A stderr that nobody reads does not stop the loop: lines wait in a bounded queue, and what does not fit is counted
//! and told of later.

mod stderr;

use std::io;

use tracing::{Subscriber, debug, error, info, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::model::{
    Ailment, Attempt, Cause, Delivery, Diagnosis, EntryId, EventKind, Fleet, Happened, Hold,
    HostName, RecoveryOutcome, Timestamp,
};
use crate::ports::Observer;

pub use stderr::LogGuard;

/// The variable with a filter of its own.
const VARIABLE: &str = "PROBE_LOG";

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is none.
    #[error("PROBE_LOG holds no log filter: write one like `info` or `probe=debug,hyper=warn`")]
    Filter(#[from] tracing_subscriber::filter::FromEnvError),
    /// The log's thread did not start.
    #[error("cannot start the thread that writes the log")]
    Thread(#[source] io::Error),
    /// There is a log already.
    #[error("the log was set up before")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Sends the log to stderr from now on, until the guard is dropped, which writes what still waits (a second at most).
/// `verbosity` counts `-v` (positive: 1 `debug`, 2 also what libraries remark, 3 `trace`) or `-q` (negative: errors only).
///
/// # Errors
/// When `PROBE_LOG` holds no filter, or there is a log already.
#[expect(
    clippy::disallowed_methods,
    reason = "the log has to speak before anything else was read, so its one variable is read here"
)]
pub fn init_logging(format: LogFormat, verbosity: i8) -> Result<LogGuard, LogError> {
    let filter = EnvFilter::builder().with_env_var(VARIABLE);
    // An unset variable and an empty one are the same.
    let filter = if std::env::var_os(VARIABLE).is_none_or(|value| value.is_empty()) {
        filter.parse_lossy(directives(verbosity))
    } else {
        filter.try_from_env()?
    };
    let (writer, guard) = stderr::begin().map_err(LogError::Thread)?;
    let colour = format == LogFormat::Text
        && anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    tracing::subscriber::set_global_default(subscriber(format, filter, colour, writer))?;
    Ok(guard)
}

/// The filter of so many `-v`.
const fn directives(verbosity: i8) -> &'static str {
    match verbosity {
        i8::MIN..=-1 => "error",
        0 => "warn,probe=info",
        1 => "warn,probe=debug",
        2 => "info,probe=trace",
        3..=i8::MAX => "trace",
    }
}

/// A subscriber that writes lines of this format.
pub fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    colour: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let plain = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_target(false)
        .with_writer(writer);
    match format {
        LogFormat::Text => Box::new(plain.finish()),
        LogFormat::Json => Box::new(plain.json().flatten_event(true).finish()),
    }
}

/// Writes notes to the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogObserver;

impl Observer for LogObserver {
    fn note(&mut self, at: Timestamp, note: &Happened, _fleet: &Fleet) {
        match note {
            Happened::Judged {
                profile,
                state,
                failures,
                cause,
                ..
            } => {
                debug!(%at, %profile, state = state.word(), failures, cause = word(*cause), "judged");
            }
            Happened::Changed {
                profile,
                from,
                to,
                cause,
                seen,
            } => {
                let lines: Vec<String> = seen.iter().map(ToString::to_string).collect();
                let detail = lines.join("; ");
                info!(%at, %profile, from = from.word(), to = to.word(), cause = word(*cause), detail, "state changed");
            }
            Happened::Skipped { profile, count } => {
                warn!(%at, %profile, count, "probes were due and not made: they take longer than their interval, too many are in flight, or this machine was asleep");
            }
            Happened::Opened {
                incident,
                profile,
                cause,
                since: _,
            } => {
                info!(%at, %incident, %profile, %cause, "incident opened");
            }
            Happened::Closed {
                incident,
                profile,
                since,
                restarts,
                ..
            } => {
                info!(%at, %incident, %profile, %since, restarts, "incident closed");
            }
            Happened::Diagnosed {
                host,
                ailment,
                diagnosis,
            } => diagnosed(at, host, *ailment, diagnosis),
            Happened::RestartBegan {
                host,
                attempt,
                number,
                command,
                profile,
            } => {
                info!(%at, %host, %attempt, number, command, %profile, "restart began");
            }
            Happened::RestartEnded {
                host,
                attempt,
                counts_from,
            } => restart_ended(at, host, attempt, *counts_from),
            Happened::Held { host, hold, .. } => held(at, host, hold),
            Happened::GaveUp { host, reason } => {
                error!(%at, %host, reason = reason.to_string(), "gave up; repair the host, then `probe resume` re-arms it");
            }
            Happened::Rearmed { host } => info!(%at, %host, "re-armed"),
            Happened::Queued { entry, event, to } => {
                debug!(%at, %entry, event = event.word(), to, "message queued");
            }
            Happened::Merged { entry, into } => {
                debug!(%at, %entry, %into, "message dropped for one that tells the same");
            }
            Happened::Delivered {
                entry,
                event,
                to,
                delivery,
            } => delivered(at, *entry, *event, to, delivery),
            Happened::NetworkDown { detail } => {
                let detail = detail.detail();
                warn!(%at, detail, "our own network is down: nothing is judged or restarted");
            }
            Happened::Unjudged {
                profile,
                since,
                detail,
            } => {
                let detail = detail.detail();
                error!(%at, %profile, %since, detail, "the site cannot be judged, by our own doing: an outage of it would not be seen; mend what is in the way on this machine");
            }
            Happened::JudgedAgain { profile, since, .. } => {
                info!(%at, %profile, %since, "the site is judged again");
            }
            Happened::NetworkBack { since, .. } => info!(%at, %since, "our own network is back"),
            Happened::Damaged { path } if path.is_empty() => {
                error!(%at, "the state is gone, and what was restarted before with it; restarts pause, look who removed it");
            }
            Happened::Damaged { path } => {
                error!(%at, path, "the state was damaged and moved aside; restarts pause, keep the file and look at the disk");
            }
            Happened::Unrecorded => {
                error!(%at, "the state cannot be written: nothing is restarted; look at the disk of the state directory");
            }
            Happened::Recorded => info!(%at, "the state is written again"),
            Happened::Heartbeat { silence: None } => {
                info!(%at, "the outside watcher hears from us again");
            }
            Happened::Heartbeat {
                silence: Some(silence),
            } => {
                warn!(%at, reason = silence.phrase(), "the outside watcher does not hear from us");
            }
        }
    }
}

fn word(cause: Option<Cause>) -> Option<&'static str> {
    cause.map(Cause::word)
}

fn restart_ended(
    at: Timestamp,
    host: &HostName,
    attempt: &Attempt,
    counts_from: Option<Timestamp>,
) {
    let id = attempt.id;
    let number = attempt.number;
    let counts_from = counts_from.map(tracing::field::display);
    let Some(report) = &attempt.report else {
        warn!(%at, %host, attempt = %id, number, outcome = "unknown", counts_from, "restart ended unseen");
        return;
    };
    let outcome = report.outcome.word();
    let exit_status = report.exit_status;
    let duration_ms = u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX);
    let reason = report.reason.as_ref().map(tracing::field::display);
    match report.outcome {
        RecoveryOutcome::Succeeded => {
            info!(%at, %host, attempt = %id, number, outcome, exit_status, duration_ms, counts_from, "restart ended");
        }
        RecoveryOutcome::Failed
        | RecoveryOutcome::TimedOut
        | RecoveryOutcome::NotExecuted
        | RecoveryOutcome::Declined
        | RecoveryOutcome::Unknown => {
            warn!(%at, %host, attempt = %id, number, outcome, exit_status, duration_ms, reason, counts_from, "restart ended");
        }
        RecoveryOutcome::Refused => {
            error!(%at, %host, attempt = %id, number, outcome, reason, "restart refused; a person must repair the login");
        }
    }
}

fn diagnosed(at: Timestamp, host: &HostName, ailment: Option<Ailment>, diagnosis: &Diagnosis) {
    let ailment = ailment.map(Ailment::word);
    match diagnosis {
        Diagnosis::Facts(_) => info!(%at, %host, ailment, "looked at the host"),
        Diagnosis::NotIn { reason, .. } => {
            warn!(%at, %host, %reason, "the host could not be looked at: nobody got in");
        }
        Diagnosis::Stuck { reason } => {
            warn!(%at, %host, %reason, "the host could not be looked at: it did not come to an end");
        }
        Diagnosis::Unreadable { reason } => {
            warn!(%at, %host, %reason, "the host could not be looked at: what it answered are no facts");
        }
    }
}

fn held(at: Timestamp, host: &HostName, hold: &Hold) {
    let reason = hold.word();
    let until = hold.until().map(tracing::field::display);
    if hold.is_told() {
        warn!(%at, %host, reason, until, "not restarted");
    } else {
        info!(%at, %host, reason, until, "not restarted");
    }
}

fn delivered(at: Timestamp, entry: EntryId, event: EventKind, to: &str, delivery: &Delivery) {
    let event = event.word();
    match delivery {
        Delivery::Sent { relay } => debug!(%at, %entry, event, to, relay, "message sent"),
        Delivery::Deferred { reason, .. } => {
            warn!(%at, %entry, event, to, reason, "message not taken yet; it is tried again");
        }
        Delivery::Unclear { reason } => {
            warn!(%at, %entry, event, to, reason, "message may have arrived; the same is sent again");
        }
        Delivery::Rejected { reason } => {
            error!(%at, %entry, event, to, reason, "message refused for good; check the address and the relay");
        }
    }
}
