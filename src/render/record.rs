//! What a run did and told, gathered from its notes: the `actions` and `notifications` of the JSON document and of the
//! terminal's last lines.
//!
//! An action is a restart that ended, or one that was due and that a hold refused. A hold that is only a step of the way
//! (not confirmed yet, a canary being asked, a restart under way or settling) is no action. The same refusal of one host is
//! recorded once until something else happens there. What a dry run would have restarted is an action that was not executed,
//! for the reason `dry_run`. A message is recorded once; a later try replaces how it went.

use std::collections::BTreeMap;

use serde::Serialize;

use super::explain::hold_phrase;
use super::words::Voice;
use crate::model::{
    Attempt, Delivery, EntryId, Fleet, Happened, Hold, HostName, Notification, RecoverOrder,
    RecoveryOutcome, Settings, Timestamp,
};

/// One restart, or one that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// On which host.
    pub host: HostName,
    /// From 1, since the host was last proven healthy.
    pub attempt: u32,
    /// `restart`.
    pub kind: &'static str,
    /// The command; for a refused one, the command that would have been sent.
    pub command: String,
    /// How it ended.
    pub outcome: RecoveryOutcome,
    /// Of the remote command, when it was seen.
    pub exit_status: Option<i32>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Why: the hold's word of one that was refused, or the report's own reason.
    pub reason: Option<String>,
    /// What the command wrote.
    pub output: Option<String>,
    /// When it was ordered, on the wall clock; `None` for a refused one.
    #[serde(skip)]
    pub began: Option<Timestamp>,
    /// The hold that refused it, in a few words; `None` for one that was made.
    #[serde(skip)]
    pub held_for: Option<String>,
}

impl Action {
    /// A restart that ended. Without a report its end was not seen.
    #[must_use]
    pub fn ended(host: &HostName, attempt: &Attempt) -> Self {
        let report = attempt.report.as_ref();
        Self {
            host: host.clone(),
            attempt: attempt.number,
            kind: "restart",
            command: attempt.command.clone(),
            outcome: report.map_or(RecoveryOutcome::Unknown, |report| report.outcome),
            exit_status: report.and_then(|report| report.exit_status),
            duration_ms: report
                .map(|report| u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX)),
            reason: report.and_then(|report| report.reason.as_ref().map(ToString::to_string)),
            output: report.map(|report| report.output.clone()),
            began: Some(attempt.began),
            held_for: None,
        }
    }

    /// A restart that a dry run would have ordered.
    fn rehearsed(order: &RecoverOrder, fleet: &Fleet) -> Self {
        let last = fleet.hosts.get(&order.host).and_then(|t| t.last.as_ref());
        Self {
            host: order.host.clone(),
            attempt: last.map_or(1, |attempt| attempt.number),
            kind: "restart",
            command: order.rung.to_string(),
            outcome: RecoveryOutcome::NotExecuted,
            exit_status: None,
            duration_ms: None,
            reason: Some("dry_run".to_owned()),
            output: None,
            began: last.map(|attempt| attempt.began),
            held_for: None,
        }
    }

    fn held(settings: &Settings, fleet: &Fleet, host: &HostName, hold: &Hold) -> Self {
        let attempt = fleet.hosts.get(host).map_or(0, |track| track.attempts) + 1;
        let command = settings
            .hosts
            .get(host)
            .map_or_else(String::new, |host| host.restart.rung(attempt).to_string());
        Self {
            host: host.clone(),
            attempt,
            kind: "restart",
            command,
            outcome: RecoveryOutcome::Refused,
            exit_status: None,
            duration_ms: None,
            reason: Some(hold.word().to_owned()),
            output: None,
            began: None,
            held_for: Some(hold_phrase(&Voice::english(), hold)),
        }
    }

    /// Whether a hold of ours refused it, rather than the host.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held_for.is_some()
    }
}

/// How a message went, in the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Went {
    /// A relay took it.
    Sent,
    /// It waits for another try.
    Queued,
    /// Refused for good.
    Rejected,
}

impl From<&Delivery> for Went {
    fn from(delivery: &Delivery) -> Self {
        match delivery {
            Delivery::Sent { .. } => Self::Sent,
            Delivery::Deferred { .. } | Delivery::Unclear { .. } => Self::Queued,
            Delivery::Rejected { .. } => Self::Rejected,
        }
    }
}

/// One message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What.
    pub event: &'static str,
    /// Of which incident.
    pub incident: Option<String>,
    /// Its subject.
    pub subject: String,
    /// To whom.
    pub to: String,
    /// How it went.
    pub delivery: Went,
    /// Why it was not taken.
    #[serde(skip)]
    pub reason: Option<String>,
}

