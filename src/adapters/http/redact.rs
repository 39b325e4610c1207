//! Texts and URLs made fit for one line of a mail: no control characters, no credentials, not too long.
//!
//! A secret is taken out of a text as it came and once more after cleaning, which may join what white space divided. Where
//! a text was cut, a part of a secret may stand at the cut, beside `…`; it goes too.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::header::{self, HeaderMap, HeaderName};
use url::Url;

use crate::model::{SECRET_CHARS, limits, one_line, secrets_of_query};

/// The least length for a user and a password, which are secret in any case, and for a value whose name says that it is.
const CREDENTIAL_CHARS: usize = 3;

fn clean(text: &str) -> String {
    one_line(text, limits::DETAIL_CHARS)
}

/// A URL that came from outside: its query may be a token, so it is not shown, nor more of it than people read.
pub(super) fn shown_foreign(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    // Both fail only for URLs without a host, which have no credentials either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut line = url.as_str().replace("%E2%80%A6", "…");
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
        for (name, value) in headers {
            if !travels(name) {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                words.extend(value.strip_prefix("Basic ").map(str::to_owned));
                words.extend(value.strip_prefix("Bearer ").map(str::to_owned));
                words.push(value);
            }
        }
        words.retain(|word| word.chars().count() >= SECRET_CHARS);
        words.extend(secrets_of_query(url));
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

    /// These as well.
    pub(super) fn with(mut self, words: impl Iterator<Item = String>) -> Self {
        let before = self.0.len();
        self.0
            .extend(words.filter(|word| word.chars().count() >= SECRET_CHARS));
        if self.0.len() > before {
            self.0.sort_by_key(|word| std::cmp::Reverse(word.len()));
        }
        self
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
fn basic(url: &Url) -> Option<String> {
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
        assert_eq!(shown_foreign(&url), "https://example.com/?…");
    }
}
