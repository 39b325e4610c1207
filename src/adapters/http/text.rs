//! Text that came from outside, made fit for one line of a mail: no control characters, no credentials, not too long.
//!
//! A secret is taken out of a text as it came and once more after cleaning, which may join what white space divided. Where
//! a text was cut, a part of a secret may stand at the cut, beside `…`; it goes too.

use std::ops::Range;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::header::{self, HeaderMap, HeaderName};
use url::Url;

use crate::model::{limits, one_line};

/// Shorter query and header values are not taken out of texts: they would tear words apart and hide nothing.
const SECRET_CHARS: usize = 6;

/// The same for a user and a password, which are secret in any case.
const CREDENTIAL_CHARS: usize = 3;

/// How much of a body is quoted.
const EXCERPT_CHARS: usize = 120;

/// How far into a body the excerpt is looked for: what stands far down is not the beginning.
const EXCERPT_BYTES: usize = 8192;

/// Around a place in a body, on each side.
const AROUND_CHARS: usize = 60;

fn clean(text: &str) -> String {
    one_line(text, limits::DETAIL_CHARS)
}

/// A page as a person sees it: without tags, style sheets and scripts. `inside`: it begins inside a tag.
fn visible(page: &str, mut inside: bool) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(c) = rest.chars().next() {
        if c == '<' && !inside {
            inside = true;
            if let Some(skipped) = ["style", "script"].iter().find_map(|name| past(rest, name)) {
                rest = skipped;
                continue;
            }
        } else if c == '>' && inside {
            inside = false;
            text.push(' ');
        } else if !inside {
            text.push(c);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    text
}

/// What follows the content of this element, from the `>` of its end on; `None` when `page` does not begin with one.
fn past<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let opening = page.get(1..=name.len())?;
    if !opening.eq_ignore_ascii_case(name) {
        return None;
    }
    let mut rest = page;
    while let Some(at) = rest.find("</") {
        rest = rest.get(at + 2..)?;
        if let Some(closing) = rest.get(..name.len())
            && closing.eq_ignore_ascii_case(name)
        {
            return rest.get(name.len()..);
        }
    }
    Some("")
}

/// How many characters of a page a person sees.
pub(super) fn visible_chars(page: &str) -> usize {
    let text = visible(page, false);
    text.split_whitespace()
        .map(|word| word.chars().count() + 1)
        .sum()
}

/// The text of the first element of this name, on one line.
pub(super) fn element(page: &str, name: &str) -> Option<String> {
    let open = format!("<{name}");
    let (_, rest) = page.split_once(open.as_str())?;
    let (attributes, rest) = rest.split_once('>')?;
    let (content, _) = rest.split_once(format!("</{name}").as_str())?;
    let whole = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
    whole.then(|| clean(&visible(content, false)))
}

