//! Where each fact comes from, and what it says when the host is another one.

use std::os::unix::fs::MetadataExt as _;

use super::stage::Stage;

/// A change to the written-down host, and what is said then.
type Change = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

#[test]
fn what_each_fact_is_read_from() {
    let changes: &[Change] = &[
        // curl's end, and the word for it.
        (
            "said/curl.status",
            "28",
            "site_1",
            Some("timeout https://shop.example.com/"),
        ),
        (
            "said/curl.status",
            "52",
            "site_1",
            Some("reset https://shop.example.com/"),
        ),
        (
            "said/curl.status",
            "35",
            "site_1",
            Some("tls https://shop.example.com/"),
        ),
        (
            "said/curl.status",
            "3",
            "site_1",
            Some("error https://shop.example.com/"),
        ),
        (
            "said/curl",
            "200",
            "site_1",
            Some("200 https://shop.example.com/"),
        ),
        (
            "said/curl",
            "000",
            "site_1",
            Some("error https://shop.example.com/"),
        ),
        // The configuration's test.
        ("said/nginx.status", "1", "config_test", Some("failed")),
        (
            "said/nginx.status",
            "124",
            "config_test",
            Some("unavailable"),
        ),
        (
            "said/nginx.status",
            "127",
            "config_test",
            Some("unavailable"),
        ),
        (
            "said/nginx",
            "\u{1b}[31mé\tx\n",
            "config_test_says",
            Some("?[31m???x"),
        ),
        // Who else is at work.
        (
            "root/proc/1500/stat",
            "1500 (packagekitd) S 1\n",
            "package_manager",
            None,
        ),
        (
            "root/proc/1500/stat",
            "1500 (dpkg) S 1\n",
            "package_manager",
            Some("dpkg"),
        ),
        (
            "root/proc/1500/stat",
            "1500 (a) (apt-get) S 1\n",
            "package_manager",
            None,
        ),
        (
            "root/proc/1400/cmdline",
            "/usr/bin/python3\0/usr/bin/unattended-upgrade\0",
            "package_manager",
            Some("unattended-upgrades"),
        ),
        (
            "root/proc/1300/cmdline",
            "/bin/bash\0/usr/bin/kusanagi\0status\0",
            "monit_restarting",
            None,
        ),
        (
            "root/proc/1300/stat",
            "1300 (systemctl) S 1\n",
            "monit_restarting",
            None,
        ),
        (
            "root/proc/800/stat",
            "800 (monitor) S 1\n",
            "monit",
            Some("absent"),
        ),
        (
            "root/etc/monitrc",
            "set daemon 30\n",
            "monit",
            Some("active"),
        ),
        // Who listens.
        ("said/ss", "LISTEN 0 5 *:80 *:*\n", "listen_80", Some("yes")),
        // The cgroup of the server is tighter than the host, or it is not.
        (
            "root/sys/fs/cgroup/system.slice/nginx131.service/memory.max",
            "max",
            "memory_available_pct",
            Some("40"),
        ),
        (
            "root/sys/fs/cgroup/system.slice/nginx131.service/pids.max",
            "max",
            "processes_max",
            Some("29511"),
        ),
        (
            "root/sys/fs/cgroup/system.slice/memory.max",
            "1000",
            "memory_available_pct",
            Some("1"),
        ),
        ("root/proc/vmstat", "nr 1", "oom_kills", Some("3")),
        (
            "root/proc/self/mounts",
            "nas:/x / nfs4 rw 0 0\n",
            "disk_free_pct",
            None,
        ),
        (
            "said/systemctl.is-system-running",
            "offline\n",
            "systemd",
            None,
        ),
        (
            "said/systemctl.is-system-running",
            "initializing\n",
            "systemd",
            Some("starting"),
        ),
        ("root/etc/kusanagi", "\n", "kusanagi", None),
        (
            "said/journalctl",
            "[  10.0] kernel: nothing\n",
            "oom_last_s",
            None,
        ),
        ("said/date.-d", "1790920300\n", "monit_acted_s", None),
    ];
    for (file, text, key, wanted) in changes {
        let stage = Stage::new("kusanagi9");
        stage.write(file, text);
        assert_eq!(
            stage.fact(key).as_deref(),
            *wanted,
            "{file} = {text}: {key}"
        );
    }
}

#[test]
fn somebody_restarts_the_server_by_hand() {
    for (arguments, wanted) in [
        ("systemctl\0restart\0nginx131.service\0", Some("1")),
        ("systemctl\0start\0nginx\0", Some("1")),
        ("systemctl\0restart\0mariadb\0", None),
        ("systemctl\0status\0nginx131\0", None),
    ] {
        let stage = Stage::new("kusanagi9");
        stage.write("root/proc/1300/stat", "1300 (systemctl) S 1\n");
        stage.write("root/proc/1300/cmdline", arguments);
        assert_eq!(
            stage.fact("monit_restarting").as_deref(),
            wanted,
            "{arguments}"
        );
    }
}

/// One that ends between two looks at it is nobody, and no complaint stands in the answer.
#[test]
fn a_process_that_has_ended_meanwhile() {
    let stage = Stage::new("kusanagi9");
    stage.write("root/proc/1300/stat", "1300 (systemctl) S 1\n");
    std::fs::remove_file(stage.path("root/proc/1300/cmdline")).unwrap();
    for shell in super::stage::SHELLS {
        let facts = stage.facts(shell);
        assert!(
            !facts.iter().any(|line| line == "monit_restarting=1"),
            "{facts:#?}"
        );
    }
}

