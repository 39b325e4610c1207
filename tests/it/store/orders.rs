//! Orders of people: given without a lock, seen at once, and on the safe side when they cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;

use probe::adapters::store::{
    StateStore, StoreError, acknowledge, drilled, is_paused_now, pause, pauses, read_only, resume,
};

use super::*;

fn read(store: &mut StateStore) -> Orders {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.orders())
}

fn named(name: &str) -> Target {
    Target::Named(name.to_owned())
}

fn until(until: i64) -> Pause {
    Pause {
        since: Some(WALL),
        until: Some(Timestamp(until)),
        reason: Some("disk change".to_owned()),
    }
}

#[test]
fn a_running_store_sees_each_order_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    assert_eq!(read(&mut store), Orders::default());

    pause(dir.path(), &Target::All, &Pause::default()).unwrap();
    pause(dir.path(), &named("web1"), &until(10)).unwrap();
    let orders = read(&mut store);
    assert_eq!(orders.pauses["all"], Pause::default());
    assert_eq!(orders.pauses["web1"], until(10));
    assert_eq!(orders, read(&mut store));
    assert_eq!(read_only(dir.path()).unwrap().pauses, orders.pauses);
    assert_eq!(read_only(dir.path()).unwrap().fleet.pauses, orders.pauses);

    // Replaced within the same tick of the kernel's clock, and rewritten in place.
    for round in 0..200 {
        pause(dir.path(), &named("web1"), &until(round)).unwrap();
        assert_eq!(read(&mut store).pauses["web1"], until(round));
    }
    fs::write(dir.path().join("pause/web1"), "{}").unwrap();
    assert_eq!(read(&mut store).pauses["web1"], Pause::default());

    resume(dir.path(), &named("web1")).unwrap();
    resume(dir.path(), &named("never-paused")).unwrap();
    let orders = read(&mut store);
    assert_eq!(orders.pauses.keys().collect::<Vec<_>>(), ["all"]);
    assert_eq!(
        orders.rearm.iter().collect::<Vec<_>>(),
        ["never-paused", "web1"]
    );

    let carried_out = Orders {
        rearm: ["web1".to_owned(), "../state.db".to_owned()].into(),
        ..Orders::default()
    };
    store.rearmed(&carried_out);
    assert_eq!(
        read(&mut store).rearm.iter().collect::<Vec<_>>(),
        ["never-paused"]
    );
    assert!(dir.path().join("state.db").exists());
}

#[test]
fn all_is_every_pause_there_is() {
    let dir = tempfile::tempdir().unwrap();
    resume(dir.path(), &Target::All).unwrap();
    for target in [Target::All, named("web1"), named("shop")] {
        pause(dir.path(), &target, &until(10)).unwrap();
    }
    // Nobody reads so many, and they are taken away all the same.
    for n in 0..10_001 {
        fs::write(dir.path().join(format!("pause/x{n}")), "").unwrap();
    }
    assert!(pauses(dir.path()).contains_key("all"));
    resume(dir.path(), &Target::All).unwrap();
    assert_eq!(names(&dir.path().join("pause")), [""; 0]);
    assert!(pauses(dir.path()).is_empty());
    assert_eq!(names(&dir.path().join("rearm")), ["all"]);
}

