//! The mailbox in the spare namespace: a process of its own, this test binary, that keeps each message as a file.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::bench::{AUX4, Bench};
use super::watch::Watch;
use crate::ground::wait_for;
use crate::mail;
use crate::post::{Letter, as_root};

/// Tells the process that it is the mailbox, and where it keeps its mail.
const FOLDER: &str = "PROBE_REAL_MAILBOX";
const TEST: &str = "host::mailbox::a_test_mail_reaches_the_mailbox";

/// The mailbox's process; it ends with its input.
pub(super) struct Mailbox {
    folder: PathBuf,
    _serving: Child,
}

impl Mailbox {
    /// Starts it in a namespace.
    pub(super) fn start(namespace: &str, folder: &Path) -> Self {
        let mut command = as_root("ip");
        command
            .args(["netns", "exec", namespace, "env"])
            .arg(format!("{FOLDER}={}", folder.display()))
            .arg(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture", "--test-threads=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let serving = command.spawn().unwrap();
        let mailbox = Self {
            folder: folder.to_owned(),
            _serving: serving,
        };
        wait_for("the mailbox listens", Duration::from_secs(20), || {
            folder.join("listens").exists()
        });
        mailbox
    }

    /// What was sent to a recipient, in order.
    pub(super) fn letters_to(&self, recipient: &str) -> Vec<Letter> {
        let mut files: Vec<_> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "eml"))
            .collect();
        files.sort();
        let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
        texts
            .map(Letter::parse)
            .filter(|letter| letter.header("Delivered-To") == recipient)
            .collect()
    }
}

#[test]
fn a_test_mail_reaches_the_mailbox() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return serve(Path::new(&folder));
    }
    let bench = Bench::borrow();
    let watch = Watch::begin(&bench, "drill", "");
    let (code, words) = watch.probe(&["drill", "--mail"]);
    assert_eq!(code, Some(0), "{words}");
    let letters = bench.letters_to(&watch.recipient);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].event(), "test");
}

/// Takes mail until the input ends.
fn serve(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let listener = TcpListener::bind((AUX4, 25)).unwrap();
    fs::write(folder.join("listens"), "").unwrap();
    let (folder, count) = (folder.to_owned(), AtomicUsize::new(0));
    std::thread::spawn(move || {
        std::thread::scope(|scope| {
            for stream in listener.incoming() {
                scope.spawn(|| {
                    mail::take(stream.unwrap(), |text| {
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        let part = folder.join(format!("{number:05}.part"));
                        fs::write(&part, text).unwrap();
                        fs::rename(part, folder.join(format!("{number:05}.eml"))).unwrap();
                    })
                });
            }
        });
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
