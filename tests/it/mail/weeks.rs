//! The weekly report: its parts, what it leaves out, and what names from outside cannot do to it.

use std::time::Duration;

use probe::model::{
    Drill, Drills, EventKind, Held, HostName, Lesson, Notification, ProfileName, Timestamp, Week,
    WeekHost, WeekRestart, WeekSite, WeekSlow, Wording,
};
use probe::render::mail::compose;

use super::entries::{NIGHT, ending, english, entry, japanese};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn before(n: u64) -> Timestamp {
    NIGHT - secs(n)
}

fn site(name: &str, down: u64, outages: u32) -> WeekSite {
    WeekSite {
        profile: ProfileName::try_new(name).unwrap(),
        down: secs(down),
        outages,
        still: false,
        unjudged: Duration::ZERO,
    }
}

fn host(name: &str) -> HostName {
    HostName::try_new(name).unwrap()
}

fn of(week: Week) -> Notification {
    Notification {
        since: Some(week.from),
        until: Some(NIGHT),
        week: Some(Box::new(week)),
        ..Notification::blank(EventKind::Report, NIGHT)
    }
}

fn quiet() -> Week {
    Week {
        from: before(3 * 86_400),
        span: secs(3 * 86_400),
        first: true,
        blind: Duration::ZERO,
        away: Duration::ZERO,
        profiles: 2,
        sites: vec![site("blog", 0, 0), site("shop", 0, 0)],
        down_more: 0,
        up_more: 0,
        unjudged_more: 0,
        unjudged: Duration::ZERO,
        down: Duration::ZERO,
        hosts: vec![],
        restarts: 0,
        slowest: vec![],
        drills: Drills::default(),
        undrilled: vec![host("web1")],
        undelivered: 0,
    }
}

/// A week in which much happened.
pub(crate) fn report() -> Notification {
    let restart = |ago: u64, held, needed| WeekRestart {
        at: before(ago),
        held,
        needed,
    };
    let drill = |well, ago| Drill {
        at: before(ago),
        well,
        succeeded: Some(before(if well { ago } else { 9 * 86_400 })),
    };
    let slow = |name: &str, longest, ago, mean| WeekSlow {
        profile: ProfileName::try_new(name).unwrap(),
        longest: Duration::from_millis(longest),
        at: before(ago),
        mean: Duration::from_millis(mean),
    };
    let mut sites = vec![site("shop", 9_000, 3), site("blog", 130, 1)];
    if let Some(worst) = sites.first_mut() {
        worst.still = true;
    }
    let mut note = of(Week {
        from: before(7 * 86_400),
        span: secs(7 * 86_400),
        first: false,
        blind: secs(720),
        away: secs(5_400),
        profiles: 42,
        sites,
        up_more: 40,
        down: secs(9_130),
        hosts: vec![WeekHost {
            host: host("web1"),
            count: 4,
            restarts: vec![
                restart(500_000, Held::For(secs(1_500)), Some(true)),
                restart(400_000, Held::No, Some(false)),
                restart(300_000, Held::For(secs(1_740)), None),
                restart(200_000, Held::Still(secs(199_000)), Some(true)),
            ],
            lesson: Some(Lesson {
                restarts: 3,
                longest: secs(1_740),
            }),
        }],
        restarts: 4,
        slowest: vec![
            slow("shop", 9_120, 70_000, 340),
            slow("blog", 850, 90_000, 120),
        ],
        drills: Drills {
            hosts: [
                ("web1".to_owned(), drill(true, 2 * 86_400)),
                ("web2".to_owned(), drill(false, 2 * 86_400)),
            ]
            .into(),
            mail: Some(drill(true, 2 * 86_400)),
        },
        undrilled: vec![host("web3")],
        undelivered: 2,
        ..quiet()
    });
    note.certificates = vec![ending("shop.example.com", 12)];
    note
}

/// Its first days, with nothing to tell.
pub(crate) fn first() -> Notification {
    of(quiet())
}

#[test]
fn a_retry_is_the_same_mail_and_each_recipient_has_its_own() {
    let made = entry(report());
    let letter = compose(&made, &english());
    let mut again = made.clone();
    (again.tries, again.due) = (7, NIGHT + secs(9_999));
    assert_eq!(compose(&again, &english()), letter);
    again.to = "other@example.com".to_owned();
    assert_ne!(compose(&again, &english()).message_id, letter.message_id);
    assert_eq!(
        (letter.in_reply_to, letter.references),
        (None, vec![]),
        "in no thread"
    );
}

