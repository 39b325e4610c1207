//! Text that came from outside, made fit for one line of a mail: no control characters, no credentials, not too long.

use reqwest::header::HeaderMap;
use url::Url;

use super::follow;
use crate::model::limits;

/// Shorter query and header values are not taken out of texts: they would tear words apart and hide nothing.
const SECRET_CHARS: usize = 6;

/// The same for a user and a password, which are secret in any case.
const CREDENTIAL_CHARS: usize = 3;

/// How much of a body is quoted.
const EXCERPT_CHARS: usize = 120;

/// One line: control and direction characters and runs of white space become one space, capped.
pub(super) fn clean(text: &str) -> String {
    let mut line = String::new();
    let mut chars = 0;
    let mut gap = false;
    for c in text.chars() {
        let mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_whitespace() || c.is_control() || mark {
            gap = !line.is_empty();
            continue;
        }
        if chars + 2 >= limits::DETAIL_CHARS {
            line.push('…');
            break;
        }
        if std::mem::take(&mut gap) {
            line.push(' ');
            chars += 1;
        }
        line.push(c);
        chars += 1;
    }
    line
}

/// The beginning of a page as a person sees it, without tags; empty when nothing is there.
pub(super) fn excerpt(body: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    // An error page may begin with a long style sheet; what stands far down is not the beginning.
    for c in body.chars().take(4096) {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    let line = clean(&text);
    let mut short: String = line.chars().take(EXCERPT_CHARS).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// A URL as it may be shown: no user, no password.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no credentials either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// A URL that came from outside: its query may be a token, so it is not shown.
pub(super) fn shown_foreign(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    shown(&url).replace("%E2%80%A6", "…")
}

/// What must not appear in any text about a check.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Credentials and query values of a profile's URL, and the headers that go to its own origin only.
    pub(super) fn of(url: &Url, headers: &HeaderMap) -> Self {
        let mut words = vec![];
        for (_, value) in url.query_pairs() {
            words.push(value.into_owned());
        }
        for (name, value) in headers {
            if !follow::travels(name) {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                words.extend(value.strip_prefix("Basic ").map(str::to_owned));
                words.extend(value.strip_prefix("Bearer ").map(str::to_owned));
                words.push(value);
            }
        }
        words.retain(|word| word.chars().count() >= SECRET_CHARS);
        words.extend(credentials(url));
        // The longest first, so that a secret that contains another one goes as a whole.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Self(words)
    }

    /// The text, cleaned, without them.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for word in &self.0 {
            if text.contains(word.as_str()) {
                text = text.replace(word.as_str(), "***");
            }
        }
        clean(&text)
    }
}

/// User and password as they stand, decoded, and as they are sent.
fn credentials(url: &Url) -> Vec<String> {
    let decoded = |part: &str| {
        // A plus sign stands for itself here, other than in a query.
        let pair = format!("x={}", part.replace('+', "%2B"));
        let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
        pairs
            .next()
            .map(|(_, v)| v.into_owned())
            .unwrap_or_default()
    };
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let mut words = vec![user.to_owned(), password.to_owned()];
    words.extend([decoded(user), decoded(password)]);
    words.retain(|word| word.chars().count() >= CREDENTIAL_CHARS);
    if !user.is_empty() || !password.is_empty() {
        words.push(base64(&format!("{}:{}", decoded(user), decoded(password))));
    }
    words
}

/// RFC 4648 with padding.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let byte = |n: usize| three.get(n).copied().map_or(0, usize::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            let place = bits >> (18 - 6 * n) & 63;
            out.push(if n <= three.len() {
                char::from(ALPHABET[place])
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_without_control_characters() {
        assert_eq!(clean("\x1b[31m a\r\nb\u{202e}c\t\t"), "[31m a b c");
        let long = clean(&"ä".repeat(1000));
        assert!(long.chars().count() <= limits::DETAIL_CHARS, "{long}");
        assert!(long.ends_with('…'));
    }

    #[test]
    fn an_excerpt_is_what_people_see() {
        let page = "<html><title>502 Bad Gateway</title>\n<h1>nginx</h1>";
        assert_eq!(excerpt(page), "502 Bad Gateway nginx");
    }

    #[test]
    fn secrets_do_not_appear() {
        let url = Url::parse("https://bob:p%40ssword@example.com/?token=abcdef123&n=1").unwrap();
        let secrets = Secrets::of(&url, &HeaderMap::new());
        let text = secrets.redact("saw p@ssword, p%40ssword and abcdef123, n=1");
        assert_eq!(text, "saw ***, *** and ***, n=1");
        let sent = format!("Basic {}", base64("bob:p@ssword"));
        assert_eq!(sent, "Basic Ym9iOnBAc3N3b3Jk");
        assert_eq!(secrets.redact(&sent), "Basic ***");
        assert_eq!(shown(&url), "https://example.com/?token=abcdef123&n=1");
        assert_eq!(shown_foreign(&url), "https://example.com/?…");
    }
}
