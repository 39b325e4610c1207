//! The picture of a mail: what it shows, how it travels, and that it is the same in every try.
//!
//! `picture.png` was looked at on a phone and on a desktop; `BLESS=1` writes it anew. `PICTURES=DIR` writes the
//! HTML of some mails with their pictures there, for looking at them.

use std::path::Path;
use std::time::Duration;

use probe::adapters::smtp::bytes;
use probe::model::{
    Channel, Course, Entry, EventKind, Notification, RecoveryOutcome, Slot, Timestamp,
};
use probe::render::mail::{Letter, compose, illustrated};
use probe::render::picture::{self, Marks};
use tiny_skia::Pixmap;

use super::entries;

const MINUTE: i64 = 60_000;

/// A day that ends then: quick, a slow evening, and nothing but failures from `down` on.
fn day(until: Timestamp, down: Option<Timestamp>) -> Course {
    let mut course = Course::default();
    let mut rng = fastrand::Rng::with_seed(7);
    for back in (0..290).rev() {
        let mut slot = Slot::at(Timestamp(until.0 - back * 5 * MINUTE));
        let hour = (290 - back) / 12;
        let usual = if (12..17).contains(&hour) { 900 } else { 260 };
        for _ in 0..5 {
            let ms = usual + rng.u64(0..usual / 2);
            let at = slot.begins();
            let fails = down.is_some_and(|down| at.0 + 5 * MINUTE > down.0);
            slot.count((!fails).then(|| Duration::from_millis(ms)));
        }
        course.add(slot);
    }
    course
}

fn entry(notification: Notification) -> Entry {
    entries::entry(notification)
}

fn gave_up() -> Notification {
    Notification {
        slow: Some(Duration::from_secs(1)),
        ..entries::gave_up()
    }
}

fn letter(notification: Notification) -> Letter {
    let course = day(notification.at, notification.since);
    illustrated(&entry(notification), &entries::english(), Some(&course))
}

fn japanese(notification: Notification) -> Letter {
    let course = day(notification.at, notification.since);
    illustrated(&entry(notification), &entries::japanese(), Some(&course))
}

/// The grounds of a mail: white, and the dark one of `html`.
const GROUNDS: [[u8; 3]; 2] = [[0xff; 3], [0x1f, 0x24, 0x2a]];

/// A picture on a ground.
struct Shown {
    map: Pixmap,
    ground: usize,
}

impl Shown {
    fn of(png: &[u8], ground: usize) -> Self {
        let map = Pixmap::decode_png(png).unwrap();
        Self { map, ground }
    }

    /// Red, green and blue of a place.
    fn at(&self, x: u32, y: u32) -> [i32; 3] {
        let pixel = self.map.pixel(x, y).unwrap();
        let through = i32::from(255 - pixel.alpha());
        let seen = [pixel.red(), pixel.green(), pixel.blue()];
        std::array::from_fn(|one| {
            i32::from(seen[one]) + i32::from(GROUNDS[self.ground][one]) * through / 255
        })
    }

    /// How many pixels of this colour its columns from `left` to `right` show.
    fn count(&self, hex: [&str; 2], left: u32, right: u32) -> usize {
        let wanted = rgb(hex[self.ground]);
        let places = (left..right).flat_map(|x| (0..self.map.height()).map(move |y| (x, y)));
        let alike = |(x, y): &(u32, u32)| {
            let seen = self.at(*x, *y);
            seen.iter()
                .zip(wanted)
                .all(|(one, other)| (one - other).abs() <= 2)
        };
        places.filter(alike).count()
    }
}

fn rgb(hex: &str) -> [i32; 3] {
    [1, 3, 5].map(|at| i32::from_str_radix(&hex[at..at + 2], 16).unwrap())
}

#[test]
fn it_shows_the_day_the_incident_restarts_and_the_threshold() {
    use picture::hex;
    let png = letter(gave_up()).figure.unwrap().png;
    for ground in [0, 1] {
        let shown = Shown::of(&png, ground);
        assert_eq!((shown.map.width(), shown.map.height()), (1200, 560));
        for (colour, least) in [
            (hex::MEAN, 2000),
            (hex::LONGEST, 2000),
            (hex::WELL, 20_000),
            (hex::FAILED, 100),
            (hex::INCIDENT, 300),
            (hex::RESTART, 300),
            (hex::SLOW, 1000),
        ] {
            let found = shown.count(colour, 0, 1200);
            assert!(found > least, "{colour:?}: {found}");
        }
        // The incident is ten minutes at the right edge.
        assert_eq!(shown.count(hex::INCIDENT, 0, 1100), 0);
        assert_eq!(shown.count(hex::FAILED, 0, 1100), 0);
        assert_eq!(shown.count(hex::RESTART, 0, 1100), 0);
    }
    // No block of another colour than the mail's: it has no ground of its own.
    let map = Pixmap::decode_png(&png).unwrap();
    let clear = map.pixels().iter().filter(|pixel| pixel.alpha() == 0);
    assert!(clear.count() > 1200 * 560 / 3);
    for (x, y) in [(0, 0), (1199, 0), (0, 559), (1199, 559)] {
        assert_eq!(map.pixel(x, y).unwrap().alpha(), 0);
    }
}

