//! Stories in which people work on a site.

use probe::model::{Cause, EventKind, Window};

use super::super::setup::{each_profile, host, profile, secs, settings};
use super::super::world::{Heals, World};
use super::{MINUTE, compare};

/// 06:10 to 06:30; the stories begin at 05:59.
fn at_work() -> World {
    let mut settings = settings(&["shop@web1", "blog@web1"]);
    let window = Window::try_new("10 15 * * *", 20 * MINUTE, "Asia/Tokyo").unwrap();
    each_profile(&mut settings, |site| {
        if site.name == profile("shop") {
            site.maintenance = vec![window.clone()];
        }
    });
    World::new(settings)
}

/// What is mended before the window ends nobody hears of; what is not needs three fresh failures first.
#[test]
fn a_window_stops_acts_and_mails_not_watching() {
    let mut world = at_work();
    world.at(13 * MINUTE, |world| {
        world.say("people stop nginx on web1, in the window of shop");
        world.ill("web1", Some(Cause::Refused));
    });
    world.at(20 * MINUTE, |world| {
        world.say("they start it again");
        world.ill("web1", None);
    });
    world.at(25 * MINUTE, |world| {
        world.say("they stop it once more, and forget it");
        world.ill("web1", Some(Cause::Refused));
    });
    world.run_daemon();
    world.go_on(31 * MINUTE + secs(10));
    assert_eq!(world.restarts("web1"), 0, "three fresh failures first");
    world.go_on(20 * MINUTE);
    assert_eq!(world.restarts("web1"), 1);
    compare("maintenance-window", &world);
}

/// An outage people know of is told as over in the window, too; reminders wait for its end.
#[test]
fn an_outage_that_runs_into_a_window_is_told_to_its_end() {
    let mut world = at_work();
    world.machines.get_mut(&host("web1")).unwrap().heals = Heals::No;
    world.at(8 * MINUTE, |world| {
        world.say("nginx on web1 stops just before the window");
        world.ill("web1", Some(Cause::Refused));
    });
    world.at(20 * MINUTE, |world| {
        world.say("people mend it in the window");
        world.ill("web1", None);
    });
    world.run_daemon();
    world.go_on(60 * MINUTE);
    let ups: Vec<usize> = world
        .mails()
        .iter()
        .filter(|entry| entry.notification.event == EventKind::Up)
        .map(|entry| entry.notification.sites.len())
        .collect();
    assert_eq!(ups, [2], "one mail tells of both sites");
    compare("outage-into-a-window", &world);
}
