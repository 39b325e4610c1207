//! Stories of outages that last: people are reminded ever more rarely, and not at all once they have said that they know.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{Ack, Cause, EventKind, Pause};

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

/// Somebody says after five hours that they have it, as `probe ack` does.
fn acknowledge(world: &mut World, hours: Option<u64>) {
    let fleet = world.fleet();
    let wall = fleet.wall(fleet.now());
    let telling = fleet.profiles[&profile("shop")].telling.as_deref();
    let telling = telling.expect("shop is down");
    let until = hours.map(|hours| wall + HOUR * u32::try_from(hours).unwrap());
    let thread = telling.thread.to_string();
    let ack = Ack::of(telling, wall, until, Some("the provider knows".to_owned()));
    world.acks.insert(thread, ack);
    world.say("probe ack shop");
    world.order();
}

#[test]
fn an_outage_that_somebody_has_is_not_reminded_of_until_their_time_is_over() {
    for (hours, told) in [(None, &[4_i64][..]), (Some(9), &[4, 20])] {
        let mut world = down_for_good();
        world.at(5 * HOUR, move |world| acknowledge(world, hours));
        world.run_daemon();
        world.go_on(30 * HOUR + secs(60));
        assert_eq!(reminded(&world), told, "{hours:?}");
    }
}

/// A crash forgets no word of a person, and no new outage is taken for the one they spoke of.
#[test]
fn who_has_one_outage_does_not_have_the_next() {
    let mut world = down_for_good();
    world.at(5 * HOUR, |world| acknowledge(world, None));
    world.at(6 * HOUR, World::crash);
    world.at(6 * HOUR + secs(30), World::run_daemon);
    world.at(20 * HOUR, |world| {
        world.sites.insert(profile("shop"), None);
    });
    world.at(21 * HOUR, |world| {
        world.sites.insert(profile("shop"), Some(Cause::Refused));
    });
    world.run_daemon();
    world.go_on(26 * HOUR);
    assert_eq!(reminded(&world), [4, 25]);
}

/// Another cause is another matter.
#[test]
fn what_somebody_has_is_told_again_when_it_changes() {
    let mut world = down_for_good();
    world.at(5 * HOUR, |world| acknowledge(world, None));
    world.at(13 * HOUR, |world| {
        world.sites.insert(profile("shop"), Some(Cause::Dns));
    });
    world.run_daemon();
    world.go_on(29 * HOUR);
    let told = reminded(&world);
    assert_eq!(told.first(), Some(&4));
    assert!(
        told.len() > 1 && told[1..].iter().all(|hour| *hour >= 13),
        "{told:?}"
    );
}
