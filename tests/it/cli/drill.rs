//! `probe drill HOST`: what a recovery needs, rehearsed on a real login.

use super::ground::{Ground, flat};
use super::outside::Mailbox;
use crate::smtp::server::Script;

#[test]
fn a_host_is_logged_in_to_and_looked_at_and_not_restarted() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    // This machine may be short of something, which is a warning.
    let well = |code: Option<i32>| matches!(code, Some(0 | 1));
    for words in [&["drill"][..], &["drill", "web1"]] {
        let answer = ground.probe(words);
        assert!(well(answer.code), "{answer:#?}");
        let said = flat(&answer.stdout);
        let looked = "web1: logged in and looked; a restart would run `echo";
        assert!(said.contains(looked), "{said}");
        assert!(
            said.contains("disk: ") && said.contains("on the host itself: "),
            "{said}"
        );
        assert!(
            said.contains("answers 200"),
            "the site answers inside: {said}"
        );
    }
    let quiet = ground.probe(&["drill", "-q"]);
    assert!(well(quiet.code), "{quiet:#?}");
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
    let sshd = ground.calm_sshd();
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

/// The whole chain on one page: each link has its line, and one that fails has its mark.
#[test]
fn every_link_has_its_line() {
    let ground = Ground::start();
    let sshd = ground.calm_sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    ground.probe(&["drill"]).expect(
        0,
        &[
            "ok configuration: ",
            "ok state: ",
            "no run has used it yet",
            "ok own network: tcp://",
            "ok name servers: no site needs one",
            &format!("ok shop: {} is well", ground.site.url()),
            "note heartbeat: none is configured",
            "ok web1: its host key is the known one",
            "ok web1: ",
            "is let in",
            "note web1: the key may run any command",
            "ok web1: logged in and looked",
            "note web1: until now no drill of it went well",
            "note web1: no restart of it has been seen to work",
        ],
    );
    // With a host named, what is not of that host is left out.
    let named = ground.probe(&["drill", "web1"]);
    named.expect(0, &["ok shop: "]);
    assert!(!named.stdout.contains("heartbeat"), "{named:#?}");
    assert!(
        !named.stdout.contains("until now"),
        "it went well a moment ago: {named:#?}"
    );

    ground.site.set(false);
    ground
        .probe(&["drill", "-q"])
        .expect(2, &["FAIL shop: ", "refused"]);
    ground.site.set(true);
    let yaml = ground.yaml(&ground.host(&sshd, "true"), None);
    let dead = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (before, after) = yaml.split_once("canaries: [").unwrap();
    let (_, after) = after.split_once(']').unwrap();
    ground.configure(&format!(
        "{before}canaries: [\"tcp://{dead}\"]{after}heartbeat: {{url: \"http://{dead}/beat\"}}\n"
    ));
    ground.probe(&["drill"]).expect(
        2,
        &[
            &format!("warn own network: tcp://{dead} does not answer"),
            "FAIL own network: no canary answers, so nothing would be restarted",
            "FAIL heartbeat: not taken: ",
        ],
    );
}

/// What the key may do, and what sudo says, by a login that answers as such a host would.
#[test]
fn what_the_key_may_do_is_said() {
    let facts =
        "facts=1\nweb_unit=nginx\nweb_active=active\ndisk_free_pct=50\nconfig_test=ok\nend=1\n";
    let look = |case: &str| {
        format!(
            "case \"$SSH_ORIGINAL_COMMAND\" in {case} *' sh -c '*|'probe-agent 1 diagnose') cat FACTS;; *) exit 64;; esac"
        )
    };
    for (how, agent, command, code, said) in [
        (
            look(""),
            false,
            "sudo -n kusanagi restart",
            0,
            &["ok web1: the key is bound"][..],
        ),
        (
            look(""),
            true,
            "",
            0,
            &["ok web1: the key runs the agent and nothing else"],
        ),
        (
            look("echo*) eval \"$SSH_ORIGINAL_COMMAND\";;"),
            true,
            "",
            1,
            &["warn web1: the key may run any command, although the agent is there"],
        ),
        (
            look(
                "echo*) eval \"$SSH_ORIGINAL_COMMAND\";; 'sudo -n -l kusanagi restart') echo /usr/bin/kusanagi restart;;",
            ),
            false,
            "sudo -n kusanagi restart",
            0,
            &[
                "note web1: the key may run any command",
                "ok web1: sudo lets the account run `kusanagi restart`",
            ],
        ),
        (
            look(
                "echo*) eval \"$SSH_ORIGINAL_COMMAND\";; sudo*) echo 'sudo: a password is required' >&2; exit 1;;",
            ),
            false,
            "sudo -n kusanagi restart",
            2,
            &[
                "FAIL web1: sudo does not let the account run `kusanagi restart`",
                "NOPASSWD: kusanagi restart",
            ],
        ),
        (
            look("echo*) eval \"$SSH_ORIGINAL_COMMAND\";;"),
            false,
            "sudo -n a && sudo -n b",
            0,
            &["note web1: `sudo -n a && sudo -n b` is more than one command"],
        ),
    ] {
        let ground = Ground::start();
        let sshd = ground.sshd();
        let keys = ground.path("sshd").join("authorized_keys");
        let key = std::fs::read_to_string(&keys).unwrap();
        std::fs::write(ground.path("facts"), facts).unwrap();
        let forced = ground.path("forced");
        let how = how.replace("FACTS", &ground.path("facts").display().to_string());
        std::fs::write(&forced, how).unwrap();
        std::fs::write(
            &keys,
            format!("restrict,command=\"sh {}\" {key}", forced.display()),
        )
        .unwrap();
        let host = ground.looked_at(&sshd, command);
        let host = if agent {
            host.replace("      commands: [\"\"]\n", "")
                .replace("    restart:\n", "    agent: true\n    restart:\n")
        } else {
            host
        };
        ground.configure(&ground.yaml(&host, None));
        ground.probe(&["drill", "web1"]).expect(code, said);
    }
}

