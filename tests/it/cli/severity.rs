//! How bad it is, and how a command ends.

use std::collections::BTreeSet;

use probe::exit::Exit;
use probe::model::{Cause, Delivery, EventKind, Finding, GivenUp, Pause, Stage, Standing};
use probe::render::report::{Severity, severity, url_document, url_severity};
use serde_json::{Value, json};

use super::fixture::{World, good, host, judged, name, now, refused, secs, took_longer};
use super::worlds::well;

#[test]
fn severities() {
    let of = |change: &dyn Fn(&mut World)| {
        let mut world = well();
        change(&mut world);
        severity(&world.settings, &world.fleet, &world.selection())
    };
    let standing = |standing: Standing| {
        of(&|world| world.fleet.profile_mut(&name("shop")).standing = standing)
    };
    assert_eq!(of(&|_| {}), Severity::Ok);
    assert_eq!(standing(Standing::Degraded), Severity::Warning);
    assert_eq!(standing(Standing::Failing), Severity::Critical);
    assert_eq!(standing(Standing::Down), Severity::Critical);
    assert_eq!(standing(Standing::New), Severity::Unknown);
    assert_eq!(
        of(&|world| world.fleet.unwritable = true),
        Severity::Unknown
    );
    assert_eq!(
        of(&|world| world.fleet.core.network.down_since = Some(now())),
        Severity::Unknown
    );
    let quarantine = |until| of(&|world| world.fleet.core.quarantine = Some(until));
    assert_eq!(quarantine(now() + secs(1)), Severity::Unknown);
    assert_eq!(quarantine(now()), Severity::Ok);
    let gave_up = |world: &mut World| {
        world.fleet.host_mut(&host("web1")).stage = Stage::GaveUp {
            since: now(),
            reason: GivenUp::Other(String::new()),
        };
    };
    assert_eq!(of(&gave_up), Severity::Critical);
    let letter = |world: &mut World, rejected: bool, outlived: bool| {
        let id = world.queue(EventKind::Down, "shop", "web1");
        let entry = world.fleet.entry_mut(id).unwrap();
        entry.outlived = outlived;
        entry.last = Some(if rejected {
            Delivery::Rejected {
                reason: String::new(),
            }
        } else {
            Delivery::deferred(String::new())
        });
    };
    // M6: nobody hears of the next outage either; or one message was refused, and a later one taken.
    let unheard = |world: &mut World| letter(world, true, false);
    assert_eq!(of(&unheard), Severity::Critical);
    assert_eq!(of(&|world| letter(world, true, true)), Severity::Warning);
    assert_eq!(of(&|world| letter(world, false, false)), Severity::Ok);
    // A pause does not make what is down any better.
    let paused = |world: &mut World| {
        world
            .fleet
            .pauses
            .insert("all".to_owned(), Pause::default());
        world.fleet.profile_mut(&name("shop")).standing = Standing::Down;
    };
    assert_eq!(of(&paused), Severity::Critical);
    // Only what was asked for counts.
    let mut world = well();
    gave_up(&mut world);
    world.fleet.profile_mut(&name("shop")).standing = Standing::Down;
    let api = BTreeSet::from([name("api")]);
    assert_eq!(severity(&world.settings, &world.fleet, &api), Severity::Ok);
    letter(&mut world, true, true);
    assert_eq!(severity(&world.settings, &world.fleet, &api), Severity::Ok);
    // That nobody can be told concerns every site.
    unheard(&mut world);
    let severity = severity(&world.settings, &world.fleet, &api);
    assert_eq!(severity, Severity::Critical);
}

#[test]
fn urls_are_profiles_named_by_their_host() {
    let checks = [
        good("https://a.example.com/", "192.0.2.1:443"),
        refused("https://b.example.com/", "192.0.2.2:443"),
        judged(
            "https://a.example.com/slow",
            "192.0.2.1:443",
            Cause::Slow,
            took_longer(4, 3),
        ),
    ];
    let document = url_document(&checks, now());
    let seen: Value = serde_json::from_str(&document.to_json()).unwrap();
    let brief = |profile: &Value| {
        json!([
            profile["name"],
            profile["host"],
            profile["state"],
            profile["failures"],
            profile["since"],
            profile["checks"].as_array().unwrap().len()
        ])
    };
    assert_eq!(
        brief(&seen["profiles"][0]),
        json!(["a.example.com", null, "degraded", 0, null, 2])
    );
    assert_eq!(
        brief(&seen["profiles"][1]),
        json!(["b.example.com", null, "failing", 1, null, 1])
    );
    assert_eq!(seen["profiles"][0]["checks"][1]["ok"], json!(true));
    assert_eq!(seen["profiles"][0]["checks"][1]["blame"], json!(null));
    assert_eq!(
        (&seen["status"], &seen["hosts"], &seen["actions"]),
        (&json!("critical"), &json!([]), &json!([]))
    );
    assert_eq!(url_severity(&checks[..1]), Severity::Ok);
    assert_eq!(
        url_severity(&[judged(
            "http://c/",
            "192.0.2.1:80",
            Cause::Monitor,
            Finding::default()
        )]),
        Severity::Unknown
    );
}

#[test]
fn the_worst_exit_wins() {
    let order = [Exit::Ok, Exit::Warning, Exit::Unknown, Exit::Critical];
    for (i, a) in order.into_iter().enumerate() {
        for (j, b) in order.into_iter().enumerate() {
            assert_eq!(a.worst(b), order[i.max(j)]);
        }
    }
    assert_eq!(order.map(Exit::code), [0, 1, 3, 2]);
    assert_eq!([].into_iter().collect::<Exit>(), Exit::Ok);
    assert_eq!(order.into_iter().collect::<Exit>(), Exit::Critical);
    let severities = [
        Severity::Ok,
        Severity::Warning,
        Severity::Unknown,
        Severity::Critical,
    ];
    assert_eq!(severities.map(Exit::from), order);
    assert!(severities.is_sorted());
}