/// Without `ss` the kernel's own table says who listens, without names; without either nobody can say.
#[test]
fn who_listens_without_ss() {
    let stage = Stage::new("kusanagi9");
    std::fs::remove_file(stage.path("said/ss")).unwrap();
    assert_eq!(stage.fact("listen_80"), None);
    stage.write(
        "root/proc/net/tcp",
        "  sl  local_address rem_address   st tx_queue rx_queue\n   \
         0: 5002000A:0050 00000000:0000 0A 00000000:00000000\n   \
         1: 00000000:01BB 0100007F:1F90 01 00000000:00000000\n",
    );
    assert_eq!(stage.fact("listen_80").as_deref(), Some("yes"));
    assert_eq!(stage.fact("listen_443").as_deref(), Some("none"));
    // A site that loopback refuses is asked where somebody listens.
    stage.write("said/curl.status", "7\n");
    stage.fact("end");
    let asked = std::fs::read_to_string(stage.path("asked")).unwrap();
    assert!(!asked.contains(":443:10.0.2.80"), "{asked}");
    stage.settings("SITES=http://shop.example.com/");
    stage.fact("end");
    let asked = std::fs::read_to_string(stage.path("asked")).unwrap();
    let last = asked
        .lines()
        .rfind(|line| line.starts_with("curl"))
        .unwrap();
    assert!(
        last.contains("--resolve shop.example.com:80:10.0.2.80 http"),
        "{last}"
    );
}

/// A package manager is one that root runs, or whatever holds its lock.
#[test]
fn a_package_manager_is_roots_or_holds_the_lock() {
    let stage = Stage::new("kusanagi9");
    let of = |stage: &Stage, account: &str| {
        stage.write("root/proc/1500/stat", "1500 (apt) S 1\n");
        stage.write(
            "root/proc/1500/status",
            &format!("Name:\tapt\nUid:\t{account}\t{account}\t{account}\t{account}\n"),
        );
        stage.fact("package_manager")
    };
    assert_eq!(of(&stage, "1000"), None, "somebody's program of that name");
    assert_eq!(of(&stage, "0").as_deref(), Some("apt"));
    assert_eq!(of(&stage, "1000"), None);
    stage.write("root/var/lib/dpkg/lock-frontend", "");
    let lock = stage.path("root/var/lib/dpkg/lock-frontend");
    let inode = std::fs::metadata(&lock).unwrap().ino();
    let locks = |inode: u64| format!("1: POSIX  ADVISORY  WRITE 1600 fe:00:{inode} 0 EOF\n");
    stage.write("root/proc/locks", &locks(inode + 1));
    assert_eq!(stage.fact("package_manager"), None, "another file's");
    stage.write("root/proc/locks", &locks(inode).replace("WRITE", "READ"));
    assert_eq!(stage.fact("package_manager"), None, "it only asks");
    stage.write("root/proc/locks", &locks(inode));
    assert_eq!(stage.fact("package_manager").as_deref(), Some("dpkg"));
}

/// A process table that hides other accounts' processes says nothing about them.
#[test]
fn hidden_processes_are_not_counted() {
    let stage = Stage::new("kusanagi9");
    std::fs::remove_dir_all(stage.path("root/proc/1")).unwrap();
    for key in [
        "web_processes",
        "package_manager",
        "monit",
        "monit_restarting",
    ] {
        assert_eq!(stage.fact(key), None, "{key}");
    }
    assert_eq!(stage.fact("web").as_deref(), Some("nginx"));
}

/// Which unit is the web server, from `systemctl show` alone.
#[test]
fn the_chosen_unit() {
    let unit = |id: &str, load: &str, enabled: &str, active: &str, changed: u64| {
        format!(
            "Id={id}.service\nLoadState={load}\nUnitFileState={enabled}\nActiveState={active}\nActiveExitTimestampMonotonic={changed}\n\n"
        )
    };
    let cases = [
        // An enabled one that is stopped before a running one that nobody enabled.
        (
            unit("httpd", "loaded", "disabled", "active", 9_000_000)
                + &unit("nginx", "loaded", "enabled", "inactive", 5_000_000),
            Some("nginx"),
            Some("nginx"),
        ),
        (
            unit("nginx130", "loaded", "enabled", "inactive", 9_000_000)
                + &unit("nginx131", "loaded", "enabled", "active", 5_000_000),
            Some("nginx131"),
            Some("nginx"),
        ),
        (
            unit("nginx", "loaded", "disabled", "inactive", 5_000_000)
                + &unit("apache2", "loaded", "disabled", "failed", 9_000_000),
            Some("apache2"),
            Some("httpd"),
        ),
        (
            unit("nginx", "masked", "masked", "inactive", 0),
            Some("nginx"),
            Some("nginx"),
        ),
        (
            unit("httpd24-httpd", "loaded", "enabled", "active", 0),
            Some("httpd24-httpd"),
            Some("httpd"),
        ),
        // Neighbours by name are no web servers; the process table knows which one runs.
        (
            unit("httpd-init", "loaded", "enabled", "active", 1)
                + &unit("nginx-exporter", "loaded", "enabled", "active", 1)
                + &unit("nginx", "not-found", "", "inactive", 0),
            None,
            Some("nginx"),
        ),
    ];
    for (said, unit, web) in &cases {
        let stage = Stage::new("kusanagi9");
        stage.write("said/systemctl.show", said);
        assert_eq!(stage.fact("web_unit").as_deref(), *unit, "{said}");
        assert_eq!(stage.fact("web").as_deref(), *web, "{said}");
    }
    let stage = Stage::new("kusanagi9");
    stage.settings("WEB_UNIT=nginx130");
    assert_eq!(stage.fact("web_unit").as_deref(), Some("nginx130"));
}
