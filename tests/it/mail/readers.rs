//! The mails as others read them: a strict parser of mail, a parser of HTML that does as browsers do, and the letters of
//! RFC 5322 and RFC 2047.

use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use proptest::prelude::*;

use probe::adapters::smtp::bytes;
use probe::model::{
    DatedFacts, Ending, Hold, IncidentId, Next, Notification, Observation, Reason, RecoveryOutcome,
    Remark,
};
use probe::render::mail::{Letter, compose};

use super::entries::{self, NIGHT, english, entry, japanese};

fn sent(letter: &Letter) -> String {
    String::from_utf8(bytes(letter).unwrap()).unwrap()
}

/// Header lines, unfolded.
fn headers(made: &str) -> Vec<(String, String)> {
    let head = made.split("\r\n\r\n").next().unwrap();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines = unfolded.split("\r\n").map(|line| {
        let (name, value) = line.split_once(':').expect("a header has a colon");
        (name.to_owned(), value.trim().to_owned())
    });
    lines.collect()
}

/// What RFC 5322, RFC 2045 and RFC 2047 ask of the letters themselves.
fn assert_lawful(made: &str) {
    assert!(made.is_ascii());
    assert!(
        !made.replace("\r\n", "").contains(['\r', '\n']),
        "bare CR or LF"
    );
    for line in made.split("\r\n") {
        // What has no blank cannot be folded: an id, an address.
        let id = line.contains("@monitor.example.com") || line.starts_with("X-Probe-Incident: ");
        let most = if id { 998 } else { 78 };
        assert!(line.len() <= most, "{} letters: {line}", line.len());
    }
    let mut once = std::collections::BTreeSet::new();
    for (name, value) in headers(made) {
        assert!(name.bytes().all(|b| b.is_ascii_graphic()), "{name}");
        assert!(once.insert(name.to_ascii_lowercase()), "{name} twice");
        for word in value
            .split([' ', '\t'])
            .filter(|word| word.starts_with("=?"))
        {
            assert!(word.len() <= 75, "{} letters: {word}", word.len());
            // What follows padding is lost on readers that join the words before they decode.
            let last = !value.contains(&format!("{word} =?"));
            assert!(
                last || name != "Subject" || !word.ends_with("=?="),
                "{value}"
            );
            assert!(
                word.ends_with("?=") && word.matches('?').count() == 4,
                "{word}"
            );
        }
    }
}

/// The tags of a document, and the attributes that could load or run something.
fn tags(html: &str) -> (Vec<String>, Vec<String>) {
    use html5ever::tokenizer::{
        BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
    };
    #[derive(Default)]
    struct Seen {
        tags: std::cell::RefCell<Vec<String>>,
        attributes: std::cell::RefCell<Vec<String>>,
    }
    impl TokenSink for Seen {
        type Handle = ();
        fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
            if let Token::TagToken(tag) = token
                && tag.kind == TagKind::StartTag
            {
                self.tags.borrow_mut().push(tag.name.to_string());
                let names = tag
                    .attrs
                    .iter()
                    .map(|attribute| attribute.name.local.to_string());
                self.attributes.borrow_mut().extend(names);
            }
            TokenSinkResult::Continue
        }
    }
    let input = BufferQueue::default();
    input.push_back(html5ever::tendril::StrTendril::from(html));
    let tokenizer = Tokenizer::new(Seen::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    (tokenizer.sink.tags.take(), tokenizer.sink.attributes.take())
}

const TAGS: &[&str] = &[
    "html", "head", "meta", "title", "style", "body", "div", "span", "h1", "h2", "p", "ul", "li",
    "pre", "code", "table", "tr", "td",
];

fn assert_own_tags(html: &str) {
    let (tags, attributes) = tags(html);
    for tag in &tags {
        assert!(TAGS.contains(&tag.as_str()), "{tag}: {html}");
    }
    for name in &attributes {
        let known = [
            "lang", "charset", "name", "content", "class", "style", "role",
        ];
        assert!(known.contains(&name.as_str()), "{name}: {html}");
    }
    for once in ["html", "head", "title", "style", "body", "h1"] {
        assert_eq!(tags.iter().filter(|tag| *tag == once).count(), 1, "{once}");
    }
}

#[test]
fn every_golden_mail_is_read_by_a_strict_parser() {
    for note in entries::all() {
        for wording in [english(), japanese()] {
            let letter = compose(&entry(note.clone()), &wording);
            let made = sent(&letter);
            assert_lawful(&made);
            assert_own_tags(&letter.html);
            let read = MessageParser::default().parse(made.as_bytes()).unwrap();
            assert_eq!(read.subject(), Some(letter.subject.as_str()));
            assert_eq!(
                read.message_id().map(|id| format!("<{id}>")),
                Some(letter.message_id.clone())
            );
            let first = read.in_reply_to().as_text().map(|id| format!("<{id}>"));
            assert_eq!(first, letter.in_reply_to);
            let kind = read.content_type().unwrap();
            assert_eq!(
                (kind.ctype(), kind.subtype()),
                ("multipart", Some("alternative"))
            );
            assert_eq!(read.attachment_count(), 0);
            assert!(read.parts.iter().all(|part| !part.is_encoding_problem));
            let text = read.body_text(0).unwrap().replace("\r\n", "\n");
            assert_eq!(text.trim_end(), letter.text.trim_end());
            let html = read.parts.iter().find_map(|part| {
                let PartType::Html(html) = &part.body else {
                    return None;
                };
                Some(html.replace("\r\n", "\n"))
            });
            assert_eq!(html.unwrap().trim_end(), letter.html.trim_end());
        }
    }
}

