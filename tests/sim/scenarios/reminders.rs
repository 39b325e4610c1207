//! Stories of outages that last: people are reminded ever more rarely, and not at all once they have said that they know.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{Cause, EventKind, Pause};

use super::super::setup::{email, profile, secs, settings};
use super::super::world::{BEGIN, Fact, World};

const HOUR: Duration = Duration::from_secs(3600);

/// A site that nothing restarts, down for good; a reminder every four hours at first.
fn down_for_good() -> World {
    let mut settings = settings(&["shop"]);
    let mut mail = email();
    mail.reminder_interval = Some(4 * HOUR);
    settings.email = Some(Arc::new(mail));
    let mut world = World::new(settings);
    world.sites.insert(profile("shop"), Some(Cause::Refused));
    world
}

/// Whole hours after the beginning at which people were reminded.
fn reminded(world: &World) -> Vec<i64> {
    let mails = world.facts.iter().filter_map(|(at, fact)| match fact {
        Fact::Mailed { entry, taken: true } => Some((at, entry.notification.event)),
        _ => None,
    });
    mails
        .filter(|(_, event)| *event == EventKind::Reminder)
        .map(|(at, _)| (at - BEGIN) / 3_600_000)
        .collect()
}

#[test]
fn reminders_grow_rare_up_to_one_a_day() {
    let mut world = down_for_good();
    world.run_daemon();
    world.go_on(53 * HOUR);
    assert_eq!(reminded(&world), [4, 12, 28, 52]);
}

/// A pause with a reason says that people know; without one it stops acts and no mail.
#[test]
fn who_has_said_that_they_know_is_not_reminded() {
    for (reason, told) in [
        (Some("waiting for a part"), &[4_i64][..]),
        (None, &[4, 12, 28]),
    ] {
        let mut world = down_for_good();
        world.at(5 * HOUR, move |world| {
            let pause = Pause {
                since: None,
                until: None,
                reason: reason.map(str::to_owned),
            };
            world.pauses.insert("shop".to_owned(), pause);
            world.order();
        });
        world.run_daemon();
        world.go_on(30 * HOUR + secs(60));
        assert_eq!(reminded(&world), told, "{reason:?}");
        world.pauses.clear();
        world.order();
        world.go_on(25 * HOUR);
        assert!(
            reminded(&world).len() > told.len(),
            "after the pause people are reminded again"
        );
    }
}
