//! Monit with the rules KUSANAGI writes: access logs are searched for 5xx lines, and nginx is asked whether it is
//! *enabled*, never whether it runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::ground::{Server, program, run, text, wait_for};
use crate::web::{SITES, Web};

/// Monit.
#[derive(Debug)]
pub(crate) struct Monit {
    program: PathBuf,
    rules: PathBuf,
    log: PathBuf,
    _server: Server,
}

impl Monit {
    /// Starts it with a cycle of one second.
    pub(crate) fn start(room: &Path, web: &Web) -> Self {
        let folder = room.join("monit");
        fs::create_dir_all(&folder).unwrap();
        let rules = folder.join("monitrc");
        fs::write(&rules, monitrc(&folder, web)).unwrap();
        fs::set_permissions(&rules, fs::Permissions::from_mode(0o600)).unwrap();
        let program = program("monit", "monit");
        let server = Server::start(
            Command::new(&program).arg("-c").arg(&rules).arg("-I"),
            &folder.join("words"),
        );
        let monit = Self {
            program,
            rules,
            log: folder.join("monit.log"),
            _server: server,
        };
        wait_for("Monit calls all well", Duration::from_secs(20), || {
            monit.calls_all_well()
        });
        monit
    }

    /// Its own summary says OK of nginx and of both sites.
    pub(crate) fn calls_all_well(&self) -> bool {
        let output = Command::new(&self.program)
            .arg("-c")
            .arg(&self.rules)
            .args(["-B", "summary"])
            .output()
            .unwrap();
        let summary = String::from_utf8_lossy(&output.stdout).into_owned();
        let says_ok = |name: &str| {
            summary.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(name) && words.next() == Some("OK")
            })
        };
        says_ok("nginx") && SITES.iter().all(|site| says_ok(&format!("{site}_nginx")))
    }

    /// Its log.
    pub(crate) fn log(&self) -> String {
        text(&self.log)
    }

    /// Its configuration is one Monit accepts.
    pub(crate) fn check(&self) -> String {
        run(Command::new(&self.program)
            .arg("-c")
            .arg(&self.rules)
            .arg("-t"))
    }
}

fn monitrc(folder: &Path, web: &Web) -> String {
    let (f, kusanagi) = (folder.display(), web.kusanagi());
    let kusanagi = kusanagi.display();
    let mut rules = format!(
        "set daemon 1\nset log {f}/monit.log\nset pidfile {f}/pid\nset idfile {f}/id\nset statefile {f}/state\n\
         set httpd unixsocket {f}/socket\n  allow localhost\n\n\
         check program nginx with path \"{} nginx\"\n\
         \x20 #start program = \"{kusanagi} restart\"\n  if status != 0 then unmonitor\n  group nginx\n\n",
        web.is_enabled().display()
    );
    for site in SITES {
        rules += &format!(
            "check file {site}_nginx with path {}\n  restart program = \"{kusanagi} restart\"\n  depends on nginx\n\
             \x20 if match '\"(GET|POST) /.* HTTP/.*\" 5[0-9][0-9] [0-9]+ ' for 2 cycle then restart\n\
             \x20 if 5 restarts within 5 cycles then alert\n  if 5 restarts within 5 cycles then unmonitor\n  group nginx\n\n",
            web.access_log(site).display()
        );
    }
    rules
}
