//! `alerts.command` from the outside: what the program hears of a whole incident, whatever befalls it or us.

use std::fs;

use serde_json::Value;

use super::ground::{Ground, eventually};

/// Appends what it hears to `heard`, then does as the file `then` says.
fn configure(ground: &Ground, host: &str) {
    let program = ground.path("notify");
    let at = program.parent().unwrap().display().to_string();
    let script = format!("cat >> {at}/heard; [ ! -e {at}/then ] || . {at}/then");
    fs::write(&program, script).unwrap();
    let yaml = ground.yaml(host, None);
    ground.configure(&format!(
        "{yaml}alerts: {{command: [/bin/sh, \"{}\"]}}\n",
        program.display()
    ));
}

fn heard(ground: &Ground) -> Vec<Value> {
    let text = ground.text("heard");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn events(ground: &Ground) -> Vec<String> {
    let heard = heard(ground);
    let words = heard.iter().map(|one| one["event"].as_str().unwrap());
    words.map(str::to_owned).collect()
}

/// The wait before another try is over.
fn wait_is_over(ground: &Ground) {
    ground.remembered(|fleet| {
        let now = fleet.now();
        for id in fleet.outbox.keys().copied().collect::<Vec<_>>() {
            fleet.entry_mut(id).unwrap().due = now;
        }
    });
}

#[test]
fn it_hears_a_whole_incident() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    configure(&ground, &ground.host(&sshd, &ground.cure()));
    ground.falls();
    let answer = ground.probe(&["once", "--json"]);
    answer.expect(0, &[]);
    let told = &answer.json()["notifications"];
    assert_eq!(told.as_array().unwrap().len(), 3, "{told:#}");
    assert_eq!(told[0]["to"], "/bin/sh");
    assert_eq!(told[0]["delivery"], "sent");
    assert_eq!(events(&ground), ["down", "restarted", "up"]);
    let heard = heard(&ground);
    assert!(
        heard
            .iter()
            .all(|one| one["incident"] == heard[0]["incident"])
    );
    assert_eq!(heard[0]["next"]["kind"], "restart");
    assert_eq!(heard[2]["attempts"][0]["outcome"], "succeeded");
}

#[test]
fn it_fails_twice_and_hears_all_in_order() {
    let ground = Ground::start();
    configure(&ground, "");
    fs::write(ground.path("then"), "echo the chat is away; exit 1").unwrap();
    ground.site.set(false);
    ground.probe(&["once"]).expect(2, &["1 mail queued"]);
    let status = ground.probe(&["status"]);
    status.expect(2, &["[DOWN] shop"]);
    ground.site.set(true);
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]);
    assert_eq!(
        events(&ground),
        ["down", "down"],
        "the end waits behind the beginning"
    );
    fs::remove_file(ground.path("then")).unwrap();
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]).expect(0, &[]);
    assert_eq!(events(&ground), ["down", "down", "down", "up"]);
    let heard = heard(&ground);
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
}

#[test]
fn we_are_killed_while_it_runs_and_it_hears_the_same_again() {
    let ground = Ground::start();
    configure(&ground, "");
    // It outlives us, and ends with the file.
    let then = ground.path("then").display().to_string();
    let script = format!("while [ -e {then} ]; do sleep 0.1; done");
    fs::write(ground.path("then"), script).unwrap();
    ground.site.set(false);
    let daemon = ground.begin(&mut ground.command(&["run"]));
    eventually("it hears", || (heard(&ground).len() == 1).then_some(()));
    daemon.signal("KILL");
    daemon.end();
    fs::remove_file(ground.path("then")).unwrap();
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]).expect(2, &[]);
    let heard = heard(&ground);
    assert_eq!(events(&ground), ["down", "down"]);
    assert_eq!(heard[0], heard[1]);
    assert!(heard[0]["id"].as_str().unwrap().ends_with(".down.0"));
}

#[test]
fn a_refusal_for_good_is_kept_for_people_to_see() {
    let ground = Ground::start();
    configure(&ground, "");
    fs::write(ground.path("then"), "echo no such channel; exit 65").unwrap();
    ground.site.set(false);
    ground.probe(&["once", "-q"]).expect(2, &["shop"]);
    wait_is_over(&ground);
    ground.probe(&["once", "shop"]);
    assert_eq!(events(&ground), ["down"], "it is not tried again");
    let told = ground.probe(&["status", "--json"]).json();
    assert_eq!(told["notifications"][0]["delivery"], "rejected", "{told:#}");
}
