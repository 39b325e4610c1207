//! The pages for people, made of fixed worlds: what stands on them, that all of it is well-formed, and that nothing from
//! outside becomes markup.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use probe::model::{
    Cause, Course, Drill, Finding, Happened, Hold, IncidentId, Language, ProfileName, Quoted,
    RecoveryOutcome, Rollup, Rollups, SLOT_MS, Slot, Standing, Timestamp, Zone,
};
use probe::policy;
use probe::render::page::{self, Kept, Picked, Scene, Visit};

use super::fixture::{World, attempt, good, host, judged, name, now, secs};
use super::worlds::{degraded, gave_up, japanese, settling, unknown, well};

/// A past for each profile: ninety days, of which some were not well, a day by the minute, an outage a day ago.
pub(super) fn kept(world: &World) -> Kept {
    let today = u32::try_from(now().0 / 86_400_000).unwrap();
    let mut kept = Kept {
        from: now() - secs(90 * 86_400),
        ..Kept::default()
    };
    for (index, profile) in world.settings.profiles.keys().enumerate() {
        let mut random = fastrand::Rng::with_seed(index as u64);
        let days = (0..80).rev().map(|back| {
            let down = match random.u32(0..30) {
                0 => random.u64(20..500),
                1 => random.u64(1_000..5_000),
                2 => random.u64(8_000..40_000),
                _ => 0,
            };
            let unjudged = match random.u32(0..25) {
                0 => random.u64(60..9_000),
                _ => 0,
            };
            let watched = if back == 0 { 21_600 } else { 86_400 };
            (today - back, rollup(watched - unjudged, down, unjudged))
        });
        let hour = u32::try_from(now().0 / 3_600_000).unwrap();
        let hours = (0..192).map(|back| (hour - back, rollup(3_600, 0, 0)));
        let rollups = Rollups {
            hours: hours.collect(),
            days: days.collect(),
        };
        kept.rollups.insert(profile.clone(), rollups);
        kept.courses.insert(profile.clone(), course(&mut random));
    }
    let shop = name("shop");
    let began = now() - secs(20 * 3600);
    let incident = IncidentId::new("shop", &began.stamp());
    let mut ended = attempt(1, RecoveryOutcome::Succeeded);
    ended.began = began + secs(40);
    ended.ended = Some(began + secs(43));
    kept.recorded = vec![
        (
            began + secs(20),
            Happened::Opened {
                incident: incident.clone(),
                profile: shop.clone(),
                since: Some(began),
                cause: Cause::Refused,
            },
        ),
        (
            began + secs(40),
            Happened::RestartBegan {
                host: host("web1"),
                attempt: ended.id,
                number: 1,
                command: "sudo -n kusanagi restart".to_owned(),
                profile: shop.clone(),
            },
        ),
        (
            began + secs(43),
            Happened::RestartEnded {
                host: host("web1"),
                attempt: ended,
                counts_from: None,
            },
        ),
        (
            began + secs(190),
            Happened::Closed {
                incident,
                profile: shop,
                since: began,
                restarts: 1,
                attempts: Vec::new(),
            },
        ),
        (
            now() - secs(50),
            Happened::Held {
                host: host("web1"),
                hold: Hold::AwaitingFacts,
                again: false,
                lasts: false,
            },
        ),
    ];
    kept
}

fn rollup(judged: u64, down: u64, unjudged: u64) -> Rollup {
    Rollup {
        judged: secs(judged),
        unjudged: secs(unjudged),
        down: secs(down),
        outages: u32::from(down > 0),
        ..Rollup::default()
    }
}

fn course(random: &mut fastrand::Rng) -> Course {
    let newest = u32::try_from(now().0 / SLOT_MS).unwrap();
    let mut course = Course::default();
    for number in newest - 287..newest {
        let mut slot = Slot {
            number,
            ..Slot::default()
        };
        for _ in 0..5 {
            let took = random.u64(60..180) + if random.u8(0..40) == 0 { 700 } else { 0 };
            slot.count(Some(Duration::from_millis(took)));
        }
        if random.u8(0..60) == 0 {
            slot.count(None);
        }
        course.add(slot);
    }
    course
}