#[test]
fn what_cannot_be_read_is_a_pause_without_end() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pause");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    fs::write(folder.join("garbage"), "until tomorrow").unwrap();
    fs::write(folder.join("bytes"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(folder.join("wrong"), r#"{"until":"tomorrow"}"#).unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    symlink("/nowhere", folder.join("link")).unwrap();
    fs::write(folder.join(".draft.1"), "").unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let pauses = read(&mut store).pauses;
    let all = ["bytes", "empty", "folder", "garbage", "link", "wrong"];
    assert_eq!(pauses.keys().collect::<Vec<_>>(), all);
    for name in all {
        assert_eq!(pauses[name].until, None, "{name}");
        assert!(is_paused_now(dir.path(), &[name], WALL), "{name}");
    }
    assert_eq!(pauses["empty"], Pause::default());
    let reason = pauses["garbage"].reason.clone().unwrap();
    assert!(
        reason.ends_with("pause/garbage is not an order of probe"),
        "{reason}"
    );

    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(read(&mut store), Orders::default());
    fs::write(&folder, "not a directory").unwrap();
    assert!(read(&mut store).pauses.contains_key("all"));
    assert!(is_paused_now(dir.path(), &["web1"], WALL));
}

#[test]
fn the_last_look_sees_what_holds_now() {
    let dir = tempfile::tempdir().unwrap();
    let look = |names: &[&str], wall| is_paused_now(dir.path(), names, Timestamp(wall));
    assert!(!look(&["shop", "web1"], 0));
    pause(dir.path(), &named("web1"), &until(100)).unwrap();
    assert!(look(&["shop", "web1"], 99));
    assert!(!look(&["shop", "web1"], 100), "over");
    assert!(!look(&["shop", "web2"], 99), "another");
    pause(dir.path(), &Target::All, &until(50)).unwrap();
    assert!(look(&["web2"], 49));
    assert!(look(&[], 49));
    assert!(!look(&["web2"], 50));
    // Over, and still listed: whether it is over is a rule.
    assert_eq!(read_only(dir.path()).unwrap().pauses.len(), 2);
}

#[test]
fn no_order_leaves_the_directory() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("state");
    for name in ["", ".", "..", "../x", "a/b", "/etc/x", ".hidden", "a\0b"] {
        let target = named(name);
        let refused = pause(&dir, &target, &Pause::default()).unwrap_err();
        assert!(
            matches!(refused, StoreError::Target { .. }),
            "{name:?}: {refused}"
        );
        assert!(resume(&dir, &target).is_err(), "{name:?}");
    }
    assert_eq!(names(root.path()), [""; 0]);
    pause(&dir, &named("a.b"), &Pause::default()).unwrap();
    assert_eq!(names(&dir.join("pause")), ["a.b"]);
}

#[test]
fn a_pause_reaches_a_daemon_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give files away; without it there is one user, and this is how its files look.
        let dir = tempfile::tempdir().unwrap();
        pause(dir.path(), &Target::All, &Pause::default()).unwrap();
        assert_eq!(names(&dir.path().join("pause")), ["all"]);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(dir.path(), Some(65_534), Some(65_534)).unwrap();
    pause(dir.path(), &Target::All, &until(5)).unwrap();
    resume(dir.path(), &named("web1")).unwrap();
    for made in ["pause", "pause/all", "rearm", "rearm/web1"] {
        let owner =
            std::os::unix::fs::MetadataExt::uid(&fs::metadata(dir.path().join(made)).unwrap());
        assert_eq!(owner, 65_534, "{made}");
    }
}

#[test]
fn a_drill_is_noted_and_a_failed_one_keeps_when_it_last_went_well() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let web1 = probe::model::HostName::try_new("web1").unwrap();
    let note = |host, at, well| drilled(dir.path(), host, Timestamp(at), well).unwrap();
    note(Some(&web1), 5_000, true);
    note(None, 6_000, false);
    let drills = read(&mut store).drills;
    let (host, mail) = (drills.hosts["web1"], drills.mail.unwrap());
    assert_eq!((host.at, host.well), (Timestamp(5_000), true));
    assert_eq!(host.succeeded, Some(Timestamp(5_000)));
    assert_eq!((mail.well, mail.succeeded), (false, None));
    note(Some(&web1), 9_000, false);
    let host = read(&mut store).drills.hosts["web1"];
    assert_eq!((host.at, host.well), (Timestamp(9_000), false));
    assert_eq!(host.succeeded, Some(Timestamp(5_000)));
    let seen = read_only(dir.path()).unwrap().fleet.drills;
    assert_eq!(seen, read(&mut store).drills, "read beside a run as well");
    // What is no note is none, and the next drill writes it anew.
    fs::write(dir.path().join("drill/web1"), "\u{0}nonsense").unwrap();
    assert!(read(&mut store).drills.hosts.is_empty());
    note(Some(&web1), 11_000, true);
    assert!(read(&mut store).drills.hosts["web1"].well);
}

#[test]
fn what_somebody_has_is_known_while_its_thread_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).into_store().unwrap();
    let ack = Ack {
        at: WALL,
        until: None,
        reason: Some("Hanako is on it".to_owned()),
        cause: Cause::Refused,
        gave_up: false,
    };
    let thread = |site| IncidentId::new(site, "20261122T055941Z");
    let (shop, blog) = (thread("shop"), thread("blog"));
    let both = BTreeSet::from([shop.clone(), blog.clone()]);
    let of = |thread: &IncidentId| BTreeMap::from([(thread.clone(), ack.clone())]);
    acknowledge(dir.path(), &of(&shop), &both).unwrap();
    assert_eq!(read(&mut store).acks[shop.as_str()], ack);
    assert_eq!(
        read_only(dir.path()).unwrap().fleet.acks,
        read(&mut store).acks
    );

    // The first is over when the second is said.
    acknowledge(dir.path(), &of(&blog), &BTreeSet::from([blog.clone()])).unwrap();
    let known = read(&mut store).acks;
    assert_eq!(known.keys().collect::<Vec<_>>(), [blog.as_str()]);

    // What cannot be read keeps nobody from being reminded.
    fs::write(dir.path().join("ack").join(blog.as_str()), "{").unwrap();
    assert!(read(&mut store).acks.is_empty());
}
