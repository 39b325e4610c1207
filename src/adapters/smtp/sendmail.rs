//! A program of this machine that takes mail as sendmail does: the text on its standard input, sender and recipient as
//! arguments, and how it went as an exit status of `sysexits.h`.
//!
//! | how it ended | what that means |
//! |---|---|
//! | 0 | taken |
//! | 67, 68: no such user, no such host | refused for good |
//! | 75 | not now: tried later, as after a relay's 4xx |
//! | 69, 71, 73, 74, 127, or it could not be started | trouble of this machine |
//! | any other status | declined, which may pass |
//! | a signal, or no end in time, once it has the whole text | unclear: it may be in its queue |
//!
//! What it left behind after a good end is its own business: many deliver in the background. One that is late is killed with
//! all it started.
#![expect(
    clippy::disallowed_methods,
    reason = "a program that people named in the configuration is started here, with a cleaned environment and a deadline"
)]

use tokio::process::Command;
use tokio::time::Instant;

use crate::model::{Stay, limits};
use crate::process::{End, Running, Terms};

use super::compose::Parcel;
use super::dialogue::{Answer, Held, Until};
use super::tape::Tape;

/// Where its own helpers are looked for.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Hands the parcel to the program, until then.
pub(super) async fn hold(program: &str, parcel: &Parcel, end: Instant, until: Until) -> Held {
    let tape = Tape::default();
    let answer = match until {
        Until::Taken => hand(program, parcel, end, &tape).await,
        Until::Welcome => look(program, &tape),
    };
    // What it says of one mail is no failure of its own.
    let works = !matches!(
        answer,
        Answer::Deferred(_, Stay::Trouble) | Answer::Unclear(_)
    );
    Held {
        answer,
        works,
        lines: tape.lines(),
    }
}

/// Whether it is there at all.
fn look(program: &str, tape: &Tape) -> Answer {
    match rustix::fs::access(program, rustix::fs::Access::EXEC_OK) {
        Ok(()) => {
            tape.happened("it is there and may be run; nothing is handed to it");
            Answer::Taken
        }
        Err(error) => {
            let why = format!("it cannot be run: {error}");
            tape.happened(&why);
            Answer::Deferred(why, Stay::Trouble)
        }
    }
}

async fn hand(program: &str, parcel: &Parcel, end: Instant, tape: &Tape) -> Answer {
    let (from, to) = (parcel.from.to_string(), parcel.to.to_string());
    // An address must not be read as an option.
    let arguments = ["-i", "-f", &from, "--", &to];
    tape.ours(&format!("{program} {}", arguments.join(" ")));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .current_dir("/");
    let running = match Running::start(command) {
        Ok(running) => running,
        Err(error) => {
            let why = format!("it could not be started: {error}");
            tape.happened(&why);
            return Answer::Deferred(why, Stay::Trouble);
        }
    };
    let terms = Terms {
        input: text(&parcel.bytes),
        until: end,
        // What is too much is not kept.
        flood: u64::MAX,
        leaves: true,
    };
    let mut said = Vec::new();
    let hear = |bytes: &[u8]| {
        let room = limits::COMMAND_OUTPUT.saturating_sub(said.len());
        said.extend(bytes.iter().take(room));
    };
    let seen = running.watch(terms, hear).await;
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    said.lines().for_each(|line| tape.theirs(line));
    let (how, code) = match seen.end {
        End::Late | End::Talkative => ("it did not end in time and was killed".to_owned(), None),
        End::Itself(None) => ("its end was not seen".to_owned(), None),
        End::Itself(Some(status)) => (status.to_string(), status.code()),
    };
    tape.happened(&how);
    let words = last.map_or_else(|| how.clone(), |last| format!("{how}: {last}"));
    answer(code, words, seen.fed)
}

fn answer(code: Option<i32>, words: String, fed: bool) -> Answer {
    match code {
        Some(0) => Answer::Taken,
        Some(67 | 68) => Answer::Refused(words),
        Some(75) => Answer::Deferred(words, Stay::Later),
        Some(69 | 71 | 73 | 74 | 127) => Answer::Deferred(words, Stay::Trouble),
        Some(_) => Answer::Deferred(words, Stay::Declined(1)),
        None if fed => Answer::Unclear(words),
        None => Answer::Deferred(words, Stay::Trouble),
    }
}

/// As programs want it on their standard input: lines that end as on this machine.
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            text.push(byte);
        }
    }
    text
}