pub(super) fn scene<'a>(world: &'a World, kept: &'a Kept) -> Scene<'a> {
    Scene {
        settings: &world.settings,
        fleet: &world.fleet,
        kept,
        silence: Duration::ZERO,
        reloaded: true,
    }
}

pub(super) fn visit(query: &str) -> Visit {
    Visit::of(query, None, Language::En)
}

fn index(world: &World, kept: &Kept, query: &str) -> (String, Picked) {
    let visit = visit(query);
    let picked = page::pick(&world.settings, &world.fleet, &visit);
    (page::index(&scene(world, kept), &visit, &picked), picked)
}

/// All pages of a world, by their path.
pub(super) fn all(world: &World, kept: &Kept, query: &str) -> Vec<(String, String)> {
    let (scene, visit) = (scene(world, kept), visit(query));
    let account = |name: &str| {
        let now = probe::model::Now {
            wall: now(),
            boot: probe::model::BootId::default(),
            since_boot: Duration::ZERO,
        };
        policy::account(&world.settings, world.fleet.clone(), &host(name), &now)
    };
    let mut pages = vec![("/".to_owned(), index(world, kept, query).0)];
    for (name, profile) in &world.settings.profiles {
        let account = profile
            .host
            .as_ref()
            .and_then(|host| account(host.as_str()));
        let page = page::profile(&scene, &visit, profile, account.as_ref());
        pages.push((format!("/profile/{name}"), page));
    }
    for (name, host) in &world.settings.hosts {
        let account = account(name.as_str());
        let page = page::host(&scene, &visit, host, account.as_ref());
        pages.push((format!("/host/{name}"), page));
    }
    pages.push(("/none".to_owned(), page::missing(&visit)));
    pages.push(("/".to_owned(), page::starting(&visit)));
    pages
}

/// A tag with its attributes.
type Tag = (String, BTreeMap<String, String>);

/// The tags of a document, as a browser reads them, and its text.
fn read(html: &str) -> (Vec<Tag>, String) {
    use html5ever::tokenizer::{
        BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
    };
    #[derive(Default)]
    struct Seen {
        tags: std::cell::RefCell<Vec<Tag>>,
        text: std::cell::RefCell<String>,
    }
    impl TokenSink for Seen {
        type Handle = ();
        fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
            match token {
                Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                    let attributes = tag.attrs.iter();
                    let attributes = attributes
                        .map(|one| (one.name.local.to_string(), one.value.to_string()))
                        .collect();
                    self.tags
                        .borrow_mut()
                        .push((tag.name.to_string(), attributes));
                }
                Token::CharacterTokens(text) => self.text.borrow_mut().push_str(&text),
                Token::ParseError(error) => panic!("{error}"),
                Token::TagToken(_)
                | Token::DoctypeToken(_)
                | Token::CommentToken(_)
                | Token::NullCharacterToken
                | Token::EOFToken => {}
            }
            TokenSinkResult::Continue
        }
    }
    let input = BufferQueue::default();
    input.push_back(html5ever::tendril::StrTendril::from(html));
    let tokenizer = Tokenizer::new(Seen::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    (tokenizer.sink.tags.take(), tokenizer.sink.text.take())
}

const TAGS: &[&str] = &[
    "html", "head", "meta", "title", "link", "body", "header", "nav", "main", "footer", "section",
    "div", "span", "h1", "h2", "h3", "p", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead",
    "tbody", "tr", "th", "td", "a", "b", "button", "form", "label", "input", "select", "option",
    "code", "small", "time", "svg", "defs", "pattern", "path", "rect", "text",
];

const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "name",
    "content",
    "class",
    "role",
    "rel",
    "href",
    "hreflang",
    "type",
    "title",
    "id",
    "for",
    "value",
    "method",
    "action",
    "maxlength",
    "selected",
    "tabindex",
    "datetime",
    "scope",
    "aria-label",
    "aria-hidden",
    "aria-current",
    "viewbox",
    "preserveaspectratio",
    "d",
    "x",
    "y",
    "width",
    "height",
    "fill",
    "text-anchor",
    "patternunits",
];