/// The beginning of a page as a person sees it, without tags; empty when nothing is there.
pub(super) fn excerpt(body: &str) -> String {
    let mut end = body.len().min(EXCERPT_BYTES);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    let line = clean(&visible(&body[..end], false));
    let mut short: String = line.chars().take(EXCERPT_CHARS).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// What stands around a place of a body; as it is written where the place itself is inside a tag.
pub(super) fn around(body: &str, place: &Range<usize>) -> String {
    let before = body.get(..place.start).unwrap_or_default();
    let after = body.get(place.end..).unwrap_or_default();
    let found = body.get(place.clone()).unwrap_or_default();
    let start = before.char_indices().rev().nth(AROUND_CHARS - 1);
    let start = start.map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(AROUND_CHARS);
    let end = end.map_or(body.len(), |(at, _)| place.end + at);
    let part = body.get(start..end).unwrap_or_default();
    let opened = before.get(..start).and_then(|text| text.rfind('<'));
    let closed = before.get(..start).and_then(|text| text.rfind('>'));
    let seen = clean(&visible(part, opened > closed));
    let shown = if seen.contains(clean(found).as_str()) {
        seen
    } else {
        clean(part)
    };
    let mut line = String::new();
    if start > 0 {
        line.push('…');
    }
    line.push_str(&shown);
    if end < body.len() {
        line.push('…');
    }
    line
}

/// A URL as it may be shown: no user, no password.
pub(super) fn shown(url: &Url) -> String {
    if url.username().is_empty() && url.password().is_none() {
        return url.as_str().to_owned();
    }
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no credentials either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// A URL that came from outside: its query may be a token, so it is not shown, nor more of it than people read.
pub(super) fn shown_foreign(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    let mut line = shown(&url).replace("%E2%80%A6", "…");
    if let Some((end, _)) = line.char_indices().nth(limits::URL_CHARS - 1) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// What must not appear in any text about a check.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Credentials and query values of a profile's URL, and the headers that go to its own origin only.
    pub(super) fn of(url: &Url, headers: &HeaderMap) -> Self {
        let mut words = vec![];
        if url.query().is_some() {
            words.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        }
        for (name, value) in headers {
            if !travels(name) {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                words.extend(value.strip_prefix("Basic ").map(str::to_owned));
                words.extend(value.strip_prefix("Bearer ").map(str::to_owned));
                words.push(value);
            }
        }
        words.retain(|word| word.chars().count() >= SECRET_CHARS);
        words.extend(credentials(url));
        if words.is_empty() {
            return Self::default();
        }
        // As cleaning leaves them, where they hold white space.
        let cleaned: Vec<String> = words.iter().map(|word| clean(word)).collect();
        words.extend(cleaned);
        words.retain(|word| word.chars().count() >= CREDENTIAL_CHARS);
        // The longest first, so that a secret that contains another one goes as a whole.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Self(words)
    }

    /// The text, cleaned, without them.
    pub(super) fn redact(&self, text: &str) -> String {
        let line = self.blot(clean(&self.blot(text)));
        self.cuts(line)
    }

    fn blot(&self, text: impl Into<String>) -> String {
        let mut text = text.into();
        for word in &self.0 {
            if text.contains(word.as_str()) {
                text = text.replace(word.as_str(), "***");
            }
        }
        text
    }

    /// Beside each `…` the longest part of a secret that the cut has left.
    fn cuts(&self, line: String) -> String {
        if !line.contains('…') {
            return line;
        }
        let mut parts: Vec<String> = line.split('…').map(str::to_owned).collect();
        let last = parts.len() - 1;
        for (n, part) in parts.iter_mut().enumerate() {
            for word in &self.0 {
                let ends = word.char_indices().map(|(at, _)| at).skip(SECRET_CHARS);
                let heads: Vec<&str> = ends.map(|at| &word[..at]).collect();
                if n < last
                    && let Some(head) = heads.iter().rev().find(|head| part.ends_with(**head))
                {
                    part.truncate(part.len() - head.len());
                    part.push_str("***");
                }
                let keep = word.chars().count().saturating_sub(SECRET_CHARS);
                let mut tails = word.char_indices().skip(1).take(keep);
                if n > 0
                    && let Some((at, _)) = tails.find(|(at, _)| part.starts_with(&word[*at..]))
                {
                    *part = format!("***{}", &part[word.len() - at..]);
                }
            }
        }
        parts.join("…")
    }
}

/// User and password of a URL as a request carries them; `None` where it has none.
pub(super) fn basic(url: &Url) -> Option<String> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let pair = || BASE64_STANDARD.encode(format!("{}:{}", decoded(user), decoded(password)));
    (!user.is_empty() || !password.is_empty()).then(pair)
}

fn decoded(part: &str) -> String {
    // A plus sign stands for itself here, other than in a query.
    let pair = format!("x={}", part.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}

/// User and password as they stand, decoded, and as they are sent.
fn credentials(url: &Url) -> Vec<String> {
    if url.username().is_empty() && url.password().is_none() {
        return Vec::new();
    }
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let mut words = vec![user.to_owned(), password.to_owned()];
    words.extend([decoded(user), decoded(password)]);
    words.retain(|word| word.chars().count() >= CREDENTIAL_CHARS);
    words.extend(basic(url));
    words
}

/// Headers that may be shown to a host the profile does not name.
pub(super) fn travels(name: &HeaderName) -> bool {
    [
        header::USER_AGENT,
        header::ACCEPT,
        header::ACCEPT_LANGUAGE,
        header::ACCEPT_ENCODING,
        header::CACHE_CONTROL,
        header::PRAGMA,
    ]
    .contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_what_people_see() {
        let page = "<html><title>502 Bad Gateway</title>\n<h1>nginx</h1>";
        assert_eq!(excerpt(page), "502 Bad Gateway nginx");
    }

    #[test]
    fn an_excerpt_passes_over_style_sheets_and_scripts() {
        let page = "<title>Error</title><STYLE>p > a { color: red }</style><script>if (a < b) {}</script><p>Out";
        assert_eq!(excerpt(page), "Error Out");
        assert_eq!(excerpt("a < b and c > d"), "a d");
    }

    #[test]
    fn the_surroundings_of_a_place() {
        let page = format!(
            "{}<p>before <b>Fatal error</b> after</p>{}",
            "x".repeat(99),
            "y".repeat(99)
        );
        let at = page.find("Fatal").unwrap();
        let told = around(&page, &(at..at + 11));
        assert!(told.starts_with("…xxx"), "{told}");
        assert!(told.contains("x before Fatal error after y"), "{told}");
        assert!(told.ends_with("yyy…"), "{told}");
        let page = "<a href='/broken'>link</a>";
        let at = page.find("broken").unwrap();
        assert_eq!(around(page, &(at..at + 6)), "<a href='/broken'>link</a>");
    }

    #[test]
    fn a_part_of_a_secret_beside_a_cut_goes_too() {
        let url = Url::parse("https://example.com/?token=abcdefghij").unwrap();
        let secrets = Secrets::of(&url, &HeaderMap::new());
        assert_eq!(
            secrets.redact("is abcdefgh… or …defghij,"),
            "is ***… or …***,"
        );
        assert_eq!(secrets.redact("abcde…"), "abcde…");
    }

    #[test]
    fn secrets_do_not_appear() {
        let url = Url::parse("https://bob:p%40ssword@example.com/?token=abcdef123&n=1").unwrap();
        let secrets = Secrets::of(&url, &HeaderMap::new());
        let text = secrets.redact("saw p@ssword, p%40ssword and abcdef123, n=1");
        assert_eq!(text, "saw ***, *** and ***, n=1");
        let sent = format!("Basic {}", BASE64_STANDARD.encode("bob:p@ssword"));
        assert_eq!(sent, "Basic Ym9iOnBAc3N3b3Jk");
        assert_eq!(secrets.redact(&sent), "Basic ***");
        assert_eq!(shown(&url), "https://example.com/?token=abcdef123&n=1");
        assert_eq!(shown_foreign(&url), "https://example.com/?…");
    }
}
