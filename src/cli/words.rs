//! Words of the command line: names, URLs, targets, languages; what is wrong with one is said with what to write instead.

use url::Url;

use super::Subject;
use crate::model::{Language, ProfileName, Target};

/// Words with `://` are URLs; the others are profiles; both at once mean two different things.
pub(super) fn subject(words: &[String]) -> Result<Subject, String> {
    let is_url = |word: &&String| word.contains("://");
    let urls = words.iter().filter(is_url).count();
    if words.is_empty() {
        Ok(Subject::Due)
    } else if urls == 0 {
        let names: Result<_, _> = words.iter().map(|word| profile_name(word)).collect();
        Ok(Subject::Profiles(names?))
    } else if urls == words.len() {
        let urls: Result<_, _> = words.iter().map(|word| web_url(word)).collect();
        Ok(Subject::Urls(urls?))
    } else {
        Err("profiles and URLs cannot be mixed: a profile is probed with its state and its actions, a URL without; \
             run `probe once` once for each kind"
            .to_owned())
    }
}

fn web_url(word: &str) -> Result<Url, String> {
    let url =
        Url::parse(word).map_err(|fault| format!("`{}` is not a URL: {fault}", shown(word)))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(format!(
            "`{}` cannot be probed: a URL begins with `http://` or `https://`",
            shown(word)
        ))
    }
}

/// A URL as it may be shown: what stands before an `@` can be a password.
fn shown(word: &str) -> String {
    match (word.split_once("://"), word.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => word.to_owned(),
    }
}

pub(super) fn profile_name(word: &str) -> Result<ProfileName, String> {
    ProfileName::try_new(word).map_err(|fault| {
        if word.contains([':', '/']) {
            format!("`{word}` is not a profile; if a URL is meant, write `https://{word}` or `http://{word}`")
        } else {
            fault.to_string()
        }
    })
}

/// `Name: value`.
pub(super) fn header(word: &str) -> Result<(String, String), String> {
    // The value may be a secret and is not repeated.
    let parts = word.split_once(':');
    match parts.map(|(name, value)| (name.trim(), value.trim())) {
        Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write it as `Name: value`".to_owned()),
    }
}

pub(super) fn target(word: &str) -> Result<Target, String> {
    if word == "all" {
        return Ok(Target::All);
    }
    ProfileName::try_new(word)
        .map(|name| Target::Named(name.to_string()))
        .map_err(|fault| fault.to_string())
}

/// The name of a profile or a host.
pub(super) fn entry_name(word: &str) -> Result<String, String> {
    let name = ProfileName::try_new(word).map_err(|fault| fault.to_string());
    name.map(|name| name.to_string())
}

pub(super) fn language(word: &str) -> Result<Language, String> {
    match word {
        "en" => Ok(Language::En),
        "ja" => Ok(Language::Ja),
        _ => Err("use `en` or `ja`".to_owned()),
    }
}