/// What every page keeps to: our own tags alone, nothing from elsewhere, names for all that can be reached.
#[track_caller]
fn assert_own(path: &str, html: &str, language: &str) -> String {
    let (tags, text) = read(html);
    let mut ids = BTreeSet::new();
    for (tag, attributes) in &tags {
        assert!(TAGS.contains(&tag.as_str()), "{path}: {tag}");
        for (name, value) in attributes {
            assert!(ATTRIBUTES.contains(&name.as_str()), "{path}: {name}");
            if ["href", "action"].contains(&name.as_str()) {
                let own = value.starts_with('#') || value.starts_with('/');
                assert!(own && !value.starts_with("//"), "{path}: {value}");
            }
            if name == "id" && !value.starts_with("hatch") {
                assert!(ids.insert(value.clone()), "{path}: {value} twice");
            }
        }
        if tag == "svg" && attributes.get("role").is_some() {
            assert!(!attributes["aria-label"].is_empty(), "{path}");
        }
    }
    for (_, attributes) in &tags {
        if let Some(place) = attributes
            .get("href")
            .and_then(|href| href.strip_prefix('#'))
        {
            assert!(ids.contains(place), "{path}: nothing is at #{place}");
        }
        if let Some(place) = attributes.get("for") {
            assert!(ids.contains(place), "{path}: a label of nothing: {place}");
        }
    }
    for once in ["html", "head", "title", "body", "main", "h1"] {
        assert_eq!(
            tags.iter().filter(|(tag, _)| tag == once).count(),
            1,
            "{path}: {once}"
        );
    }
    assert_eq!(tags[0].1["lang"], language, "{path}");
    assert!(
        !html.contains("<b></b>") && !html.contains("<a></a>"),
        "{path}"
    );
    assert!(
        !html.contains("{{") && !html.contains("{%"),
        "{path}: {html}"
    );
    text
}

fn worlds() -> [World; 6] {
    [
        well(),
        settling(),
        gave_up(),
        unknown(),
        degraded(),
        japanese(),
    ]
}

#[test]
fn every_page_is_whole_in_both_languages() {
    for world in worlds() {
        for kept in [kept(&world), Kept::default()] {
            for language in ["en", "ja"] {
                for (path, html) in all(&world, &kept, &format!("lang={language}")) {
                    let text = assert_own(&path, &html, language);
                    if language == "ja" {
                        let ours = text.replace("3 attempts did not help", "");
                        for word in [" the ", " is ", " was ", " and ", "not judged", "since"] {
                            assert!(!ours.contains(word), "{path}: {word}: {ours}");
                        }
                    }
                    let strips = html.matches("class=\"days\"").count();
                    assert_eq!(html.matches("</b></button>").count(), 90 * strips, "{path}");
                }
            }
        }
    }
}

#[test]
fn the_list_says_the_worst_first_and_why() {
    let mut world = settling();
    let track = world.fleet.profile_mut(&name("shop"));
    let incident = track.incident.as_mut().unwrap();
    incident.remember(attempt(1, RecoveryOutcome::Succeeded));
    let drill = Drill {
        at: now() - secs(3 * 86_400),
        well: true,
        succeeded: Some(now() - secs(3 * 86_400)),
    };
    world.fleet.drills.hosts.insert("web1".to_owned(), drill);
    let (html, picked) = index(&world, &kept(&world), "");
    assert_eq!(picked.names, ["shop", "api", "blog"].map(name));
    let (_, text) = read(&html);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "✕ 1 down, 2 up",
        "shop ✕ down since 05:59:21 UTC (1m 20s) · Host web1",
        "https://shop.example.com/: connection refused",
        "The last restart of web1 has until 06:01:14 UTC to take effect",
        "05:59:21 UTC the first failure 05:59:41 UTC confirmed down",
        "06:00:26 UTC restart of web1 begun, attempt 1 06:00:29 UTC attempt 1 succeeded after 2.3s",
        "22 Nov: ",
        "The last 24 hours: ",
        "2 of 3 restarts left within 1h",
        "went well at 19 Nov 2026, 06:00:41 UTC",
        "Attempt 1, 06:00:26 UTC: succeeded after 2.3s",
        "As of 22 Nov 2026, 06:00:41 UTC",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for path in [
        "/feed.atom",
        "/metrics",
        "/api/v1/status",
        "/healthz",
        "/host/web1",
    ] {
        assert!(html.contains(&format!("href=\"{path}\"")), "{path}");
    }
}

