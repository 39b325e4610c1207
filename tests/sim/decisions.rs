//! Golden decisions: recorded situations, one file each (`decisions/NAME.txt`), with what the rules make of them.
//!
//! A file begins with `#` lines that say why the decision is right. Then comes the situation, a line for each thing that is
//! not as usual; below `---` stands what is decided, in words. `UPDATE_DECISIONS=1 cargo test --test sim decisions` writes
//! that part anew; read the difference before you commit it.
//!
//! | line | means |
//! |---|---|
//! | `site NAME on HOST` | a site and its host; `site NAME` has none; an hour of good probes behind it |
//! | `NAME fails by CAUSE` | the last three probes failed so, 20, 10 and 0 s ago; `… N times` for another number, `… Ns old` for older ones |
//! | `NAME is known as down` | its incident is open and people have heard of it |
//! | `NAME cannot be judged` | its last probe, after those that failed, could not be judged |
//! | `NAME says WORDS` | what its last probe saw |
//! | `HOST restarted 50m 40m ago` | restarts that count for its budget |
//! | `HOST attempts N` | attempts since it was last proven healthy |
//! | `HOST KEY VALUE` | a key of its `restart` section: `when`, `give_up_after`, `causes` |
//! | `HOST waits 20s` | its backoff runs for so long |
//! | `HOST is restarting`, `settles 30s`, `gave up`, `forced` | what its recovery does |
//! | `HOST is looked at first` | `diagnose: true`, and it was not looked at yet |
//! | `HOST tells KEY=VALUE` | it was looked at five seconds ago and said so, and otherwise that all is well |
//! | `HOST lets nobody in`, `refuses the login`, `does not end`, `answers no facts` | how else a look five seconds ago ended |
//! | `NAME failed otherwise until 5s ago` | the kind of its failure changed then: errors, and now its server is gone |
//! | `HOST was looked at 70s ago`, `was refused 3 times` | when that was, and how often it spoke against a restart |
//! | `HOST has the agent`, `runs COMMAND`, `guards KEY VALUE`, `broke 2 times` | what else is known of it |
//! | `HOST was away 20s ago`, `is back for 1m` | its SSH port was closed then; it answers again |
//! | `pause NAME [WORDS]` | a person's pause, with its reason; `pause NAME ends in 0s` is one for a time |
//! | `NAME is being probed`, `was probed by an earlier run` | what is known of its last probe |
//! | `NAME is at 192.0.2.11:443` | its last probe was answered, or not, at that address; otherwise all sites are at one |
//! | `NAME was probed 40s ago` | its last probe ended then; otherwise it has just ended |
//! | `HOST waited for AILMENT since 31m` | what earlier looks found that passes by itself |
//! | `NAME was never up`, `NAME fails at AUTHORITY` | why what it fails by is no evidence |
//! | `window NAME` | its maintenance window is open for another ten minutes |
//! | `no canaries`, `canary 40s ago`, `network down` | our own network |
//! | `state unwritable`, `state was damaged [long ago]` | our own memory |

use std::fmt::Write as _;
use std::path::PathBuf;

use probe::model::Ailment;

use situation::Situation;

mod decided;
mod situation;

#[test]
fn every_recorded_situation_is_decided_as_it_was() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sim/decisions");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
        .collect();
    files.sort();
    let mut wrong = String::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (given, wanted) = text.split_once("---\n").unwrap_or((&text, ""));
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(given.starts_with("# "), "{name} does not say why");
        let decided = Situation::read(given).decide();
        if std::env::var_os("UPDATE_DECISIONS").is_some() {
            std::fs::write(path, format!("{given}---\n{decided}")).unwrap();
        } else if decided != wanted {
            writeln!(wrong, "{name}\nnow:\n{decided}recorded:\n{wanted}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    for ailment in Ailment::ALL {
        let word = ailment.word();
        let rows = files.iter().filter(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let decided = text.split_once("---\n").map_or("", |(_, decided)| decided);
            decided.contains(&format!(": {word}: ")) || decided.contains(&format!(" ({word})"))
        });
        assert!(
            rows.count() > 0,
            "no situation is decided by the row `{word}`"
        );
    }
    println!("{} situations", files.len());
}
