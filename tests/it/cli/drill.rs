//! `probe drill HOST`: what a recovery needs, rehearsed on a real login.

use super::ground::{Ground, flat};

#[test]
fn a_host_is_logged_in_to_and_looked_at_and_not_restarted() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    for words in [&["drill"][..], &["drill", "web1"]] {
        let answer = ground.probe(words);
        answer.expect(
            0,
            &["web1: logged in and looked; a restart would run `echo"],
        );
        let said = flat(&answer.stdout);
        assert!(
            said.contains("disk: ") && said.contains("on the host itself: "),
            "{said}"
        );
        assert!(
            said.contains("answers 200"),
            "the site answers inside: {said}"
        );
    }
    ground.probe(&["drill", "-q"]).expect(0, &[]);
    assert_eq!(ground.restarts(), 0);
}

#[test]
fn a_key_that_opens_something_else_is_told() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let keys = ground.path("sshd").join("authorized_keys");
    let key = std::fs::read_to_string(&keys).unwrap();
    std::fs::write(&keys, format!("restrict,command=\"echo hello\" {key}")).unwrap();
    ground.configure(&ground.yaml(&ground.host(&sshd, "true"), None));
    ground
        .probe(&["drill", "web1"])
        .expect(2, &["what came back are no facts", "another command"]);
    std::fs::write(&keys, "").unwrap();
    ground.probe(&["drill", "web1"]).expect(2, &["no way in"]);
}
