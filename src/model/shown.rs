//! URLs of a configuration as anybody may see them: in logs, documents, metrics, mails and at the terminal.
//!
//! Not shown are credentials, and values of the query that may be a token: those of [`SECRET_CHARS`] characters and more, and shorter ones
//! under a name that speaks of a secret (`token`, `key`, …). They stand as `***`, beside their names: `/health?p=12&token=***`. A
//! parameter without a name or a value is such a value itself. Nobody can know which long value is a token, so all are taken for one. A token
//! in a path is shown: paths are what people know their pages by.
//!
//! Two URLs of one profile that would look the same are numbered: the second ends with `#2`, where no URL of a check has anything.
//!
//! Rows of earlier versions hold URLs with their queries; they are read as they would be shown now.

use serde::{Deserialize, Deserializer};
use url::Url;

use super::Profile;

/// Shorter values tell nothing, and taken out of a text they would tear words apart.
pub const SECRET_CHARS: usize = 6;

/// Parts of names whose values are secret, however short.
const SECRET_NAMES: [&str; 10] = [
    "auth", "cookie", "cred", "jwt", "key", "pass", "pwd", "secret", "session", "token",
];

/// Instead of what is not shown.
const STARS: &str = "***";

/// Whether the value of a header or a parameter of this name is a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// What of one parameter, as it stands in a query, is secret: its value, or all of it where it has none.
fn secret_of(pair: &str) -> Option<&str> {
    let (name, value) = match pair.split_once('=') {
        Some((name, value)) if !value.is_empty() => (name, value),
        Some(_) | None => ("", pair),
    };
    let (name, plain) = (decoded(name), decoded(value));
    let secret = plain.chars().count() >= SECRET_CHARS || is_secret_name(&name);
    secret.then_some(value)
}

fn decoded(part: &str) -> String {
    // As a value, which may hold a `=` itself.
    let pair = format!("={part}");
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// A URL as it may be shown.
#[must_use]
pub fn shown_url(url: &Url) -> String {
    let plain = url.query().is_none() && url.fragment().is_none();
    if plain && url.username().is_empty() && url.password().is_none() {
        return url.as_str().to_owned();
    }
    let mut shown = url.clone();
    shown.set_fragment(None);
    // Both fail only for URLs that cannot have them.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    if let Some(query) = url.query() {
        let pairs = query.split('&').map(|pair| match secret_of(pair) {
            Some(secret) => format!("{}{STARS}", &pair[..pair.len() - secret.len()]),
            None => pair.to_owned(),
        });
        shown.set_query(Some(&pairs.collect::<Vec<_>>().join("&")));
    }
    shown.into()
}

/// What of a URL's query must not stand in any text: each as it is written, and decoded.
#[must_use]
pub fn secrets_of_query(url: &Url) -> Vec<String> {
    let pairs = url.query().into_iter().flat_map(|query| query.split('&'));
    let secrets = pairs
        .filter_map(secret_of)
        .filter(|secret| !secret.is_empty());
    secrets
        .flat_map(|secret| [secret.to_owned(), decoded(secret)])
        .collect()
}

/// A URL in a text, as it may be shown.
#[must_use]
pub fn shown_text(text: &str) -> String {
    if !text.contains(['?', '@']) {
        return text.to_owned();
    }
    Url::parse(text).map_or_else(|_| text.to_owned(), |url| shown_url(&url))
}

/// Reads a URL as it may be shown.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    // A number behind it is kept.
    let (url, number) = match text.rsplit_once('#') {
        Some((url, number)) => (url, Some(number)),
        None => (text.as_str(), None),
    };
    let shown = shown_text(url);
    Ok(match number {
        Some(number) => format!("{shown}#{number}"),
        None => shown,
    })
}

impl Profile {
    /// One of its URLs as it may be shown, and as its results name it.
    #[must_use]
    pub fn shown(&self, url: &Url) -> String {
        let shown = shown_url(url);
        if url.query().is_none() {
            return shown;
        }
        let before = self.urls.iter().take_while(|other| *other != url);
        match before.filter(|other| shown_url(other) == shown).count() {
            0 => shown,
            twins => format!("{shown}#{}", twins + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn nothing_that_may_be_a_token_is_shown() {
        for (written, shown) in [
            ("https://bob:hunter22@a.example/", "https://a.example/"),
            ("https://token-of-bob@a.example/x", "https://a.example/x"),
            (
                "https://a.example/?p=12&page_id=7",
                "https://a.example/?p=12&page_id=7",
            ),
            (
                "https://a.example/?token=abcdef123&p=1",
                "https://a.example/?token=***&p=1",
            ),
            (
                "https://a.example/?token=t0k3n",
                "https://a.example/?token=***",
            ),
            (
                "https://a.example/?API_Key=1",
                "https://a.example/?API_Key=***",
            ),
            (
                "https://a.example/?%74oken=1",
                "https://a.example/?%74oken=***",
            ),
            ("https://a.example/?abcdef123", "https://a.example/?***"),
            ("https://a.example/?dG9rZW4xMjM=", "https://a.example/?***"),
            (
                "https://a.example/?a=b;token=abc",
                "https://a.example/?a=***",
            ),
            (
                "https://a.example/?x=%61%62%63",
                "https://a.example/?x=%61%62%63",
            ),
            ("https://a.example/?x=a%62cdef", "https://a.example/?x=***"),
            ("https://a.example/?x=a=b=c=d", "https://a.example/?x=***"),
            ("https://a.example/?", "https://a.example/?"),
            ("https://a.example/?a&b=&c", "https://a.example/?a&b=&c"),
            ("https://a.example/#token=abcdef", "https://a.example/"),
        ] {
            assert_eq!(shown_url(&url(written)), shown, "{written}");
            // And once more nothing changes.
            assert_eq!(shown_text(shown), shown);
        }
        assert_eq!(shown_text("no url?"), "no url?");
    }

    #[test]
    fn what_is_not_shown_is_known_in_each_form() {
        let secrets = secrets_of_query(&url("https://a.example/?n=1&token=ab%20cd+ef&longer-one"));
        assert_eq!(
            secrets,
            ["ab%20cd+ef", "ab cd ef", "longer-one", "longer-one"]
        );
    }

    #[test]
    fn urls_that_look_the_same_are_numbered() {
        let urls = ["shoes-of-leather", "hats-of-felt", "7"];
        let urls = urls.map(|kind| url(&format!("https://a.example/?kind={kind}")));
        let profile = Profile::of_urls(urls.to_vec(), Duration::from_secs(1));
        let shown: Vec<String> = profile.urls.iter().map(|url| profile.shown(url)).collect();
        let same = "https://a.example/?kind=***";
        assert_eq!(shown[..2], [same.to_owned(), format!("{same}#2")]);
        assert_eq!(shown[2], "https://a.example/?kind=7");
    }

    #[test]
    fn a_row_of_an_earlier_version_is_read_as_it_would_be_shown() {
        for (row, shown) in [
            (
                "\"https://a.example/?token=abcdef\"",
                "https://a.example/?token=***",
            ),
            (
                "\"https://a.example/?token=***#2\"",
                "https://a.example/?token=***#2",
            ),
            ("\"https://a.example/\"", "https://a.example/"),
        ] {
            let mut from = serde_json::Deserializer::from_str(row);
            assert_eq!(read(&mut from).unwrap(), shown);
        }
    }
}