/// Each colour but the shades is told from white and from the dark ground, as an object of WCAG 2.1 must be.
#[test]
fn its_colours_are_seen_on_light_and_on_dark() {
    use picture::hex;
    let light = |rgb: [i32; 3]| {
        let linear = rgb.map(|one| (f64::from(one) / 255.0).powf(2.2));
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    for colour in [hex::MEAN, hex::WELL, hex::FAILED, hex::RESTART, hex::SLOW] {
        for (ground, hex) in GROUNDS.into_iter().zip(colour) {
            let (one, other) = (light(rgb(hex)), light(ground.map(i32::from)));
            let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            assert!(contrast >= 3.0, "{hex} on {ground:?}: {contrast:.2}");
        }
    }
}

/// Who is watched for an hour sees that hour, and not a day of which nothing is known.
#[test]
fn a_young_site_has_a_picture_of_its_time() {
    use picture::hex;
    let whole = day(entries::NIGHT, None);
    let mut young = Course::default();
    for slot in whole.slots().iter().rev().take(13).rev() {
        young.add(*slot);
    }
    let letter = illustrated(&entry(entries::down()), &entries::english(), Some(&young));
    let figure = letter.figure.unwrap();
    assert!(
        figure.sum.starts_with("The last 1h 0m: ") || figure.sum.starts_with("The last 1h"),
        "{}",
        figure.sum
    );
    let shown = Shown::of(&figure.png, 0);
    // The first answers stand at the left edge.
    assert!(shown.count(hex::WELL, 136, 200) > 1_000);
    // Without the first hour it is a day.
    let mut nearly = Course::default();
    for slot in whole.slots().iter().skip(11) {
        nearly.add(*slot);
    }
    let letter = illustrated(&entry(entries::down()), &entries::english(), Some(&nearly));
    let sum = letter.figure.unwrap().sum;
    assert!(sum.starts_with("The last 24 hours: "), "{sum}");
}

#[test]
fn it_shows_nothing_that_was_not() {
    use picture::hex;
    let until = Timestamp(1_795_327_200_000);
    let marks = Marks {
        until,
        ..Marks::default()
    };
    let png = picture::png(&day(until, None), &marks).unwrap();
    let shown = Shown::of(&png, 0);
    for colour in [hex::FAILED, hex::INCIDENT, hex::RESTART, hex::SLOW] {
        assert_eq!(shown.count(colour, 0, 1200), 0, "{colour:?}");
    }
    assert_eq!(picture::png(&Course::default(), &marks), None);
    let long_ago = Marks {
        until: Timestamp(until.0 + 2 * 86_400_000),
        ..Marks::default()
    };
    assert_eq!(picture::png(&day(until, None), &long_ago), None);
}

#[test]
fn the_golden_picture() {
    let letter = letter(gave_up());
    let png = &letter.figure.as_ref().unwrap().png;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail/picture.png");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, png).unwrap();
    }
    assert!(
        *png == std::fs::read(path).unwrap(),
        "look at it, and bless it"
    );
    assert!(png.len() < 60_000, "{} bytes", png.len());
}

#[test]
fn any_day_can_be_drawn() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let until = Timestamp(1_795_327_200_000 + rng.i64(0..86_400_000));
        let mut course = Course::default();
        for _ in 0..rng.usize(0..400) {
            let at = Timestamp(until.0 - rng.i64(-900_000..100_000_000));
            let longest_ms = if rng.bool() {
                rng.u32(..)
            } else {
                rng.u32(0..3)
            };
            course.add(Slot {
                well: rng.u16(..),
                failed: rng.u16(..) * u16::from(rng.bool()),
                sum_ms: rng.u32(..),
                longest_ms,
                ..Slot::at(at)
            });
        }
        let marks = Marks {
            until,
            incident: Some((Timestamp(rng.i64(..)), Timestamp(rng.i64(..)))),
            restarts: vec![Timestamp(rng.i64(..)), until],
            slow_ms: rng.bool().then(|| rng.u32(..)),
            zone: None,
        };
        let png = picture::png(&course, &marks);
        let sum = picture::sum(&course, until);
        assert_eq!(png.is_some(), sum.probes > 0, "seed {seed}: {sum:?}");
        assert_eq!(png, picture::png(&course, &marks), "seed {seed}");
    }
}