impl Told {
    fn say(&mut self, delivery: &Delivery) {
        self.delivery = Went::from(delivery);
        self.reason = match delivery {
            Delivery::Sent { .. } => None,
            Delivery::Deferred { reason, .. }
            | Delivery::Unclear { reason }
            | Delivery::Rejected { reason } => Some(reason.clone()),
        };
    }
}

/// The messages that wait or were refused, oldest first, for `status`.
#[must_use]
pub fn waiting(fleet: &Fleet, subject: impl Fn(&Notification) -> String) -> Vec<Told> {
    fleet
        .outbox
        .values()
        .map(|entry| {
            let mut told = Told {
                event: entry.notification.event.word(),
                incident: entry
                    .notification
                    .incident
                    .as_ref()
                    .map(ToString::to_string),
                subject: if entry.is_unreadable() {
                    "a message that was waiting".to_owned()
                } else {
                    subject(&entry.notification)
                },
                to: entry.to.clone(),
                delivery: Went::Queued,
                reason: None,
            };
            if let Some(last) = &entry.last {
                told.say(last);
            }
            told
        })
        .collect()
}

/// What one run did and told.
#[derive(Debug, Clone, Default)]
pub struct Record {
    actions: Vec<Action>,
    /// Messages that were queued or tried in this run.
    told: BTreeMap<EntryId, Told>,
    /// Messages of earlier runs, whose subject is needed should they go out in this one.
    earlier: BTreeMap<EntryId, Told>,
}

impl Record {
    /// Begins a run, with what earlier ones left in the outbox.
    #[must_use]
    pub fn new(fleet: &Fleet, subject: impl Fn(&Notification) -> String) -> Self {
        Self {
            earlier: fleet
                .outbox
                .keys()
                .copied()
                .zip(waiting(fleet, subject))
                .collect(),
            ..Self::default()
        }
    }

    /// Takes in a note; `fleet` is as the decision that made it left it.
    pub fn note(
        &mut self,
        note: &Happened,
        settings: &Settings,
        fleet: &Fleet,
        subject: impl Fn(&Notification) -> String,
    ) {
        match note {
            Happened::RestartEnded { host, attempt, .. } => {
                self.actions.push(Action::ended(host, attempt));
            }
            Happened::Held { host, hold, .. } if !hold.is_step() => {
                let action = Action::held(settings, fleet, host, hold);
                if self.actions.iter().rfind(|known| known.host == *host) != Some(&action) {
                    self.actions.push(action);
                }
            }
            Happened::Queued { entry, event, to } => {
                let notification = fleet.outbox.get(entry).map(|entry| &entry.notification);
                let told = Told {
                    event: event.word(),
                    incident: notification
                        .and_then(|n| n.incident.as_ref())
                        .map(ToString::to_string),
                    subject: notification.map_or_else(|| event.word().to_owned(), subject),
                    to: to.clone(),
                    delivery: Went::Queued,
                    reason: None,
                };
                self.told.insert(*entry, told);
            }
            Happened::Merged { entry, .. } => {
                self.told.remove(entry);
                self.earlier.remove(entry);
            }
            Happened::Delivered {
                entry,
                event,
                to,
                delivery,
            } => {
                let earlier = self.earlier.remove(entry);
                let told = self.told.entry(*entry).or_insert_with(|| {
                    earlier.unwrap_or_else(|| Told {
                        event: event.word(),
                        incident: None,
                        subject: event.word().to_owned(),
                        to: to.clone(),
                        delivery: Went::Queued,
                        reason: None,
                    })
                });
                told.say(delivery);
            }
            Happened::Held { .. }
            | Happened::Judged { .. }
            | Happened::Skipped { .. }
            | Happened::Changed { .. }
            | Happened::Opened { .. }
            | Happened::Closed { .. }
            | Happened::Diagnosed { .. }
            | Happened::RestartBegan { .. }
            | Happened::GaveUp { .. }
            | Happened::Rearmed { .. }
            | Happened::Unjudged { .. }
            | Happened::JudgedAgain { .. }
            | Happened::NetworkDown { .. }
            | Happened::NetworkBack { .. }
            | Happened::Damaged { .. }
            | Happened::Heartbeat { .. }
            | Happened::Unrecorded
            | Happened::Recorded => {}
        }
    }

    /// Takes in what a dry run would have done; `fleet` is as it ended.
    pub fn rehearse(&mut self, would: &[RecoverOrder], fleet: &Fleet) {
        let would = would.iter().map(|order| Action::rehearsed(order, fleet));
        self.actions.extend(would);
    }

    /// What was done or refused, in order.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// What was told, in the order of the events.
    pub fn told(&self) -> impl Iterator<Item = &Told> {
        self.told.values()
    }

    /// A message's subject, once it was queued.
    #[must_use]
    pub fn subject(&self, entry: EntryId) -> Option<&str> {
        self.told
            .get(&entry)
            .or_else(|| self.earlier.get(&entry))
            .map(|told| told.subject.as_str())
    }
}
