//! The safety invariants, each by its name, checked over what truly happened in a world. They are written against the
//! facts and from the specification, not from the code that is to keep them.
//!
//! `worlds`: here, over every random world and most scenarios. Other names are tests; `it` and `real` are the other binaries.
//!
//! | id | checked in |
//! |---|---|
//! | S1, S2, S3, S4, S8, S9, S10, S11 | `worlds`: `brakes` (S4 of many hosts: `scenarios::many_hosts_at_once_are_not_restarted`) |
//! | S5, S6, S7, S17, S21, S22 | `worlds`: `evidence` |
//! | S12, S14, S15, S16, S23, S34 | `worlds`: `told` (S34: the ends of what people were told; S16 also `scenarios::crowds`; S14 to the byte: `it::mail::letters::a_retry_repeats_the_same_bytes`) |
//! | what cannot be judged is told | `worlds`: `unjudged`; `scenarios::unjudged` |
//! | a mail's parts agree | every message that is queued in a world: `moment` |
//! | S13 | `worlds`: `lasting`, over what each commit holds |
//! | S18 | `worlds`: `World::reload_equal`; `scenarios::reload_of_an_equal_configuration_changes_nothing` |
//! | S19 | `worlds`: `brakes`, where a host was taken out within the window; `scenarios::removed_and_added_again_gives_no_fresh_budget` |
//! | S20 | `worlds`: `brakes`; `scenarios::ten_profiles_one_host_one_restart` |
//! | S24 | `worlds`: S1, S3, S8 and S9 by true time under clocks that jump and power cuts; `live` for probes |
//! | S25 | `worlds`: `World::decide_all`, every step of one world in 32 and one step in 64 of the others; `decisions` and the transcripts of `scenarios` are stored logs that each process decides anew |
//! | S26 | `worlds`: `people`; `it::store::orders::the_last_look_sees_what_holds_now` |
//! | S27 | `it::cli::cycle::a_dry_run_says_what_it_would_do_and_leaves_nothing_behind`, `it::store::reading` |
//! | S28 | `it::store::doors::the_second_run_is_told_who_holds_the_lock` |
//! | S29, L9 | nothing is shared between machines |
//! | S30 | `it::cli::process`: every test with `hides_secrets` |
//! | S31 | `worlds`: `lasting`, for what is remembered; `it::http::encodings`, `it::http::memory` and `it::ssh::sessions` for what comes from outside |
//! | S32 | `worlds`: `Disk::read`; `it::store::round`, `it::store::damage` |
//! | S33 | `empty` |
//! | L1, L2 | `scenarios::in_time` |
//! | L3, L5 | `worlds`: when the faults are over |
//! | L4 | `worlds`: `live`; `independence` |
//! | L6, L7 | `worlds`: `live` |
//! | L8 | `stuck`; `it::cli::daemon::what_the_service_manager_hears`; `engine::a_panic_in_the_prober_is_unknown_not_down` and its like |

use probe::model::{AttemptId, Happened, HostName, Profile, RecoveryOutcome};

use super::world::{Fact, World};

mod brakes;
mod evidence;
mod lasting;
mod live;
pub mod moment;
mod people;
mod told;
mod unjudged;

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
    let course = course(world, label);
    course.s12_every_incident_is_named();
    course.s34_ends();
    course.s34_restarts();
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
        self.s16_storm();
        self.s34_threads();
        self.s13_no_loss();
        self.s17_windows();
        self.s20_one_brake();
        self.s21_boot_s22_resources();
        self.s21_boot_window_without_facts();
        self.no_warning_twice();
        self.unjudged_is_told();
        self.s23_proof();
        self.s24_clock();
        self.s26_big_red_button();
        self.one_report();
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
            Fact::Noted(Happened::RestartEnded { attempt, .. }) => {
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
