//! One incident is one thread in the reader people have: notmuch, on a Maildir of our own mails.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use probe::adapters::smtp::bytes;
use probe::model::{EventKind, IncidentId, Notification, RecoveryOutcome, Wording};
use probe::render::mail::compose;

use super::entries::{
    after, down, english, entry, gave_up, japanese, reminder, restarted, test, up,
};

/// A Maildir with a notmuch of its own.
struct Reader {
    room: tempfile::TempDir,
    taken: usize,
}

impl Reader {
    fn start() -> Self {
        let room = tempfile::tempdir().unwrap();
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir_all(room.path().join("mail").join(folder)).unwrap();
        }
        let mail = room.path().join("mail");
        let config = format!(
            "[database]\npath={}\n[user]\nname=Ops\nprimary_email=ops@example.com\n[new]\ntags=new\n",
            mail.display()
        );
        fs::write(room.path().join("notmuch"), config).unwrap();
        Self { room, taken: 0 }
    }

    /// Delivers a mail as a file, and lets notmuch find it.
    fn deliver(&mut self, note: &Notification, wording: &Wording) {
        self.taken += 1;
        let mail = bytes(&compose(&entry(note.clone()), wording)).unwrap();
        let name = format!("{}.probe.test", self.taken);
        fs::write(self.room.path().join("mail/new").join(name), mail).unwrap();
        self.notmuch(&["new", "--quiet"]);
    }

    /// For each thread the events of its mails.
    fn threads(&self) -> BTreeSet<BTreeSet<String>> {
        let threads = self.notmuch(&["search", "--output=threads", "*"]);
        let files = |thread: &str| self.notmuch(&["search", "--output=files", thread]);
        let events = |thread| {
            files(thread)
                .lines()
                .map(|file| event(Path::new(file)))
                .collect()
        };
        threads.lines().map(events).collect()
    }

    fn notmuch(&self, words: &[&str]) -> String {
        let output = Command::new("notmuch")
            .env("NOTMUCH_CONFIG", self.room.path().join("notmuch"))
            .env_remove("NOTMUCH_DATABASE")
            .env_remove("NOTMUCH_PROFILE")
            .env("HOME", self.room.path())
            .args(words)
            .output()
            .expect("`notmuch` is not installed: apt-get install notmuch");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// `shop-1 down`: the incident and the event, as the file says.
fn event(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    format!("{} {}", value("X-Probe-Incident:"), value("X-Probe-Event:"))
        .trim()
        .to_owned()
}

/// All mails of one outage of a site, in the order in which they are written.
fn outage(name: &str) -> Vec<Notification> {
    let notes = vec![
        down(),
        restarted(RecoveryOutcome::Failed),
        gave_up(),
        reminder(),
        up(),
    ];
    let numbered = notes.into_iter().enumerate().map(|(place, mut note)| {
        note.incident = Some(IncidentId::new(name, "20261122T060041Z"));
        note.sequence = u32::try_from(place).unwrap();
        note.at = after(60 * place as u64);
        note
    });
    numbered.collect()
}

fn expected(outages: &[&[Notification]]) -> BTreeSet<BTreeSet<String>> {
    let events = |notes: &&[Notification]| {
        let name = |note: &Notification| {
            let incident = note.incident.as_ref().unwrap();
            format!("{} {}", incident.as_str(), note.event.word())
        };
        notes.iter().map(name).collect()
    };
    outages.iter().map(events).collect()
}

#[test]
fn one_incident_is_one_thread_and_two_are_two() {
    for wording in [english(), japanese()] {
        let (first, second) = (outage("shop"), outage("blog"));
        let mut reader = Reader::start();
        for (one, other) in first.iter().zip(&second) {
            reader.deliver(one, &wording);
            reader.deliver(other, &wording);
        }
        assert_eq!(reader.threads(), expected(&[&first, &second]));
        // What belongs to no incident joins none of them.
        let alone = test();
        assert_eq!(alone.event, EventKind::Test);
        reader.deliver(&alone, &wording);
        let mut with = expected(&[&first, &second]);
        with.insert(BTreeSet::from(["test".to_owned()]));
        assert_eq!(reader.threads(), with);
    }
}

/// Greylisted, retried, deleted: whatever the order in which they come, and where the first is not there at all.
#[test]
fn a_thread_holds_in_any_order_and_without_its_first_mail() {
    let (first, second) = (outage("shop"), outage("blog"));
    let mut reader = Reader::start();
    for (one, other) in first.iter().rev().zip(second.iter().skip(1).rev()) {
        reader.deliver(one, &english());
        reader.deliver(other, &english());
    }
    // One less of the other site, so the first of this one is still to come.
    reader.deliver(&first[0], &english());
    assert_eq!(reader.threads(), expected(&[&first, &second[1..]]));
    // The same mail once more, as after an unclear answer, is the same message.
    let before = reader.notmuch(&["count", "*"]);
    reader.deliver(&first[0], &english());
    assert_eq!(reader.notmuch(&["count", "*"]), before);
    assert_eq!(reader.threads(), expected(&[&first, &second[1..]]));
}