#[test]
fn the_page_of_a_site_has_the_answer_of_why_and_what_happened() {
    let world = settling();
    let kept = kept(&world);
    let pages: BTreeMap<String, String> = all(&world, &kept, "").into_iter().collect();
    let words = |path: &str| {
        let (_, text) = read(&pages[path]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let shop = words("/profile/shop");
    for part in [
        "http://shop.example.com/: as expected, 17ms",
        "The last restart of web1 has until 06:01:14 UTC to take effect",
        "It may act at 06:01:14 UTC at the earliest.",
        "not restarted, looking at the host first",
        "Outage: 21 Nov 2026, 10:00:41 UTC to 21 Nov 2026, 10:03:51 UTC",
        "Restart of web1: 21 Nov 2026, 10:01:21 UTC",
        "22 Nov 2026",
        "90 days",
    ] {
        assert!(shop.contains(part), "{part}: {shop}");
    }
    let rows = "21 Nov 2026, 10:00:41 UTC3m 10sconnection refused1";
    assert!(shop.contains(rows), "{rows}: {shop}");
    let api = words("/profile/api");
    assert!(api.contains("nothing is restarted for it"), "{api}");
    let web1 = words("/host/web1");
    for part in [
        "settling",
        "2 of 3 restarts left within 1h",
        "never; probe drill web1",
    ] {
        assert!(web1.contains(part), "{part}: {web1}");
    }
}

#[test]
fn what_keeps_the_watch_from_its_work_stands_above_all() {
    let mut world = unknown();
    world.fleet.unwritable = true;
    world.fleet.core.latched = Some(now());
    world.fleet.pauses.insert(
        "all".to_owned(),
        probe::model::Pause {
            since: Some(now()),
            until: Some(now() + secs(600)),
            reason: Some("moving <racks>".to_owned()),
        },
    );
    let kept = Kept {
        unread: true,
        ..Kept::default()
    };
    let visit = visit("");
    let picked = page::pick(&world.settings, &world.fleet, &visit);
    let scene = Scene {
        silence: secs(95),
        reloaded: false,
        ..scene(&world, &kept)
    };
    let (_, text) = read(&page::index(&scene, &visit, &picked));
    for part in [
        "The watch makes no progress since 1m 35s",
        "No canary answers since 06:00:06 UTC",
        "The state cannot be written",
        "probe resume all",
        "The configuration that was read last has faults",
        "days, response times and past outages are missing here",
        "Restarts of all hosts are paused until 06:10:41 UTC: moving <racks>",
        "not probed yet",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn no_text_from_outside_becomes_markup() {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=y>`";
    let mut world = well();
    world.host("web1");
    let finding = Finding::ThePlace {
        finding: Box::new(Finding::Missing {
            text: evil.to_owned(),
        }),
        said: Quoted::new(evil),
    };
    let check = judged(
        "https://a.test/?q=<b>",
        "192.0.2.1:443",
        Cause::Content,
        finding,
    );
    world.down("shop", "web1", vec![check]);
    let track = world.fleet.host_mut(&host("web1"));
    track.hold = Some(Hold::Paused {
        until: None,
        reason: Some(evil.to_owned()),
    });
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("q", evil)
        .append_pair("lang", "en\"><script>")
        .finish();
    for query in ["", "lang=ja", &query] {
        for (path, html) in all(&world, &kept(&world), query) {
            assert_own(&path, &html, if query == "lang=ja" { "ja" } else { "en" });
        }
    }
    let feed = page::feed(&scene(&world, &kept(&world)), &visit(&query));
    roxmltree::Document::parse(&feed).unwrap();
}

#[test]
fn ten_thousand_sites_stay_a_small_page_that_can_be_searched() {
    let mut world = World::new();
    world.host("web1");
    let long = "長い文章です。".repeat(60);
    for n in 0..10_000 {
        let text = format!("site-{n:05}-{}", "x".repeat(50));
        let url = format!("https://{n:05}.example.com/{}", "y".repeat(400));
        let finding = Finding::ThePlace {
            finding: Box::new(Finding::Missing { text: long.clone() }),
            said: Quoted::new(&long),
        };
        if n % 2 == 0 {
            let check = judged(&url, "192.0.2.1:443", Cause::Content, finding);
            world.down(&text, "web1", vec![check]);
            let track = world.fleet.profile_mut(&name(&text));
            let incident = track.incident.as_mut().unwrap();
            for number in 1..=9 {
                incident.remember(attempt(number, RecoveryOutcome::Failed));
            }
        } else {
            world.profile(
                &text,
                Some("web1"),
                Standing::Up,
                vec![good(&url, "192.0.2.1:443")],
            );
        }
    }
    let track = world.fleet.host_mut(&host("web1"));
    track.last = Some(attempt(3, RecoveryOutcome::Failed));
    // Every day was bad in every way.
    let today = u32::try_from(now().0 / 86_400_000).unwrap();
    let visit = visit("lang=ja");
    let picked = page::pick(&world.settings, &world.fleet, &visit);
    let mut kept = Kept::default();
    for profile in &picked.names {
        let day = |number: u32| {
            let (more, less) = (u64::from(number % 11), u64::from(number % 7));
            (
                number,
                rollup(80_000, 61_000 + more * 300, 4_000 + less * 700),
            )
        };
        let hour = |back| (today * 24 + back, rollup(3_000, 900, 600));
        let rollups = Rollups {
            days: (today - 400..=today).map(day).collect(),
            hours: (0..24).map(hour).collect(),
        };
        kept.rollups.insert(profile.clone(), rollups);
        kept.courses
            .insert(profile.clone(), course(&mut fastrand::Rng::with_seed(7)));
    }
    for language in ["ja", "en"] {
        let (html, picked) = index(&world, &kept, &format!("lang={language}"));
        assert_eq!(picked.names.len(), page::SHOWN);
        assert!(html.len() < 200_000, "{language}: {} bytes", html.len());
        assert_own("/", &html, language);
        let next = format!("href=\"/?page=2&amp;lang={language}\"");
        assert!(html.contains(&next), "{next}");
        for (path, html) in all_but_many(&world, &kept, language) {
            assert!(html.len() < 200_000, "{path}: {} bytes", html.len());
        }
    }
    for (query, first, count) in [
        ("q=SITE-00042", Some("site-00042"), 1),
        ("q=00043.example.com", Some("site-00043"), 1),
        ("q=web1&state=up", Some("site-00001"), page::SHOWN),
        ("state=up&page=277", Some("site-08833"), page::SHOWN),
        (
            "state=up&page=99999",
            Some("site-09985"),
            5_000 % page::SHOWN,
        ),
        ("q=nothing+has+this", None, 0),
    ] {
        let (html, picked) = index(&world, &Kept::default(), query);
        assert_eq!(picked.names.len(), count, "{query}");
        let found = picked.names.first().map(ProfileName::as_str);
        assert_eq!(found.map(|name| &name[..10]), first, "{query}");
        assert!(html.contains("5000 down, 5000 up"), "{query}");
    }
}

/// The page of the host of all, and of one site.
fn all_but_many(world: &World, kept: &Kept, language: &str) -> [(&'static str, String); 2] {
    let visit = visit(&format!("lang={language}"));
    let scene = scene(world, kept);
    let profile = world.settings.profiles.values().next().unwrap();
    let host = &world.settings.hosts[&host("web1")];
    [
        ("profile", page::profile(&scene, &visit, profile, None)),
        ("host", page::host(&scene, &visit, host, None)),
    ]
}

/// A URL may hold a secret that is not shown: nobody learns its letters by asking for them.
#[test]
fn a_filter_finds_nothing_that_is_not_shown() {
    let mut world = World::new();
    let url = "https://user:hunter2@a.test/path?token=s3cr3tvalue";
    world.profile("shop", None, Standing::Up, vec![good(url, "192.0.2.1:443")]);
    for (query, found) in [("q=a.test", 1), ("q=hunter2", 0), ("q=s3cr3tvalue", 0)] {
        assert_eq!(
            index(&world, &Kept::default(), query).1.names.len(),
            found,
            "{query}"
        );
    }
}

const ATOM: &str = "http://www.w3.org/2005/Atom";

#[test]
fn the_feed_tells_of_outages_and_their_ends() {
    let world = settling();
    let kept = kept(&world);
    let ids = |query: &str| {
        let text = page::feed(&scene(&world, &kept), &visit(query));
        let feed = roxmltree::Document::parse(&text).unwrap();
        let root = feed.root_element();
        assert!(root.has_tag_name((ATOM, "feed")), "{text}");
        let of = |node: roxmltree::Node<'_, '_>, tag: &str| {
            let mut found = node
                .children()
                .filter(|node| node.has_tag_name((ATOM, tag)));
            let found = (found.next(), found.next());
            let (Some(one), None) = found else {
                panic!("not one {tag}: {text}");
            };
            one.text().unwrap_or_default().to_owned()
        };
        // RFC 4287 4.1.1 and 4.1.2.
        let moment = |text: String| text.parse::<jiff::Timestamp>().unwrap();
        for tag in ["id", "title"] {
            assert!(!of(root, tag).is_empty());
        }
        let newest = moment(of(root, "updated"));
        let author = root
            .children()
            .find(|node| node.has_tag_name((ATOM, "author")));
        assert_eq!(of(author.unwrap(), "name"), "probe");
        let entries = root
            .children()
            .filter(|node| node.has_tag_name((ATOM, "entry")));
        let entries: Vec<(String, String, jiff::Timestamp)> = entries
            .map(|entry| {
                assert!(!of(entry, "content").is_empty());
                (
                    of(entry, "id"),
                    of(entry, "title"),
                    moment(of(entry, "updated")),
                )
            })
            .collect();
        assert_eq!(entries[0].2, newest);
        entries
    };
    let told = ids("");
    let titles: Vec<&str> = told.iter().map(|(_, title, _)| title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Down: shop: connection refused",
            "Up: shop, after 3m 10s",
            "Down: shop: connection refused"
        ]
    );
    let japanese = ids("lang=ja");
    assert_eq!(japanese[1].1, "復旧: shop（停止時間 3 分 10 秒）");
    for (one, other) in told.iter().zip(&japanese) {
        assert_eq!(one.0, other.0, "an id is of no language");
    }
    let unique: BTreeSet<&String> = told.iter().map(|(id, ..)| id).collect();
    assert_eq!(unique.len(), 3);
    assert!(
        told.iter()
            .all(|(id, ..)| id.starts_with("tag:probe.invalid,2026:incident/shop-"))
    );
    // Nothing has ever happened.
    let empty = page::feed(&scene(&well(), &Kept::default()), &visit(""));
    roxmltree::Document::parse(&empty).unwrap();
}

#[test]
fn a_badge_says_state_and_uptime() {
    for (world, kept, query, words) in [
        (well(), true, "", "shop: up, "),
        (well(), false, "", "shop: up"),
        (settling(), true, "", "shop: down, "),
        (settling(), true, "lang=ja", "shop: 停止, "),
    ] {
        let kept = if kept {
            kept_of(&world)
        } else {
            Kept::default()
        };
        let text = page::badge(&scene(&world, &kept), &visit(query), &name("shop"));
        let badge = roxmltree::Document::parse(&text).unwrap();
        let title = badge.descendants().find(|node| node.has_tag_name("title"));
        let title = title.or_else(|| badge.descendants().find(|n| n.tag_name().name() == "title"));
        let said = title.unwrap().text().unwrap();
        assert!(said.starts_with(words), "{said}");
        assert_eq!(said.contains('%'), words.ends_with(", "), "{said}");
    }
    roxmltree::Document::parse(page::ICON).unwrap();
}

fn kept_of(world: &World) -> Kept {
    kept(world)
}

/// Days are those of `alerts.timezone`, and so are times.
#[test]
fn a_page_goes_by_the_clock_of_the_configuration() {
    let mut world = well();
    let wording = probe::model::Wording {
        zone: Zone::try_new("Pacific/Auckland").unwrap(),
        ..probe::model::Wording::default()
    };
    world.settings.wording = wording.into();
    // Twelve hours later it is the 23rd there.
    world.fleet.core.clock.now = Timestamp(now().0 + 6 * 3_600_000);
    let (html, _) = index(&world, &Kept::default(), "");
    assert!(
        html.contains("<b>23 Nov: no record</b></button></div>"),
        "{html}"
    );
    assert!(html.contains("NZDT"), "{html}");
}
