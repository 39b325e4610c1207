//! The words as files: each language says everything, people's own take the place of ours, and a broken one loses no mail.

use std::path::PathBuf;

use probe::model::{
    Cause, Finding, Hold, Language, Observation, Reason, Remark, Template, Wording, Zone,
};
use probe::render::explain;
use probe::render::mail::{Letter, compose};
use probe::render::words::catalogue::File;
use probe::render::words::{Complaint, Voice, check};

use super::entries::{self, NIGHT, after, english, entry, japanese};

/// English with one file of people's own.
fn own(name: &str, text: &str) -> Wording {
    Wording {
        templates: vec![Template {
            path: PathBuf::from(format!("words/{name}.txt")),
            name: name.to_owned(),
            text: text.to_owned(),
        }],
        ..english()
    }
}

fn down(wording: &Wording) -> Letter {
    compose(&entry(entries::down()), wording)
}

/// A complaint's beginning.
fn cut(text: &str) -> String {
    text.chars().take(90).collect()
}

/// `line: piece: message; what to do`.
fn told(wording: &Wording) -> Vec<String> {
    let shown = |complaint: Complaint| {
        assert!(complaint.path.starts_with("words"));
        let act = complaint
            .act
            .map_or_else(String::new, |act| format!("; {act}"));
        let said = cut(&format!("{}{act}", complaint.message));
        format!("{}: {}: {said}", complaint.line, complaint.piece)
    };
    check(wording).into_iter().map(shown).collect()
}

fn names(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines.filter_map(|line| line.strip_prefix("== ")).collect()
}

#[test]
fn each_language_has_the_same_pieces_and_none_is_at_fault() {
    for file in File::ALL {
        let english = names(file.text(Language::En));
        assert_eq!(english, names(file.text(Language::Ja)), "{}", file.name());
        for language in Language::ALL {
            let copied = own(file.name(), file.text(language));
            assert_eq!(told(&copied), [""; 0], "{} {language:?}", file.name());
        }
    }
}

/// Whoever copies our files and changes nothing gets the same mails.
#[test]
fn our_own_files_as_templates_change_nothing() {
    for spoken in [english(), japanese()] {
        let mut copied = spoken.clone();
        copied.templates = File::ALL
            .iter()
            .map(|file| Template {
                path: PathBuf::from(file.name()),
                name: file.name().to_owned(),
                text: file.text(spoken.language).to_owned(),
            })
            .collect();
        for note in entries::all() {
            let ours = compose(&entry(note.clone()), &spoken);
            assert_eq!(ours, compose(&entry(note), &copied));
        }
    }
}

#[test]
fn japanese_mails_hold_no_english_sentence() {
    for note in entries::all() {
        let letter = compose(&entry(note), &japanese());
        for word in [" the ", " is ", " was ", " and ", "What ", "attempt"] {
            let ours = letter.text.lines().filter(|line| !line.contains('|'));
            let ours: Vec<&str> = ours.filter(|line| !line.contains("（moving")).collect();
            assert!(!ours.join("\n").contains(word), "{word}: {}", letter.text);
        }
        assert!(letter.html.contains("<html lang=\"ja\">"));
    }
    let voice = Voice::of(&japanese());
    for cause in Cause::ALL {
        let said = explain::cause_sentence(&voice, *cause);
        assert!(said.ends_with('。'), "{said}");
    }
}

#[test]
fn times_follow_the_zone_and_its_summer_time() {
    let at = |zone: &str, at| {
        Voice::of(&Wording {
            zone: Zone::try_new(zone).unwrap(),
            ..english()
        })
        .day_clock(at)
    };
    assert_eq!(at("Asia/Tokyo", NIGHT), "22 Nov 2026, 15:00:41 JST");
    assert_eq!(at("Europe/Berlin", NIGHT), "22 Nov 2026, 07:00:41 CET");
    let summer = after(180 * 86_400);
    assert_eq!(at("Europe/Berlin", summer), "21 May 2027, 08:00:41 CEST");
    assert_eq!(at("America/Sao_Paulo", NIGHT), "22 Nov 2026, 03:00:41 -03");
    assert!(Zone::try_new("Asia/Tokio").is_none());
    // Another day here is the same day there.
    let (one, other) = (after(8 * 3600), after(10 * 3600));
    assert!(Voice::of(&english()).same_day(one, other));
    assert!(!Voice::of(&japanese()).same_day(one, other));
}

