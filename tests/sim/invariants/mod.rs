//! The safety invariants, each by its name, checked over what truly happened in a world. They are written against the
//! facts and from the specification, not from the code that is to keep them.
//!
//! TABLE

use probe::model::{AttemptId, HostName, Note, Profile, RecoveryOutcome};

use super::world::{Fact, World};

mod brakes;
mod evidence;
mod lasting;
mod live;
mod people;
mod told;

use evidence::Seen;

/// One order to restart and what became of it.
struct Attempt {
    id: AttemptId,
    host: HostName,
    /// When it was decided.
    ordered: i64,
    number: u32,
    /// When the prober took it to have ended, and how.
    ended: Option<(i64, RecoveryOutcome)>,
}

struct Course<'a> {
    world: &'a World,
    label: &'a str,
    facts: Vec<(i64, &'a Fact)>,
    attempts: Vec<Attempt>,
    seen: Seen<'a>,
}

/// Checks that everything was told; true only once all mail has left.
pub fn check_told(world: &World, label: &str) {
    course(world, label).s12_every_incident_is_named();
}

/// Checks S1 alone.
pub fn check_budget(world: &World, label: &str) {
    course(world, label).s1_budget_s19_memory();
}

/// Checks every invariant.
pub fn check(world: &World, label: &str) {
    let course = course(world, label);
    course.all();
}

fn course<'a>(world: &'a World, label: &'a str) -> Course<'a> {
    let mut facts: Vec<(i64, &Fact)> = world.facts.iter().map(|(t, fact)| (*t, fact)).collect();
    facts.sort_by_key(|(t, _)| *t);
    let mut attempts = attempts(&facts);
    // An attempt whose answer never came ends at its deadline, whenever somebody notices.
    for attempt in &mut attempts {
        let limit = world
            .settings
            .hosts
            .get(&attempt.host)
            .map_or(0, |host| host.restart.timeout.as_millis() as i64 + 35_000);
        attempt.ended = attempt
            .ended
            .map(|(end, outcome)| (end.min(attempt.ordered + limit), outcome));
    }
    let seen = Seen::of(world, &facts);
    Course {
        world,
        label,
        seen,
        facts,
        attempts,
    }
}

impl Course<'_> {
    fn all(&self) {
        self.s1_budget_s19_memory();
        self.s2_write_ahead();
        self.s3_no_overlap_s4_one_at_a_time();
        self.s5_canary_s6_evidence_s7_class();
        self.s8_floor_s9_backoff();
        self.s10_reset();
        self.s11_give_up();
        self.s12_pairing_s14_identity_s15_duplicates();
        self.s13_no_loss();
        self.s17_windows();
        self.s20_one_brake();
        self.s21_boot_s22_resources();
        self.no_warning_twice();
        self.s23_proof();
        self.s24_clock();
        self.s26_big_red_button();
        self.s31_bounds();
        self.l4_independence_l6_never_blind();
        self.l7_resume();
    }
}

fn attempts(facts: &[(i64, &Fact)]) -> Vec<Attempt> {
    let mut found: Vec<Attempt> = Vec::new();
    for (t, fact) in facts {
        match fact {
            Fact::Ordered {
                order,
                attempts,
                decided,
                ..
            } => found.push(Attempt {
                id: order.attempt,
                host: order.host.clone(),
                ordered: *decided,
                number: *attempts,
                ended: None,
            }),
            Fact::Noted(Note::RestartEnded { attempt, .. }) => {
                // The last word counts: an earlier one may have died with the process that noted it.
                if let Some(known) = found.iter_mut().find(|known| known.id == attempt.id) {
                    let outcome = attempt
                        .report
                        .as_ref()
                        .map_or(RecoveryOutcome::Unknown, |report| report.outcome);
                    known.ended = Some((*t, outcome));
                }
            }
            _ => {}
        }
    }
    found
}

impl Course<'_> {
    fn fail(&self, t: i64, what: &str) -> ! {
        panic!(
            "{what} [{}] at +{} s\n{}",
            self.label,
            (t - super::world::BEGIN) / 1000,
            super::story::transcript(self.world)
        )
    }

    /// What happened from one instant to another, both included.
    fn between(&self, from: i64, to: i64) -> &[(i64, &Fact)] {
        let first = self.facts.partition_point(|(t, _)| *t < from);
        let last = self.facts.partition_point(|(t, _)| *t <= to);
        self.facts.get(first..last).unwrap_or_default()
    }

    fn begun(&self) -> Vec<(i64, &HostName)> {
        let begun = |(t, fact): &(i64, &Fact)| match fact {
            Fact::RestartBegan { host } => Some((*t, host.clone())),
            _ => None,
        };
        let list: Vec<(i64, HostName)> = self.facts.iter().filter_map(begun).collect();
        list.into_iter()
            .filter_map(|(t, name)| Some((t, self.world.machines.get_key_value(&name)?.0)))
            .collect()
    }
}

/// The longest that a probe takes, in milliseconds: four URLs at a time.
fn longest(profile: &Profile) -> i64 {
    (profile.timeout * profile.urls.len().div_ceil(4) as u32).as_millis() as i64
}