#[test]
fn what_did_not_happen_is_not_told() {
    let text = compose(&entry(first()), &english()).text;
    for word in ["down", "web2", "could not be delivered", "Slowest"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    for word in [
        "first report",
        "Nothing was restarted",
        "Never rehearsed: web1",
        "probe drill",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// Restarts after which nothing came back held for no time: nobody wants to read `0s`. What was not seen is no time that was well.
#[test]
fn restarts_that_never_helped_and_time_nobody_saw() {
    let mut note = report();
    let week = note.week.as_mut().unwrap();
    if let Some(lesson) = &mut week.hosts[0].lesson {
        lesson.longest = Duration::ZERO;
    }
    let flat = |note: &Notification, wording: &Wording| {
        let text = compose(&entry(note.clone()), wording).text;
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = flat(&note, &english());
    assert!(
        said.contains("None of the last 3 restarts brought the sites back."),
        "{said}"
    );
    let mut quiet = first();
    for (blind, away, wanted) in [
        (0, 0, "All 2 sites were up all the time."),
        (
            60,
            0,
            "For 1m our own network was down: nothing could be seen",
        ),
        (0, 7_200, "For 2h probe did not run: nothing could be seen"),
        (
            60,
            7_200,
            "For 1m our own network was down, and for 2h probe did not run: nothing",
        ),
    ] {
        let week = quiet.week.as_mut().unwrap();
        (week.blind, week.away) = (secs(blind), secs(away));
        let said = flat(&quiet, &english());
        assert!(said.contains(wanted), "{said}");
        let unseen = blind + away > 0;
        assert_eq!(said.contains("up whenever we looked"), unseen, "{said}");
        // What the reader can do about it.
        let todo =
            said.contains("Where nobody stopped probe, look at its service, timer or cron job.");
        assert_eq!(todo, away > 0, "{said}");
        let said = flat(&quiet, &japanese()).replace(' ', "");
        assert_eq!(said.contains("監視できませんでした"), unseen, "{said}");
        assert_eq!(said.contains("確認できた間は常に"), unseen, "{said}");
    }
}

/// What could not be judged is no time that was up, and of a site that never was no share is said.
#[test]
fn what_was_not_judged_is_said_and_counts_neither_way() {
    let said = |note: &Notification, wording: &Wording| {
        let letter = compose(&entry(note.clone()), wording);
        let text = letter.text.split_whitespace().collect::<Vec<_>>();
        (letter.subject, text.join(" "))
    };
    let mut note = first();
    let week = note.week.as_mut().unwrap();
    week.sites[0].unjudged = week.span;
    week.sites[1].unjudged = secs(7_200);
    week.unjudged = week.span + secs(7_200);
    let (subject, text) = said(&note, &english());
    assert_eq!(subject, "[WEEK] 2 sites, 100 % up, 0 restarts");
    for words in [
        "1 of 2 sites could not be judged; the other was up whenever we looked.",
        "- blog: not judged - shop",
        "- shop: 100 % up, not judged for 2h",
        "For 3d 2h altogether sites could not be judged",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (_, text) = said(&note, &japanese());
    let text = text.replace(' ', "");
    for words in [
        "blog:判定できず-shop",
        "shop:稼働率100%、判定不能2時間",
        "確認できた間は常に",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let week = note.week.as_mut().unwrap();
    (week.profiles, week.unjudged) = (1, week.span);
    week.sites.truncate(1);
    let (subject, text) = said(&note, &english());
    assert_eq!(subject, "[WEEK] 1 site, not judged, 0 restarts");
    assert!(text.contains("The site could not be judged."), "{text}");
    let (subject, text) = said(&note, &japanese());
    assert!(
        subject.contains("判定できず") && !text.contains("100%"),
        "{subject} {text}"
    );
}

#[test]
fn hostile_names_stay_text() {
    let evil = "<script>alert(1)</script>\r\nBcc: a@b\u{202e}\u{7}";
    let mut note = report();
    note.certificates[0].names = vec![evil.to_owned()];
    note.certificates[0].places = vec![evil.repeat(100)];
    if let Some(week) = &mut note.week {
        week.drills.hosts.insert(
            evil.to_owned(),
            Drill {
                at: NIGHT,
                well: true,
                succeeded: None,
            },
        );
    }
    for wording in [english(), japanese()] {
        let letter = compose(&entry(note.clone()), &wording);
        assert_eq!(letter.complaints, [""; 0]);
        assert!(!letter.html.contains("<script"), "{}", letter.html);
        for text in [&letter.text, &letter.html, &letter.subject] {
            assert!(!text.contains(['\r', '\u{7}', '\u{202e}']), "{text}");
        }
        assert!(letter.text.lines().all(|line| !line.starts_with("Bcc")));
    }
}
