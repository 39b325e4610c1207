//! The phrase book for what a probe saw: each phrase is one of the prober's, and each hole is said once.

use std::fs;

use regex::Regex;

/// All that the prober says, with `{}` for what it puts in.
fn source() -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    let mut source = String::new();
    for file in ["model/expect.rs", "policy/judge.rs"] {
        source += &fs::read_to_string(format!("{root}{file}")).unwrap();
    }
    for file in fs::read_dir(format!("{root}adapters/http")).unwrap() {
        source += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    // A literal goes on in the next line, and what is put in has a name here and there.
    let goes_on = Regex::new(r"\\\n\s*").unwrap();
    let holes = Regex::new(r"\{[a-z_:?]*\}").unwrap();
    let source = goes_on.replace_all(&source, "");
    holes.replace_all(&source, "{}").into_owned()
}

#[test]
fn the_book_says_what_the_prober_says() {
    let source = source();
    let book = include_str!("../../../src/render/words/ja/details.txt");
    let lines: Vec<&str> = book
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(
        lines.len() > 160 && lines.len().is_multiple_of(2),
        "{}",
        lines.len()
    );
    for pair in lines.chunks(2) {
        let (english, said) = (pair[0], pair[1].trim_start());
        assert!(
            !english.starts_with(' ') && pair[1].starts_with("  "),
            "{english}"
        );
        // A quotation is put behind by others.
        let words = english.strip_suffix(": {*}").unwrap_or(english);
        // Where it looked is put in, too.
        let known = match words.split_once(" in the ") {
            Some((what, place)) if !source.contains(words) => {
                source.contains(&format!("{what}{{}}"))
                    && source.contains(&format!(" in the {place}"))
            }
            _ => source.contains(words),
        };
        assert!(known, "nobody says `{english}`");
        assert!(!said.is_ascii(), "{english}");
        let holes = english.matches("{}").count() + english.matches("{*}").count();
        for hole in 1..=holes {
            let mark = format!("{{{hole}}}");
            assert_eq!(said.matches(&mark).count(), 1, "{english}");
        }
        assert_eq!(said.matches('{').count(), holes, "{english}");
    }
}
