//! The web host: nginx with two sites on an address of its own, and stand-ins for `kusanagi` and `systemctl is-enabled`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::ground::{WEB, is_alive, pid_in, port, program, run, script, text, wait_for};

/// The sites.
pub(crate) const SITES: [&str; 2] = ["shop", "blog"];

/// nginx and what KUSANAGI puts around it.
#[derive(Debug)]
pub(crate) struct Web {
    /// Where nginx listens.
    pub(crate) port: u16,
    /// Everything of this host.
    pub(crate) folder: PathBuf,
    nginx: PathBuf,
}

impl Web {
    /// Writes its files and starts nginx.
    pub(crate) fn start(room: &Path) -> Self {
        let folder = room.join("web");
        let web = Self {
            port: port(WEB),
            nginx: program("nginx", "nginx-light"),
            folder,
        };
        for site in SITES {
            fs::create_dir_all(web.folder.join(site)).unwrap();
        }
        fs::create_dir_all(web.folder.join("tmp")).unwrap();
        fs::write(web.config(), web.nginx_conf()).unwrap();
        script(&web.kusanagi(), &web.kusanagi_script());
        script(&web.is_enabled(), &web.is_enabled_script());
        web.begin();
        web
    }

    fn config(&self) -> PathBuf {
        self.folder.join("nginx.conf")
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("nginx.pid")
    }

    /// The stand-in for `kusanagi`.
    pub(crate) fn kusanagi(&self) -> PathBuf {
        self.folder.join("kusanagi")
    }

    /// The stand-in for `systemctl is-enabled`.
    pub(crate) fn is_enabled(&self) -> PathBuf {
        self.folder.join("is-enabled")
    }

    /// The access log of a site, the one Monit reads.
    pub(crate) fn access_log(&self, site: &str) -> PathBuf {
        self.folder.join(site).join("access.log")
    }

    fn nginx_conf(&self) -> String {
        let folder = self.folder.display();
        let mut conf = format!(
            "worker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n"
        );
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            conf += &format!("  {kind}_temp_path {folder}/tmp/{kind};\n");
        }
        for site in SITES {
            conf += &format!(
                "  server {{\n    listen {WEB}:{}; server_name {site}.test;\n    access_log {folder}/{site}/access.log combined;\n    \
                 location = /broken {{ return 500; }}\n    \
                 location / {{ default_type text/html; return 200 '<html><title>{site}</title>{site} is up</html>'; }}\n  }}\n",
                self.port
            );
        }
        conf + "}\n"
    }

    /// Like the true one it says nothing about whether nginx came up; unlike it, it counts.
    fn kusanagi_script(&self) -> String {
        let (folder, nginx) = (self.folder.display(), self.nginx.display());
        format!(
            "#!/bin/bash\n[ \"$1\" = restart ] || {{ echo 'Try kusanagi -h'; exit 0; }}\n\
             echo begin >>{folder}/restarts\n\
             if [ -s {folder}/nginx.pid ]; then {nginx} -c {folder}/nginx.conf -s stop 2>/dev/null; fi\n\
             for _ in {{1..50}}; do [ -s {folder}/nginx.pid ] || break; sleep 0.1; done\n\
             [ -e {folder}/over ] || {nginx} -c {folder}/nginx.conf && echo Done.\n"
        )
    }

    /// Says `enabled` of a server that is not running, as systemd does; each line of its record is a cycle of Monit.
    fn is_enabled_script(&self) -> String {
        format!(
            "#!/bin/bash\necho cycle >>{}/cycles\necho enabled\n",
            self.folder.display()
        )
    }

    fn begin(&self) {
        run(Command::new(&self.nginx).arg("-c").arg(self.config()));
        wait_for("nginx answers", Duration::from_secs(10), || {
            self.get("shop", "/").is_some()
        });
    }

    /// Starts nginx again, as a person would.
    pub(crate) fn start_by_hand(&self) {
        if self.get("shop", "/").is_none() {
            self.begin();
        }
    }

    /// Stops nginx completely.
    pub(crate) fn stop(&self) {
        let pid = pid_in(&self.pid_file());
        run(Command::new(&self.nginx)
            .arg("-c")
            .arg(self.config())
            .args(["-s", "stop"]));
        wait_for("nginx is gone", Duration::from_secs(10), || {
            pid.is_none_or(|pid| !is_alive(pid)) && self.get("shop", "/").is_none()
        });
    }

    /// One request on a connection of its own: the status line's number and the body; `None` when nothing answers.
    pub(crate) fn get(&self, site: &str, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect((WEB, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {site}.test\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// Whether a site answers with its own page.
    pub(crate) fn is_up(&self, site: &str) -> bool {
        self.get(site, "/")
            .is_some_and(|(status, body)| status == 200 && body.contains(&format!("{site} is up")))
    }

    /// How often `kusanagi restart` was run.
    pub(crate) fn restarts(&self) -> usize {
        text(&self.folder.join("restarts")).lines().count()
    }

    /// How many cycles Monit has begun.
    pub(crate) fn cycles(&self) -> usize {
        text(&self.folder.join("cycles")).lines().count()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        // A restart that is still under way starts nothing any more.
        let _ = fs::write(self.folder.join("over"), "");
        if let Some(pid) = pid_in(&self.pid_file()) {
            let _ = Command::new(&self.nginx)
                .arg("-c")
                .arg(self.config())
                .args(["-s", "stop"])
                .output();
            let deadline = std::time::Instant::now() + Duration::from_secs(5);
            while is_alive(pid) && std::time::Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
