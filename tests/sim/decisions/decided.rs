//! What is decided in a situation, in words.

use std::fmt::Write as _;
use std::time::Duration;

use probe::model::{BootId, Effect, Event, Next, Now, ProfileName};
use probe::policy;
use probe::render::explain;
use probe::render::words::Voice;

use super::situation::{NOW, Situation};

impl Situation {
    pub(super) fn decide(self) -> String {
        let now = Now {
            wall: NOW,
            boot: BootId("boot-1".into()),
            since_boot: Duration::ZERO,
        };
        let before: Vec<_> = self.fleet.outbox.keys().copied().collect();
        let decision = policy::step(&self.settings, self.fleet, Event::Ticked, &now);
        let mut text = String::new();
        for (name, track) in &decision.fleet.hosts {
            if let Some(hold) = &track.hold {
                let sentence = explain::hold(&Voice::english(), hold, name.as_str(), |at| {
                    decision.fleet.wall(at)
                });
                writeln!(text, "{name}: {}: {sentence}", hold.word()).unwrap();
            } else {
                writeln!(text, "{name}: nothing holds it").unwrap();
            }
        }
        for effect in &decision.effects {
            match effect {
                Effect::Recover(order) => {
                    let last = decision.fleet.hosts[&order.host].last.as_ref();
                    let ailment = last.and_then(|attempt| attempt.ailment);
                    let ailment = ailment.map_or_else(String::new, |a| format!(" ({})", a.word()));
                    writeln!(text, "restart {}: {}{ailment}", order.host, order.rung).unwrap();
                }
                Effect::ProbeCanary { .. } => writeln!(text, "ask the canaries").unwrap(),
                Effect::Probe { profile, .. } => writeln!(text, "probe {profile}").unwrap(),
                Effect::ProbeAsBrowser { profile, .. } => {
                    writeln!(text, "probe {profile} as a browser").unwrap();
                }
                Effect::Reach { host, .. } => writeln!(text, "reach {host}").unwrap(),
                Effect::Diagnose { host, .. } => writeln!(text, "look at {host}").unwrap(),
                Effect::Notify(_) | Effect::Beat => {}
            }
        }
        let told = decision.fleet.outbox.values();
        for entry in told.filter(|entry| !before.contains(&entry.id)) {
            let note = &entry.notification;
            let next = match &note.next {
                Next::Restart { number, of, .. } => format!(", restart {number} of {of} begins"),
                Next::Held(hold) => format!(", held: {}", hold.word()),
                Next::Prove { .. } => ", the probes decide".into(),
                Next::WatchOnly => ", watched only".into(),
                Next::Nothing => String::new(),
            };
            let name = note.profile.as_ref().map_or("-", ProfileName::as_str);
            writeln!(text, "mail {} {name}{next}", note.event.word()).unwrap();
        }
        if decision.durable {
            writeln!(text, "durable first").unwrap();
        }
        text
    }
}