#[test]
fn it_travels_with_the_html_and_says_it_in_words() {
    let letter = letter(gave_up());
    let figure = letter.figure.clone().unwrap();
    assert!(letter.html.contains(&format!("src=\"cid:{}\"", figure.id)));
    assert!(letter.html.contains(&format!("alt=\"{}\"", figure.sum)));
    assert!(
        figure.sum.starts_with("The last 24 hours: 98.9 % of 1440"),
        "{}",
        figure.sum
    );
    assert!(!letter.text.contains("cid:"));
    let mail = String::from_utf8(bytes(&letter).unwrap()).unwrap();
    let place = |words: &str| {
        mail.find(words)
            .unwrap_or_else(|| panic!("no {words}:\n{mail}"))
    };
    let order = [
        place("Content-Type: multipart/alternative;"),
        place("Content-Type: text/plain"),
        place("Content-Type: multipart/related;"),
        place("Content-Type: text/html"),
        place("Content-Type: image/png"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert!(mail.contains(&format!("Content-ID: <{}>", figure.id)));
    assert!(mail.contains("Content-Disposition: inline"));
    assert!(mail.lines().all(|line| line.len() <= 998));
    assert_eq!(bytes(&letter), bytes(&letter.clone()));
}

#[test]
fn a_reader_in_japan_reads_it_in_japanese_by_their_clock() {
    let figure = japanese(gave_up()).figure.unwrap();
    assert_eq!(
        figure.sum,
        "直近 24 時間: 1440 回の確認のうち 98.9 % が正常、応答時間は平均 490 ms、最大 1.3 s。"
    );
    let words: Vec<&str> = figure
        .legend
        .iter()
        .map(|(_, words)| words.as_str())
        .collect();
    assert_eq!(words.len(), 7);
    assert!(words.iter().all(|words| !words.is_ascii()), "{words:?}");
    // The hours below are others; all else is the same day.
    assert_ne!(
        Some(figure.png),
        letter(gave_up()).figure.map(|figure| figure.png)
    );
}

#[test]
fn mails_of_no_site_and_other_channels_have_none() {
    let course = day(entries::down().at, None);
    for notification in entries::all() {
        let event = notification.event;
        let expected = !matches!(
            event,
            EventKind::Closed
                | EventKind::Blind
                | EventKind::Unjudged
                | EventKind::Damaged
                | EventKind::Certificate
                | EventKind::Digest
                | EventKind::Report
                | EventKind::Test
        );
        let mail = entry(notification);
        let has = |entry: &Entry| {
            illustrated(entry, &entries::english(), Some(&course))
                .figure
                .is_some()
        };
        assert_eq!(has(&mail), expected, "{event:?}");
        let command = Entry {
            channel: Channel::Command,
            ..mail
        };
        assert!(!has(&command));
    }
    let mut young = Course::default();
    for slot in &course.slots()[..2] {
        young.add(*slot);
    }
    let letter = illustrated(&entry(entries::down()), &entries::english(), Some(&young));
    assert_eq!(letter.figure, None, "ten minutes are no day");
    assert!(!letter.html.contains("<img"));
}

#[test]
fn people_can_look_at_them() {
    let Some(directory) = std::env::var_os("PICTURES") else {
        return;
    };
    let letters = [
        ("down", letter(entries::down())),
        ("reminder", letter(entries::reminder())),
        ("reminder.ja", japanese(entries::reminder())),
        ("up.ja", japanese(entries::up())),
        ("gave_up.ja", japanese(gave_up())),
        (
            "digest",
            compose(&entry(super::crowds::digest()), &entries::english()),
        ),
        (
            "digest.ja",
            compose(&entry(super::crowds::digest()), &entries::japanese()),
        ),
        (
            "report",
            compose(&entry(super::weeks::report()), &entries::english()),
        ),
        (
            "report.ja",
            compose(&entry(super::weeks::report()), &entries::japanese()),
        ),
        ("gave_up", letter(gave_up())),
        ("up", letter(entries::up())),
        ("down.ja", japanese(entries::down())),
        (
            "refused.ja",
            japanese(entries::restarted(RecoveryOutcome::Refused)),
        ),
        ("withheld.ja", japanese(entries::withheld())),
        ("proposed.ja", japanese(entries::proposed())),
        ("proposed", letter(entries::proposed())),
        ("down", letter(entries::down())),
    ];
    for (name, letter) in letters {
        let at = Path::new(&directory);
        let mut html = letter.html;
        if let Some(figure) = letter.figure {
            std::fs::write(at.join(format!("{name}.png")), &figure.png).unwrap();
            html = html.replace(&format!("cid:{}", figure.id), &format!("{name}.png"));
        }
        std::fs::write(at.join(format!("{name}.html")), html).unwrap();
    }
}
