//! The mail server: an instance of Postfix of our own that delivers everything for `probe.test` into one Maildir.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::ground::{HOME, port, program, room, run, wait_for};
use crate::login::is_root;

/// A letter as it was delivered.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    headers: BTreeMap<String, String>,
    /// Everything, as bytes made readable.
    pub(crate) text: String,
}

impl Letter {
    /// Reads its headers.
    pub(crate) fn parse(text: String) -> Self {
        let head = text.split("\n\n").next().unwrap_or("");
        let mut headers = BTreeMap::new();
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        for (name, value) in unfolded.lines().filter_map(|line| line.split_once(':')) {
            headers
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| value.trim().to_owned());
        }
        Self { headers, text }
    }

    /// A header's value; a missing one is a fault.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(&name.to_ascii_lowercase())
            .unwrap_or_else(|| panic!("a mail without {name}:\n{}", self.text))
    }

    /// Whether a header is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(&name.to_ascii_lowercase())
    }

    /// What a retry must repeat.
    fn substance(&self) -> (&str, &str, &str) {
        let body = self.text.split_once("\n\n").map_or("", |(_, body)| body);
        (self.header("Subject"), self.header("Date"), body.trim_end())
    }

    /// `X-Probe-Event`.
    pub(crate) fn event(&self) -> &str {
        self.header("X-Probe-Event")
    }
}

/// Postfix.
#[derive(Debug)]
pub(crate) struct Postfix {
    /// Where it listens.
    pub(crate) port: u16,
    inbox: PathBuf,
    config: PathBuf,
    program: PathBuf,
    /// Postfix wants a directory others may pass; its files belong to its own user.
    room: Option<tempfile::TempDir>,
}

impl Postfix {
    /// Starts it. Postfix must be started by root: an ordinary user needs `sudo -n`.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| (String::new(), String::new()))
    }

    /// Starts it with what `more` adds to its two files; files of its own may be put into the folder that is given.
    pub(crate) fn start_with(more: impl FnOnce(&Path) -> (String, String)) -> Self {
        let program = program("postfix", "postfix");
        let room = room();
        let folder = room.path().to_owned();
        for name in ["config", "queue", "data", "mail"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        let port = port(HOME);
        let (main, master) = more(&folder);
        fs::write(folder.join("config/main.cf"), main_cf(&folder) + &main).unwrap();
        fs::write(folder.join("config/master.cf"), master_cf(port) + &master).unwrap();
        run(as_root("chown")
            .arg("postfix")
            .arg(folder.join("data"))
            .arg(folder.join("mail")));
        run(as_root("chown")
            .arg("-R")
            .arg("root")
            .arg(folder.join("config"))
            .arg(folder.join("queue")));
        let post = Self {
            port,
            inbox: folder.join("mail/inbox/new"),
            config: folder.join("config"),
            program,
            room: Some(room),
        };
        run(as_root(&post.program.to_string_lossy())
            .arg("-c")
            .arg(&post.config)
            .arg("start"));
        wait_for("postfix answers", Duration::from_secs(20), || {
            TcpStream::connect((HOME, port)).is_ok()
        });
        post
    }

    /// Where all its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.room.as_ref().unwrap().path()
    }

    /// What was delivered to a recipient, in order of delivery.
    pub(crate) fn letters_to(&self, recipient: &str) -> Vec<Letter> {
        let mut files: Vec<_> = fs::read_dir(&self.inbox)
            .map(|folder| folder.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        files.sort_by_key(|path: &PathBuf| {
            fs::metadata(path).and_then(|found| found.modified()).ok()
        });
        files
            .iter()
            .filter_map(|path| fs::read(path).ok())
            .map(|bytes| Letter::parse(String::from_utf8_lossy(&bytes).replace("\r\n", "\n")))
            .filter(|letter| {
                letter.has("Delivered-To") && letter.header("Delivered-To") == recipient
            })
            .collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = as_root(&self.program.to_string_lossy())
            .arg("-c")
            .arg(&self.config)
            .arg("stop")
            .output();
        if let Some(room) = self.room.take() {
            let _ = as_root("rm").arg("-rf").arg(room.path()).output();
        }
    }
}

/// A command with the rights Postfix needs.
pub(crate) fn as_root(name: &str) -> Command {
    if is_root() {
        return Command::new(name);
    }
    let mut command = Command::new(program("sudo", "sudo"));
    command.args(["-n", "--", name]);
    command
}

fn id(flag: &str) -> String {
    run(Command::new("id").args([flag, "postfix"]))
        .trim()
        .to_owned()
}

fn main_cf(folder: &Path) -> String {
    format!(
        "compatibility_level = 3.6\nqueue_directory = {0}/queue\ndata_directory = {0}/data\nmail_owner = postfix\n\
         setgid_group = postdrop\nmyhostname = mail.test\nmydestination =\ninet_interfaces = {HOME}\ninet_protocols = ipv4\n\
         mynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject\nrelay_domains =\nalias_maps =\n\
         default_transport = error:this server only knows probe.test\nvirtual_mailbox_domains = probe.test\n\
         virtual_mailbox_base = {0}/mail\nvirtual_mailbox_maps = static:inbox/\nvirtual_uid_maps = static:{1}\n\
         virtual_gid_maps = static:{2}\nmaillog_file = {0}/mail.log\nmaillog_file_prefixes = {0}\nsmtpd_peername_lookup = no\n",
        folder.display(),
        id("-u"),
        id("-g"),
    )
}

/// Debian's services that this instance needs, without chroot.
fn master_cf(port: u16) -> String {
    format!("{HOME}:{port} inet n - n - - smtpd\n")
        + "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
           rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
           trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nproxymap unix - - n - - proxymap\n\
           error unix - - n - - error\nretry unix - - n - - error\nvirtual unix - n n - - virtual\n\
           anvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\npostlog unix-dgram n - n - 1 postlogd\n"
}

/// The letters by incident, repetitions taken out; whole threads or a panic.
///
/// A thread is whole when one message is `down`, one is `up`, every other message answers the first, and a message that
/// was delivered twice is the same message: the same id, subject, date and body.
pub(crate) fn threads(letters: &[Letter]) -> BTreeMap<String, Vec<Letter>> {
    let mut threads: BTreeMap<String, Vec<Letter>> = BTreeMap::new();
    for letter in letters {
        let thread = threads
            .entry(letter.header("X-Probe-Incident").to_owned())
            .or_default();
        let id = letter.header("Message-ID");
        match thread.iter().find(|seen| seen.header("Message-ID") == id) {
            Some(seen) => assert_eq!(seen.substance(), letter.substance(), "{id} changed"),
            None => thread.push(letter.clone()),
        }
    }
    for (incident, thread) in &threads {
        let of = |event| {
            let found: Vec<_> = thread
                .iter()
                .filter(|letter| letter.event() == event)
                .collect();
            assert_eq!(
                found.len(),
                1,
                "{incident}: {} `{event}` mails",
                found.len()
            );
            found[0]
        };
        let first = of("down").header("Message-ID");
        of("up");
        for letter in thread.iter().filter(|letter| letter.event() != "down") {
            assert_eq!(letter.header("In-Reply-To"), first, "{}", letter.text);
            assert!(
                letter.header("References").contains(first),
                "{}",
                letter.text
            );
            assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
        }
    }
    threads
}