/// A real restart, with the site gone for a while; by a run of its own, and by the daemon that has the state.
#[test]
fn a_restart_is_made_and_proven_from_outside() {
    for daemon in [false, true] {
        let ground = Ground::start();
        let sshd = ground.calm_sshd();
        let up = ground.path("up");
        let up = up.display();
        let command = format!("rm {up}; sleep 2; {}", ground.cure());
        ground.configure(&ground.yaml(&ground.host(&sshd, &command), None));
        let watch = daemon.then(|| {
            let mut watch = ground.begin(&mut ground.command(&["run"]));
            watch.says("watching");
            watch
        });
        ground
            .probe(&["drill", "--restart", "web1"])
            .expect(3, &["no terminal to ask at", "--yes"]);
        ground
            .probe(&["drill", "--restart", "--yes"])
            .expect(3, &["<HOST>"]);
        assert_eq!(ground.restarts(), 0);
        let answer = ground.probe(&["drill", "--restart", "--yes", "web1"]);
        answer.expect(
            0,
            &[
                "ok web1: a restart was ordered, and is written down",
                "ended well, in ",
                "ok from outside: no answer for ",
                "all sites of web1 answer again",
            ],
        );
        assert_eq!(ground.restarts(), 1);
        let why = ground.probe(&["why", "web1", "--json"]).json();
        assert_eq!(why["budget"]["spent"], 1, "{why:#}");
        if let Some(watch) = watch {
            watch.signal("TERM");
            watch.end();
        }
        ground
            .probe(&["drill", "web1"])
            .expect(0, &["ok web1: the last restart that worked was "]);
        // It mended nothing, and counts for nothing but the budget.
        let past = ground.probe(&["history", "--json"]).json();
        let restart = &past["restarts"][0];
        assert_eq!(
            (&restart["drill"], &restart["needed"]),
            (&true.into(), &serde_json::Value::Null)
        );
        ground
            .probe(&["history"])
            .expect(0, &["a rehearsal", "no restart"]);
    }
}

/// What holds a restart is said, and nothing is restarted.
#[test]
fn a_restart_is_not_made_where_something_speaks_against_it() {
    let ground = Ground::start();
    let sshd = ground.calm_sshd();
    let again = ["drill", "--restart", "--yes", "web1"];
    ground.configure(&ground.yaml(&ground.host(&sshd, &ground.cure()), None));
    ground.probe(&["pause", "web1"]).expect(0, &[]);
    ground
        .probe(&again)
        .expect(2, &["FAIL web1: not restarted: ", "paused"]);
    ground.probe(&["resume", "web1"]).expect(0, &[]);
    ground.site.set(false);
    ground
        .probe(&again)
        .expect(2, &["FAIL web1: not restarted: the lines above"]);
    ground.site.set(true);
    assert_eq!(ground.restarts(), 0);
    // The command leaves the site down: that is seen, and said.
    let up = ground.path("up");
    let stops = format!(
        "rm {}; echo >> {}",
        up.display(),
        ground.path("restarts").display()
    );
    ground.configure(&ground.yaml(&ground.host(&sshd, &stops), None));
    ground.probe(&again).expect(
        2,
        &["ended well", "FAIL from outside: shop does not answer"],
    );
    assert_eq!(ground.restarts(), 1);

    // A guard, by the facts of the look.
    let ground = Ground::start();
    let sshd = ground.sshd();
    let keys = ground.path("sshd").join("authorized_keys");
    let key = std::fs::read_to_string(&keys).unwrap();
    let facts = "facts=1\nweb_unit=nginx\nweb_active=active\nconfig_test=failed\nend=1\n";
    std::fs::write(ground.path("facts"), facts).unwrap();
    let forced = format!("cat {}", ground.path("facts").display());
    std::fs::write(&keys, format!("restrict,command=\"{forced}\" {key}")).unwrap();
    ground.configure(&ground.yaml(&ground.looked_at(&sshd, &ground.cure()), None));
    ground
        .probe(&again)
        .expect(2, &["configuration is broken", "not restarted"]);
    assert_eq!(ground.restarts(), 0);
}

/// In the reader's language.
#[test]
fn a_drill_speaks_japanese() {
    let ground = Ground::start();
    let sshd = ground.calm_sshd();
    ground.configure(&ground.yaml(&ground.host(&sshd, "true"), None));
    let mut command = ground.command(&["drill"]);
    let by_locale = ground.run(command.env("LANG", "ja_JP.UTF-8"));
    let by_word = ground.probe(&["drill", "--lang", "ja"]);
    for answer in [by_locale, by_word] {
        answer.expect(
            0,
            &[
                "ok 設定: ",
                "web1: ログインし、状態を確認しました",
                "web1: ホスト鍵は登録済み",
            ],
        );
        assert!(!answer.stdout.contains("logged in"), "{answer:#?}");
    }
    let mut command = ground.command(&["drill", "--lang", "en"]);
    let asked = ground.run(command.env("LC_ALL", "ja_JP.UTF-8"));
    asked.expect(0, &["logged in and looked"]);
}