/// Names that were handed to us: of a certificate with ten thousand of them, each hostile.
#[test]
fn a_certificate_of_ten_thousand_names_is_a_mail_of_a_page() {
    let names: Vec<String> = (0..10_000)
        .map(|n| format!("例え-{n}.🍣.example.com\r\nBcc: x@example.org <script>"))
        .collect();
    let note = Notification {
        certificates: vec![Ending {
            subject: "CN=\u{0}\u{202e}".to_owned(),
            issuer: "\r\n.\r\nO=<b>".to_owned(),
            places: names.clone(),
            names,
            ..entries::ending("shop.example.com", 7)
        }],
        ..entries::certificate()
    };
    for wording in [english(), japanese()] {
        let letter = compose(&entry(note.clone()), &wording);
        let made = sent(&letter);
        assert_lawful(&made);
        assert_own_tags(&letter.html);
        assert!(made.len() < 64 * 1024, "{} bytes", made.len());
        assert!(letter.subject.chars().count() <= 120);
        let read = MessageParser::default().parse(made.as_bytes()).unwrap();
        assert_eq!(read.subject(), Some(letter.subject.as_str()));
    }
}

/// What may come from outside: anything, with a liking for what has a meaning in mail or HTML.
fn hostile() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("\r".to_owned()),
        Just("\r\nBcc: evil@example.com".to_owned()),
        Just("\r\n.\r\n".to_owned()),
        Just("=?utf-8?b?PHg+?=".to_owned()),
        Just("--=_probe_".to_owned()),
        Just("<script>alert(1)</script>".to_owned()),
        Just("</style></title><img src=x onerror=y>".to_owned()),
        Just("<!--".to_owned()),
        Just("\" onmouseover=\"x".to_owned()),
        Just("&lt;b&gt;&#0;".to_owned()),
        Just("{{ site }}{% if %}{# ".to_owned()),
        Just("== subject\n".to_owned()),
        Just("$ rm -rf /".to_owned()),
        Just("`".to_owned()),
        Just("日本語の長い題名です。".to_owned()),
        Just("🍣👩‍👩‍👧‍👦".to_owned()),
        Just("\u{202e}\u{2028}\u{feff}\u{0}\u{7f}\u{85}\u{e000}".to_owned()),
        any::<String>(),
        "[ -~]{0,40}",
    ];
    proptest::collection::vec(parts, 0..8).prop_map(|parts| parts.concat())
}

fn event() -> impl Strategy<Value = Notification> {
    (0..entries::all().len()).prop_map(|index| entries::all().remove(index))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Every string that comes from outside, all at once.
    #[test]
    fn nothing_from_outside_becomes_a_header_or_a_tag(
        base in event(),
        (ssh, url, detail, remark) in (hostile(), hostile(), hostile(), hostile()),
        (command, reason, output, incident) in (hostile(), hostile(), hostile(), hostile()),
        (name, issuer, line) in (hostile(), hostile(), hostile()),
        japanese_too in any::<bool>(),
    ) {
        let wording = if japanese_too { japanese() } else { english() };
        let usual: Vec<String> = headers(&sent(&compose(&entry(base.clone()), &wording)))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let mut note = base;
        let mut facts = entries::facts();
        facts.unit.name = Some(remark.clone());
        facts.config_test_says = Some(detail.clone());
        facts.listen_80 = Some(line.clone());
        note.facts = Some(Box::new(DatedFacts { at: NIGHT, facts }));
        note.operator_ssh = note.operator_ssh.map(|_| ssh);
        note.remark = Some(Remark::Finding(remark.as_str().into()));
        note.seen = vec![
            Observation::Alone(line.as_str().into()),
            Observation::Check {
                url,
                cause: probe::model::Cause::Content,
                finding: Box::new(detail.as_str().into()),
                address: "[2001:db8::1]:443".parse().ok(),
                phase: Some(probe::model::Phase::Transfer),
            },
        ];
        note.attempts = vec![entries::attempt(1, NIGHT, RecoveryOutcome::Failed)];
        note.attempts[0].command = command.clone();
        let report = note.attempts[0].report.as_mut().unwrap();
        report.reason = Some(Reason::Other(reason.clone()));
        report.output = output;
        note.incident = note.incident.map(|_| IncidentId::new(&incident, "20261122T060041Z"));
        note.next = match note.next {
            Next::Restart { number, of, .. } => Next::Restart { command, number, of },
            Next::Held(_) => Next::Held(Hold::Paused { until: None, reason: Some(reason) }),
            next @ (Next::Prove { .. } | Next::WatchOnly | Next::Nothing) => next,
        };
        for ending in &mut note.certificates {
            ending.names = vec![name.clone(), name.clone()];
            ending.issuer.clone_from(&issuer);
            ending.places = vec![name.clone()];
        }
        let letter = compose(&entry(note), &wording);
        prop_assert_eq!(&letter.complaints, &Vec::<String>::new());
        let made = sent(&letter);
        assert_lawful(&made);
        assert_own_tags(&letter.html);
        let now: Vec<String> = headers(&made).into_iter().map(|(name, _)| name).collect();
        prop_assert_eq!(now, usual);
        let read = MessageParser::default().parse(made.as_bytes()).unwrap();
        prop_assert_eq!(read.parts.len(), 3);
        prop_assert_eq!(read.subject(), Some(letter.subject.as_str()));
    }
}

#[test]
fn the_parser_of_html_would_see_a_foreign_tag() {
    let letter = compose(&entry(entries::down()), &english());
    let spoilt = letter.html.replace("</h1>", "<script></h1>");
    assert!(std::panic::catch_unwind(|| assert_own_tags(&spoilt)).is_err());
}
