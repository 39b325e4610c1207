//! `probe replay`: what it answers from what real runs left behind.

use super::ground::Ground;

#[test]
fn what_was_recorded_is_decided_again() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let yaml = ground.yaml(&ground.host(&sshd, &ground.cure()), None);
    ground.configure(&yaml);
    ground.falls();
    ground.probe(&["once"]).expect(0, &["web1 restarted once"]);
    assert_eq!(ground.restarts(), 1);

    let same = ground.probe(&["replay"]);
    same.expect(0, &["Everything would be decided as it was"]);
    let json = ground.probe(&["replay", "--json"]).json();
    assert_eq!(json["differences"], serde_json::json!([]), "{json:#}");
    for side in ["recorded", "replayed"] {
        let course = &json[side];
        assert_eq!(course["incidents"].as_array().unwrap().len(), 1, "{json:#}");
        assert_eq!(course["incidents"][0]["cause"], "refused");
        assert_eq!(course["restarts"][0]["host"], "web1");
        assert_eq!(course["restarts"][0]["assumed"], false);
    }

    // Another configuration, from its own file.
    let patient = yaml.replace("failure_threshold: 2", "failure_threshold: 50");
    let file = ground.path("patient.yaml");
    std::fs::write(&file, patient).unwrap();
    let words = ["replay", "--config", file.to_str().unwrap()];
    let said = ground.probe(&words);
    said.expect(
        0,
        &["shop would not be down", "web1 would not be restarted"],
    );
    let json = ground.probe(&[&words[..], &["--json"]].concat()).json();
    let kinds: Vec<&str> = json["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["kind"].as_str())
        .collect();
    assert!(kinds.contains(&"restart_lost"), "{json:#}");

    let suggested = ground.probe(&["replay", "--suggest"]);
    suggested.expect(0, &["The record speaks for failure_threshold"]);
    let json = ground.probe(&["replay", "--suggest", "--json"]).json();
    assert_eq!(json["trials"].as_array().unwrap().len(), 20);
    assert!(json["best"]["failure_threshold"].is_number(), "{json:#}");
    assert_eq!(ground.restarts(), 1, "nothing is done");
}

#[test]
fn without_a_record_there_is_nothing_to_decide() {
    let ground = Ground::start();
    ground
        .probe(&["replay"])
        .expect(0, &["Nothing is recorded"]);
    ground
        .probe(&["replay", "--suggest"])
        .expect(0, &["Nothing is recorded"]);
    let missing = ["replay", "--config", "/nowhere.yaml"];
    ground.probe(&missing).expect(3, &["/nowhere.yaml"]);
}