#[test]
fn a_piece_of_peoples_own_takes_the_place_of_ours() {
    let wording = own(
        "down",
        "Ours, with the number to call.\n\n== subject\n[DOWN] {{ site }} on {{ host }}\n\n== advice\n\
         Call the hosting company.\n\n$ probe why {{ host }}\n",
    );
    assert_eq!(told(&wording), [""; 0]);
    let letter = down(&wording);
    assert_eq!(letter.complaints, [""; 0]);
    assert_eq!(letter.subject, "[DOWN] shop on web1");
    assert!(
        letter
            .text
            .contains("  Call the hosting company.\n    | probe why web1\n"),
        "{}",
        letter.text
    );
    assert!(
        letter
            .text
            .starts_with("shop is down since 06:00:21 UTC: connection refused.\n")
    );
    let up = compose(&entry(entries::up()), &wording);
    assert_eq!(
        up.subject,
        compose(&entry(entries::up()), &english()).subject
    );
    // A shared sentence, in the mails that say it.
    let wording = own("causes", "== refused.short\nnobody is at home\n");
    assert_eq!(
        down(&wording).subject,
        "[DOWN] shop: nobody is at home (web1)"
    );
}

/// What a probe saw can be said in other words, too.
#[test]
fn a_finding_in_peoples_own_words_takes_the_place_of_ours() {
    let text = "== no_such_page\nsomebody moved it\n";
    let mut wording = own("details", text);
    let mut note = entries::down();
    for seen in &mut note.seen {
        let Observation::Check { cause, finding, .. } = seen else {
            panic!("a check");
        };
        *cause = Cause::Status;
        **finding = Finding::StatusExpected {
            status: 404,
            expected: "200".to_owned(),
        }
        .meaning(Finding::NoSuchPage);
    }
    let words = |wording: &Wording| {
        let letter = compose(&entry(note.clone()), wording);
        assert!(letter.complaints.is_empty(), "{:?}", letter.complaints);
        letter.text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = words(&wording);
    assert!(
        said.contains("404, expected 200: somebody moved it"),
        "{said}"
    );
    assert!(words(&english()).contains("404, expected 200: there is no such page;"));
    wording.language = Language::Ja;
    let said = words(&wording);
    assert!(said.contains("200）: somebody moved it"), "{said}");
}

#[test]
fn what_is_wrong_is_told_by_line() {
    let cases = [
        (
            "== subject\n{{ sight }}\n",
            "2: subject: unknown value `sight`; it knows attempt, cause, day, declined",
        ),
        (
            "\n== subject\n\n[DOWN]\n{% if host %}\n{{ site\n",
            "6: subject: syntax error: ",
        ),
        (
            "== subject\n[DOWN]\n== subjekt\nx\n",
            "3: subjekt: no such piece; one of these: subject, headline, lead, advice",
        ),
        (
            "== subject\na\n== subject\nb\n",
            "3: subject: the same piece twice; leave one out",
        ),
        (
            "== subject\n\n== lead\n",
            "1: subject: says nothing; write it, or leave the piece out: then ours is said",
        ),
        (
            "only a remark\n",
            "0: : there is no piece in it; begin one with a line like `== subject`",
        ),
        (
            "== subject\n{{ site | upper }}\n",
            "2: subject: unknown filter",
        ),
        (
            "== subject\n{{ range(9) }}\n",
            "2: subject: unknown value `range`",
        ),
        (
            "== subject\n{% include \"/etc/passwd\" %}\n",
            "2: subject: syntax error",
        ),
        (
            "== subject\n{% for a in \"xxxxxxxxxxxxxxxxxxxxxxxxxx\" * 900 %}{% for b in \"xxxxxxxxxx\" %}y{% endfor %}{% endfor %}\n",
            "2: subject: ",
        ),
    ];
    for (text, expected) in cases {
        let found = told(&own("down", text));
        assert!(
            found.len() == 1 && found[0].starts_with(expected),
            "{text}: {found:?}"
        );
    }
    let found = told(&own("dwon", "== subject\nx\n"));
    assert!(
        found[0].starts_with("0: : `dwon.txt` is no template; name it like one of these: down,"),
        "{found:?}"
    );
    let found = told(&own("details", "== connection_refusd\nx\n"));
    assert!(
        found[0]
            .starts_with("1: connection_refusd: no such piece; did you mean `connection_refused`?"),
        "{found:?}"
    );
    // As it was written before findings had keys.
    let found = told(&own("details", "nothing listens there\n  nobody home\n"));
    assert!(
        found[0].starts_with("0: : there is no piece in it; begin one with a line like"),
        "{found:?}"
    );
    let found = told(&own("times", "== clock\n%H:%M %Ö\n"));
    assert!(
        found[0].starts_with("2: clock: not a pattern of strftime"),
        "{found:?}"
    );
}

/// At three in the morning nobody mends a template.
#[test]
fn a_broken_piece_is_said_in_our_words() {
    let ours = down(&english());
    for (name, text) in [
        ("down", "== subject\n{{ nobody.knows }}\n"),
        ("down", "== subject\n{% if %}\n"),
        ("down", "== subject\n{{ site | upper }}\n"),
        ("down", "== subject\n{# nothing #}\n"),
        (
            "down",
            "== headline\n{% for a in \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" %}{% for b in \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" %}{% for c in \"xxxxxxxxxxxxxxxxxxxxx\" %}{{ site }}{% endfor %}{% endfor %}{% endfor %}\n",
        ),
        ("times", "== clock\n%H:%M:%Ö\n"),
        ("causes", "== refused\n{{ host }}\n"),
        ("details", "== nothing_but_the_cause\n{{ nobody }}\n"),
    ] {
        let letter = down(&own(name, text));
        assert!(!letter.complaints.is_empty(), "{text}");
        let said = (&letter.subject, &letter.text, &letter.html);
        assert_eq!(said, (&ours.subject, &ours.text, &ours.html), "{text}");
    }
}

/// A value that looks like markup of ours is a value.
#[test]
fn a_value_becomes_no_command_and_no_markup() {
    let wording = own(
        "blind",
        "== lead\n{{ remark }}\n\n== advice\n{{ remark }}\n",
    );
    let mut note = entries::blind();
    note.remark = Some(Remark::Path(
        "$ rm -rf / <b>{{ site }}{% if %}</b> \u{e000}".to_owned(),
    ));
    let letter = compose(&entry(note), &wording);
    assert_eq!(letter.complaints, [""; 0]);
    assert!(
        letter
            .text
            .contains("\n$ rm -rf / <b>{{ site }}{% if %}</b>\n"),
        "{}",
        letter.text
    );
    assert!(letter.text.contains("\n  $ rm -rf /"), "{}", letter.text);
    assert!(!letter.html.contains("<b>") && !letter.html.contains('\u{e000}'));
}

#[test]
fn every_hold_is_told_in_japanese() {
    let voice = Voice::of(&japanese());
    for hold in [
        Hold::StateUnwritable,
        Hold::NetworkDown,
        Hold::AwaitingCanary,
        Hold::Restarting,
        Hold::Backoff { until: NIGHT },
        Hold::MassFailure {
            failing: 5,
            hosts: 6,
        },
        Hold::BrakeLatched,
        Hold::SshUnreachable {
            reason: Reason::PortSilent,
            until: NIGHT,
        },
        Hold::LoginRefused {
            reason: Reason::Penalised,
            until: NIGHT,
        },
    ] {
        let said = explain::hold(&voice, &hold, "web1", |at| at);
        assert!(said.ends_with('。'), "{said}");
        assert!(!explain::hold_phrase(&voice, &hold).is_ascii());
    }
    let backoff = explain::hold(&voice, &Hold::Backoff { until: NIGHT }, "web1", |at| at);
    assert_eq!(
        backoff,
        "web1 は前回の再起動の試みから時間がたっていません。次の再起動は 15:00:41 JST 以降です。"
    );
}
