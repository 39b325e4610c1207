//! `probe drill HOST`: what a recovery needs, rehearsed on a real login.

use super::ground::{Ground, flat};
use super::outside::Mailbox;
use crate::smtp::server::Script;

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
    let status = flat(&ground.probe(&["status"]).stdout);
    assert!(status.contains("drill web1 went well"), "{status}");
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
    let status = flat(&ground.probe(&["status"]).stdout);
    assert!(status.contains("drill web1 failed"), "{status}");
}

/// What a look could not see is said with what that means, by `drill` and by `why`; the mail and the rules go on as before.
#[test]
fn what_could_not_be_looked_at_is_listed() {
    let whole = "agent=1\nweb_unit=nginx\nweb_active=active\nweb_processes=3\nlisten_80=nginx\nlisten_443=nginx\n\
                 config_test=ok\ndisk_free_pct=50\nmemory_available_pct=50\nprocesses_free_pct=90\nmonit=absent\n";
    let lost = "is not told from a server that died";
    for (facts, said) in [
        (
            format!("{whole}sites=0\nasks_http=curl\nasks_https=curl\n"),
            &["SITES is empty", "set SITES='URL'", lost][..],
        ),
        (
            whole.to_owned(),
            &[
                "its agent asked no site",
                "set SITES='URL'",
                "or install curl",
                lost,
            ],
        ),
        (
            format!("{whole}sites=1\nasks_http=none\nasks_https=none\n"),
            &["no program there can ask; install curl", lost],
        ),
        (
            format!(
                "{whole}sites=1\nasks_http=curl\nasks_https=curl\nsite_1=200 http://other.example.com/\n"
            ),
            &["not among the first nine of SITES", lost],
        ),
        (
            "sites=1\nasks_http=bash\nasks_https=none\nsite_1=200 URL\n".to_owned(),
            &[
                "the web server's unit, for no such unit was found",
                "processes of other accounts",
                "who listens",
                "no test of it was run",
                "what is left of the disk",
                "what is left of memory",
                "what is left of the process table",
            ],
        ),
        (
            whole.replace("=ok", "=unavailable") + "site_1=200 URL\n",
            &["this account may not run its test"],
        ),
        (
            format!("{whole}site_1=reset URL\nbrowser_1=200 URL\n"),
            &["connection cut, browsers are answered 200"],
        ),
        (format!("{whole}site_1=200 URL\n"), &[]),
    ] {
        let ground = Ground::start();
        let sshd = ground.sshd();
        let keys = ground.path("sshd").join("authorized_keys");
        let key = std::fs::read_to_string(&keys).unwrap();
        let url = ground.site.url();
        let text = format!("facts=1\n{}end=1\n", facts.replace("URL", &url));
        std::fs::write(ground.path("facts"), text).unwrap();
        let forced = format!("cat {}", ground.path("facts").display());
        std::fs::write(&keys, format!("restrict,command=\"{forced}\" {key}")).unwrap();
        ground.configure(&ground.yaml(&ground.looked_at(&sshd, "true"), None));
        let drilled = flat(&ground.probe(&["drill"]).stdout);
        ground.falls();
        ground.probe(&["once"]);
        let why = flat(&ground.probe(&["why", "web1"]).stdout);
        for part in said {
            let part = part.replace("URL", &url);
            assert!(drilled.contains(&part), "`{part}`: {drilled}");
            assert!(why.contains(&part), "`{part}`: {why}");
        }
        let none = !said.iter().any(|part| !part.starts_with("connection cut"));
        assert_eq!(drilled.contains("not looked at"), !none, "{drilled}");
    }
}

/// A state directory in which nothing can be noted takes nothing from the rehearsal, and is said in one line.
#[test]
fn a_drill_that_cannot_be_noted_is_a_warning() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, "true"), None));
    ground.probe(&["drill"]).expect(0, &["web1: logged in"]);
    let notes = ground.path("state").join("drill");
    std::fs::remove_dir_all(&notes).unwrap();
    std::fs::write(&notes, "in the way").unwrap();
    let answer = ground.probe(&["drill"]);
    answer.expect(1, &["web1: logged in and looked"]);
    let said: Vec<&str> = answer.stderr.lines().collect();
    assert_eq!(said.len(), 1, "{answer:#?}");
    assert!(said[0].contains("this drill is not noted"), "{answer:#?}");
}

/// Over a real login: looked at, restarted, proven, and the facts are in the mail.
#[test]
fn a_host_is_looked_at_before_it_is_restarted() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let mailbox = Mailbox::start(Script::default());
    let host = ground.looked_at(&sshd, &ground.cure());
    ground.configure(&ground.yaml(&host, Some(&mailbox.url())));
    ground.falls();
    let answer = ground.probe(&["once"]);
    let said = flat(&answer.stderr) + &flat(&answer.stdout);
    assert!(answer.code.is_some_and(|code| code != 3), "{answer:#?}");
    // Whatever else goes on here, the look came before anything else, and what it found decided.
    let why = ground.probe(&["why", "web1", "--json"]).json();
    let facts = &why["look"]["diagnosis"];
    assert_eq!(facts["look"], "facts", "{said}\n{why:#}");
    assert_eq!(facts["sites"][0]["answer"], "refused", "{why:#}");
    let notes = why["recorded"].as_array().unwrap();
    let place = |word: &str| notes.iter().position(|note| note["note"] == word);
    let (looked, began) = (place("diagnosed"), place("restart_began"));
    assert!(
        looked.is_some() && began.is_none_or(|began| Some(began) > looked),
        "{why:#}"
    );
    assert_eq!(ground.restarts(), usize::from(began.is_some()));
}
