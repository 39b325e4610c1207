//! What a site sends stands verbatim between quotation marks or not at all, in every mail and language.

use proptest::prelude::*;

use probe::model::{FieldValue, Finding, Language, Notification, Observation, Remark, Wording};
use probe::render::mail::compose;

use super::entries::{self, english, entry, japanese};
use super::{crowds, weeks};

/// Statements of ours, as a page may make them.
const LIES: [&str; 6] = [
    "Sorry, and the SSH port of its host is silent, too",
    "Oops (at https://bank.example/login, after 2 redirects)",
    "x; the certificate expired on 2026-11-20, 3 days ago",
    "` not found in the body; behind it the site answers (HTTP status 200",
    "ホストの SSH ポートも応答しません",
    "in maintenance for 10 min now, not over after 15 min: HTTP status 503",
];

/// The language's quotation marks.
const fn marks(language: Language) -> (char, char) {
    match language {
        Language::En => ('“', '”'),
        Language::Ja => ('「', '」'),
    }
}

/// A text without what stands in quotation marks, and what stands in them; blanks, which wrapping moves about, count for nothing.
fn parts(language: Language, text: &str) -> (String, Vec<String>) {
    let (open, close) = marks(language);
    let (mut ours, mut quoted, mut inside) = (String::new(), Vec::new(), None);
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        inside = match inside {
            None if c == open => Some(String::new()),
            None => {
                ours.push(c);
                None
            }
            Some(said) if c == close => {
                quoted.push(said);
                None
            }
            Some(mut said) => {
                said.push(c);
                Some(said)
            }
        };
    }
    assert_eq!(inside, None, "a quotation without an end: {text}");
    (ours, quoted)
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Every finding that holds something from outside, saying this.
fn findings(said: &str) -> Vec<Finding> {
    let mut all = Finding::all();
    all.retain(|finding| {
        let mut held = finding.values().into_iter();
        held.any(|(_, held)| matches!(held, FieldValue::Quoted(_)))
    });
    for finding in &mut all {
        let ours: Vec<String> = finding
            .values()
            .iter()
            .filter_map(|(_, held)| {
                let FieldValue::Text(text) = held else {
                    return None;
                };
                Some((*text).to_owned())
            })
            .collect();
        finding.change_texts(&mut |text| match ours.iter().any(|own| own == text) {
            true => text.to_owned(),
            false => said.to_owned(),
        });
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// Every mail, saying this in all its places.
fn mails(finding: &Finding) -> Vec<Notification> {
    let more = crowds::more().into_iter().map(|(_, note)| note);
    let all = entries::all().into_iter().chain(more);
    let all = all.chain([weeks::report(), weeks::first()]);
    all.map(|mut note| {
        for seen in &mut note.seen {
            match seen {
                Observation::Alone(said) => *said = finding.clone(),
                Observation::Check { finding: said, .. } => **said = finding.clone(),
            }
        }
        if matches!(note.remark, Some(Remark::Finding(_))) {
            note.remark = Some(Remark::Finding(finding.clone()));
        }
        note
    })
    .collect()
}

fn assert_quoted(wording: &Wording, note: &Notification, said: &str) {
    let letter = compose(&entry(note.clone()), wording);
    assert_eq!(letter.complaints, [""; 0]);
    let html = html_text(&letter.html);
    for text in [&letter.subject, &letter.text, &html] {
        let (ours, quoted) = parts(wording.language, text);
        let said = bare(said);
        assert!(!ours.contains(&said), "said as ours: {text}");
        for one in quoted {
            // What is long is cut, and says so.
            let whole = one.contains(&said) || one.ends_with('…');
            assert!(whole || !one.contains("SSHport"), "{one}: {text}");
        }
    }
}

/// What a reader of the HTML sees.
fn html_text(html: &str) -> String {
    let mut text = String::new();
    let mut tag = false;
    for c in html.chars() {
        match c {
            '<' => tag = true,
            '>' => tag = false,
            c if !tag => text.push(c),
            _ => {}
        }
    }
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, c);
    }
    text
}

#[test]
fn a_lie_of_a_page_is_a_quotation_in_every_mail() {
    for (wording, said) in [english(), japanese()].into_iter().zip(LIES) {
        for finding in findings(said) {
            for note in mails(&finding) {
                assert_quoted(&wording, &note, said);
            }
        }
    }
}

/// Each text is there, whole.
#[test]
fn what_is_quoted_is_said_verbatim() {
    for wording in [english(), japanese()] {
        for said in LIES {
            for finding in findings(said) {
                let mut note = entries::down();
                note.seen = vec![Observation::Alone(finding.clone())];
                let letter = compose(&entry(note), &wording);
                let (_, quoted) = parts(wording.language, &letter.text);
                let said = bare(said);
                assert!(quoted.contains(&said), "{finding:?}: {}", letter.text);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// No text ends its own quotation, whatever marks are in it.
    #[test]
    fn no_text_ends_its_own_quotation(
        before in "[”“」「』『’‘\"' -~]{0,12}",
        after in "[”“」「』『’‘\"' -~]{0,12}",
        place in any::<prop::sample::Index>(),
        japanese_too in any::<bool>(),
    ) {
        let wording = if japanese_too { japanese() } else { english() };
        let said = format!("{before}andtheSSHportissilent{after}");
        let all = findings(&said);
        let finding = place.get(&all);
        let mut note = entries::down();
        note.seen = vec![Observation::Alone(finding.clone())];
        let letter = compose(&entry(note), &wording);
        let (ours, quoted) = parts(wording.language, &letter.text);
        prop_assert!(!ours.contains("andtheSSHportissilent"), "{}", letter.text);
        let told = |one: &String| one.contains("andtheSSHportissilent");
        prop_assert!(quoted.iter().any(told), "{finding:?}: {}", letter.text);
    }
}
