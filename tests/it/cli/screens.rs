//! Whole screens, compared exactly. `UPDATE_GOLDEN=1` writes what is there now; then look at the difference.

use std::path::Path;

use probe::model::{
    Cause, Finding, Happened, Hold, Pause, Quoted, RecoveryOutcome, Stage, Standing,
};
use probe::render::terminal::{self, Layout};

use super::fixture::{World, attempt, good, host, judged, look, name, now, secs, subject};
use super::worlds::{degraded, gave_up, japanese, settling, unknown, well};

pub(super) fn golden(file: &str, seen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/cli/golden")
        .join(format!("{file}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, seen).unwrap();
    }
    let wanted = std::fs::read_to_string(&path)
        .unwrap_or_else(|fault| panic!("{}: {fault}; UPDATE_GOLDEN=1 writes it", path.display()));
    assert!(
        seen == wanted,
        "{file}: not as {}\n--- wanted\n{wanted}\n--- seen\n{seen}",
        path.display()
    );
}

fn once(world: &World, look: Layout) -> String {
    terminal::once(
        &world.settings,
        &world.fleet,
        &world.selection(),
        &world.record,
        look,
    )
}

fn status(world: &World, look: Layout) -> String {
    terminal::status(
        &world.settings,
        &world.fleet,
        &world.selection(),
        subject,
        look,
    )
}

#[test]
fn all_up() {
    golden("all-up-120", &once(&well(), look(120)));
    golden("all-up-100", &once(&well(), look(100)));
    golden("all-up-60", &once(&well(), look(60)));
    let verbose = Layout {
        verbose: true,
        ..look(100)
    };
    golden("all-up-verbose", &once(&well(), verbose));
}

#[test]
fn down_and_settling() {
    golden("settling-120", &once(&settling(), look(120)));
    golden("settling-60", &once(&settling(), look(60)));
    golden("settling-status", &status(&settling(), look(120)));
}

#[test]
fn down_and_restarting() {
    let mut world = settling();
    let track = world.fleet.host_mut(&host("web1"));
    let mut going = attempt(2, RecoveryOutcome::Succeeded);
    going.report = None;
    going.ended = None;
    track.stage = Stage::Restarting {
        attempt: going.id,
        deadline: now() + secs(120),
    };
    track.last = Some(going);
    golden("restarting-120", &once(&world, look(120)));
    golden("restarting-status", &status(&world, look(120)));
}

#[test]
fn gave_up_on_a_host() {
    golden("gave-up-120", &once(&gave_up(), look(120)));
    golden("gave-up-status-80", &status(&gave_up(), look(80)));
}

#[test]
fn could_not_tell() {
    golden("unknown-120", &once(&unknown(), look(120)));
    golden("unknown-status", &status(&unknown(), look(120)));
}

#[test]
fn degraded_and_failing() {
    golden("degraded-120", &once(&degraded(), look(120)));
    golden("degraded-60", &once(&degraded(), look(60)));
}

#[test]
fn japanese_text_stays_aligned() {
    golden("japanese-100", &once(&japanese(), look(100)));
}

#[test]
fn paused_with_something_down() {
    let mut world = gave_up();
    let pause = Pause {
        since: Some(now() - secs(1800)),
        until: Some(now() + secs(5400)),
        reason: Some("deploy 4.2".to_owned()),
    };
    world.fleet.pauses.insert("web1".to_owned(), pause.clone());
    let track = world.fleet.host_mut(&host("web1"));
    track.stage = Stage::Idle;
    track.hold = Some(Hold::Paused {
        until: pause.until,
        reason: pause.reason,
    });
    golden("paused-status", &status(&world, look(100)));
}

#[test]
fn budget_spent_and_a_recovery_seen_once() {
    let mut world = gave_up();
    let track = world.fleet.host_mut(&host("web1"));
    track.stage = Stage::Idle;
    let hold = Hold::Budget {
        restarts: 3,
        per: secs(3600),
        until: now() + secs(2700),
    };
    track.hold = Some(hold.clone());
    world.note(&Happened::Held {
        host: host("web1"),
        hold,
        again: false,
        lasts: false,
    });
    let shop = world.fleet.profile_mut(&name("shop"));
    shop.last = vec![good("https://shop.example.com/", "192.0.2.10:443")];
    shop.successes = 1;
    golden("budget-100", &once(&world, look(100)));
}

#[test]
fn dry_run_says_what_would_be_done() {
    let dry = Layout {
        dry_run: true,
        ..look(100)
    };
    let text = once(&well(), dry);
    assert!(
        text.ends_with("3 up · dry run: nothing was written, sent or restarted\n"),
        "{text}"
    );
    golden("dry-run-100", &once(&settling(), dry));
}

#[test]
fn no_profile_due() {
    let mut world = well();
    world.settings.profiles.clear();
    assert_eq!(
        once(&world, look(100)),
        "no profile is due; `probe once NAME` probes one now\n"
    );
}

/// Every screen in every width: the table's lines never wider than the terminal, and colour changes nothing but colour.
#[test]
fn colour_and_width_change_no_words() {
    for world in [
        well(),
        settling(),
        gave_up(),
        unknown(),
        degraded(),
        japanese(),
    ] {
        for width in [60, 72, 80, 100, 120, 200] {
            for write in [once, status] {
                let plain = write(&world, look(width));
                let color = write(
                    &world,
                    Layout {
                        color: true,
                        ..look(width)
                    },
                );
                assert!(color.contains("\u{1b}["), "no colour at all");
                let stripped: String = color
                    .split('\n')
                    .map(probe::render::text::clean)
                    .collect::<Vec<_>>()
                    .join("\n");
                assert_eq!(stripped, plain);
                assert!(!plain.contains('\u{1b}'));
                for line in plain.lines() {
                    let wide = probe::render::text::width(line);
                    // A single word may stand out; a line of the table may not.
                    assert!(
                        wide <= width || !line.trim_start().contains("  "),
                        "{wide} columns of {width}: {line}"
                    );
                    assert_eq!(line, line.trim_end());
                }
            }
        }
    }
}

#[test]
fn what_a_server_wrote_cannot_paint_the_screen() {
    let mut world = well();
    let differs = Finding::HeaderDiffers {
        name: "x".to_owned(),
        value: Quoted::new("\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[1;1Hall is well\r\n\u{9b}31m"),
        wanted: "y".to_owned(),
    };
    let check = judged(
        "https://evil.example.com/",
        "192.0.2.66:443",
        Cause::Content,
        differs,
    );
    world.profile("evil", None, Standing::Failing, vec![check]);
    let text = once(&world, look(120));
    assert!(text.contains("header `x` is “all is well”"), "{text}");
    assert!(
        !text.chars().any(|c| c.is_control() && c != '\n'),
        "{text:?}"
    );
}
