//! A configuration that is bad, or names what is bad: said at once, to people and to programs.

use super::ground::Ground;

#[test]
fn faults_are_a_document_for_every_command_that_answers_with_one() {
    let ground = Ground::start();
    std::fs::write(ground.path("ca.pem"), "no certificate").unwrap();
    let yaml = ground.yaml("", None);
    let yaml = yaml.replace(
        "profiles:",
        "alerts: {}\nheartbeat: {url_env: PROBE_TEST_NEVER_SET}\nprofiles:",
    );
    let bad = yaml.replace("shop: {", "shop: {intervall: 5s, tls: {ca_file: ca.pem}, ");
    ground.configure(&bad);
    let answer = ground.probe(&["check", "--json"]);
    let document = answer.expect(3, &["did you mean `interval`?"]).json();
    assert_eq!(
        (&document["schema"], &document["ok"]),
        (&1.into(), &false.into())
    );
    let faults = document["faults"].as_array().unwrap();
    let keys: Vec<&str> = faults.iter().map(|f| f["key"].as_str().unwrap()).collect();
    assert_eq!(
        keys,
        ["profiles.shop.intervall", "profiles.shop.tls.ca_file"]
    );
    for fault in faults {
        assert!(
            fault["file"].as_str().unwrap().ends_with("probes.yaml"),
            "{fault}"
        );
        assert_eq!(fault["line"], 6, "{fault}");
        assert!(fault["column"].as_u64() > Some(1), "{fault}");
        assert!(
            fault["message"].is_string() && fault["hint"].is_string(),
            "{fault}"
        );
    }
    let warned = document["warnings"][0].as_str().unwrap();
    assert!(
        warned.contains("`PROBE_TEST_NEVER_SET` is not set here"),
        "{warned}"
    );
    for words in [
        &["once", "--json"][..],
        &["status", "--json"],
        &["history", "--json"],
        &["why", "shop", "--json"],
    ] {
        let document = ground.probe(words).expect(3, &[]).json();
        assert_eq!(document["ok"], false, "{words:?}");
        assert_eq!(document["faults"][0]["key"], keys[0], "{words:?}");
    }
    // Also where there is none at all.
    let mut nowhere = ground.command(&["check", "--json"]);
    nowhere.env("PROBE_CONFIG", ground.path("no-such-file.yaml"));
    let document = ground.run(&mut nowhere).expect(3, &[]).json();
    assert_eq!(document["ok"], false);
    assert_eq!(document["faults"][0]["line"], serde_json::Value::Null);
    // Well again, but for what is only here.
    ground.configure(&yaml);
    let document = ground.probe(&["check", "--json"]).expect(0, &[]).json();
    assert_eq!(
        (&document["ok"], &document["status"]),
        (&true.into(), &"ok".into())
    );
    assert_eq!(document["faults"], serde_json::json!([]));
    assert_eq!(document["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_certificate_file_that_is_none_starts_nothing_and_is_not_taken_by_a_reload() {
    let ground = Ground::start();
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap();
    let pem = authority.self_signed(&key).unwrap().pem();
    std::fs::write(ground.path("ca.pem"), &pem).unwrap();
    let yaml = ground
        .yaml("", None)
        .replace("shop: {", "shop: {tls: {ca_file: ca.pem}, ");
    ground.configure(&yaml);
    let mut daemon = ground.begin(&mut ground.command(&["run"]));
    daemon.says("to=\"up\"");
    std::fs::write(ground.path("ca.pem"), "no certificate").unwrap();
    daemon.signal("HUP");
    daemon.says("holds no PEM certificate");
    daemon.says("the one before stays in force");
    daemon.signal("TERM");
    daemon.end().expect(0, &[]);
    for command in ["run", "once", "check"] {
        let words = "profiles.shop.tls.ca_file: ";
        ground
            .probe(&[command])
            .expect(3, &[words, "holds no PEM certificate; name a file of"]);
    }
    // What is remembered can be read all the same.
    let told = ground.probe(&["status"]);
    assert!(!told.stderr.contains("PEM"), "{told:?}");
}

#[test]
fn what_looks_like_a_site_is_asked_for_by_its_url() {
    let ground = Ground::start();
    let hint = "probe once https://example.test/";
    let answer = ground.probe(&["once", "example.test", "nosuch"]);
    answer.expect(3, &["no profile is called example.test, nosuch", hint]);
    assert!(!answer.stderr.contains("https://nosuch/"), "{answer:#?}");
    let mut without = ground.command(&["once", "example.test"]);
    without.env_remove("PROBE_CONFIG");
    let empty = ground.path("empty");
    std::fs::create_dir(&empty).unwrap();
    without.current_dir(empty);
    if !std::path::Path::new("/etc/probe/probes.yaml").exists() {
        let answer = ground.run(&mut without);
        answer.expect(3, &["no configuration found", hint]);
    }
    let named = ground.probe(&["once", "nosuch"]);
    assert!(!named.stderr.contains("https://"), "{named:#?}");
}
