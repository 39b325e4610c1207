//! What `deploy/host` recommends for a web host, on a web host.

use super::bench::Bench;
use super::watch::Watch;
use crate::ground::wait_for;
use std::time::Duration;

#[test]
fn the_files_for_a_web_host_work_on_one() {
    let bench = Bench::borrow();
    let said = |words: &[&str]| {
        let (code, said) = bench.on_host(words);
        assert_eq!(code, Some(0), "{words:?}: {said}");
        said
    };
    // sudoers: well formed, and lists the one command without running it.
    said(&["visudo", "-cf", "/etc/sudoers.d/probe"]);
    let allowed = said(&["runuser", "-u", "probe", "--", "sudo", "-n", "-l"]);
    assert!(
        allowed.contains("NOPASSWD: /usr/bin/kusanagi restart"),
        "{allowed}"
    );
    let other = bench.on_host(&["runuser", "-u", "probe", "--", "sudo", "-n", "id"]);
    assert_eq!(other.0, Some(1), "{}", other.1);

    // authorized_keys: the key orders a look and a restart, and nothing else.
    let by_hand = "cd && probe-agent 1 diagnose";
    let by_hand = said(&["su", "probe", "-s", "/bin/sh", "-c", by_hand]);
    let (code, looked) = bench.ssh("probe", "probe-agent 1 diagnose");
    assert_eq!(code, Some(0), "{looked}");
    for facts in [&by_hand, &looked] {
        assert!(facts.contains("active"), "{facts}");
    }
    let (code, refused) = bench.ssh("probe", "id");
    assert_eq!(code, Some(64), "{refused}");
    assert!(!refused.contains("uid="), "{refused}");
    assert_eq!(bench.restarts(), 0);
    // `from` keeps everybody else out, whoever has the key.
    let (code, elsewhere) = bench.ssh_from_elsewhere("probe", "probe-agent 1 diagnose");
    assert_eq!(code, Some(255), "{elsewhere}");
    assert!(elsewhere.contains("Permission denied"), "{elsewhere}");

    // The whole of it.
    let change =
        "ops@ => probe@; keys/ops => keys/probe; sudo -n kusanagi restart => probe-agent 1 restart";
    let watch = Watch::begin(&bench, "agent", change);
    assert_eq!(watch.once().decision(), "idle", "{}", watch.story());
    bench.ctl("stop");
    assert_eq!(
        watch.once().decision(),
        "succeeded idle",
        "{}",
        watch.story()
    );
    assert_eq!(bench.restarts(), 1);
    assert_eq!(watch.told(), ["down", "restarted", "up"]);

    // What systemd can see it heals by itself, with the drop-in.
    let drop_in = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/host/nginx-restart.conf"
    ));
    bench.file("/etc/systemd/system/nginx.service.d/restart.conf", drop_in);
    said(&["systemctl", "daemon-reload"]);
    bench.ctl("crash");
    wait_for("systemd restarts nginx", Duration::from_secs(20), || {
        bench
            .on_host(&["systemctl", "show", "-P", "NRestarts", "nginx"])
            .1
            .trim()
            == "1"
            && bench.answers()
    });
    assert_eq!(bench.restarts(), 1);
    said(&["rm", "-r", "/etc/systemd/system/nginx.service.d"]);
    said(&["systemctl", "daemon-reload"]);
}

/// Without curl the look asks with what else a Debian host has, and knows as much: also that a site has a rule against us.
#[test]
fn a_look_without_curl_knows_as_much() {
    let bench = Bench::borrow();
    let sites = "SITES='http://site-a.test/ https://site-b.test/ http://rule.test/'\n";
    bench.file("/etc/probe-agent.conf", sites);
    let rule = "server { listen 80; server_name rule.test; if ($http_user_agent ~* ^probe/) { return 444; } return 200; }\n";
    bench.file("/etc/nginx/conf.d/zz-rule.conf", rule);
    let (code, said) = bench.on_host(&["systemctl", "reload", "nginx"]);
    assert_eq!(code, Some(0), "{said}");
    let look = |asks: &str| {
        // A reload is over a moment after it was ordered.
        wait_for(
            "the look says what it should",
            Duration::from_secs(20),
            || {
                let looked = bench.ssh("probe", "probe-agent 1 diagnose").1;
                [
                    asks,
                    "sites=3",
                    "site_1=200 http://site-a.test/",
                    "site_2=200 https://site-b.test/",
                    "site_3=reset http://rule.test/",
                    "browser_3=200 http://rule.test/",
                ]
                .iter()
                .all(|line| looked.lines().any(|said| said == *line))
            },
        );
    };
    look("asks_http=curl");
    bench.ctl("nocurl");
    look("asks_http=bash");
}
