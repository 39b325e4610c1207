//! What a visitor asks for: the language, and which part of the list.

use std::cmp::Reverse;

use url::form_urlencoded;

use super::state::{STATES, rank};
use crate::model::{
    Fleet, Language, Profile, ProfileName, ProfileState, ProfileTrack, Settings, shown_url,
};

/// Sites on a page. 90 days of each are most of its bytes, and a page stays below 200 KB whatever is told of them, in
/// Japanese, too.
pub const SHOWN: usize = 16;

/// Characters of a filter.
const TEXT: usize = 100;

/// Seconds between two readings by a page that is left open.
pub(super) const REFRESH: u32 = 60;

/// What a visitor asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The language of the answer.
    pub language: Language,
    /// The query named it, so links keep it.
    chosen: bool,
    /// The page is to be read again by itself.
    pub refresh: bool,
    /// What a name, a host or a URL must hold.
    pub text: String,
    /// Which state.
    pub state: Option<ProfileState>,
    /// Which page of the list, from 1.
    pub page: usize,
}

impl Visit {
    /// Reads the query, and the header `Accept-Language`; `usual` is the language of whoever asks for neither.
    #[must_use]
    pub fn of(query: &str, accepts: Option<&str>, usual: Language) -> Self {
        let mut visit = Self {
            language: accepts.and_then(preferred).unwrap_or(usual),
            chosen: false,
            refresh: false,
            text: String::new(),
            state: None,
            page: 1,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "lang" => {
                    if let Some(language) = Language::from_word(&value) {
                        (visit.language, visit.chosen) = (language, true);
                    }
                }
                "q" => visit.text = value.trim().chars().take(TEXT).collect(),
                "state" => visit.state = STATES.into_iter().find(|state| state.word() == value),
                "page" => visit.page = value.parse().unwrap_or(1).max(1),
                "refresh" => visit.refresh = !value.is_empty(),
                _ => {}
            }
        }
        visit
    }

    /// Whether the list is narrowed.
    pub(super) fn narrows(&self) -> bool {
        !self.text.is_empty() || self.state.is_some()
    }

    /// After how many seconds the page is to be read again.
    #[must_use]
    pub fn every(&self) -> Option<u32> {
        self.refresh.then_some(REFRESH)
    }

    /// A link to another page of ours.
    pub(super) fn link(&self, path: &str) -> String {
        let with = Self {
            text: String::new(),
            state: None,
            page: 1,
            ..self.clone()
        };
        with.here(path)
    }

    /// A link to this visit at a path.
    pub(super) fn here(&self, path: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        if let Some(state) = self.state {
            query.append_pair("state", state.word());
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        if self.refresh {
            query.append_pair("refresh", "1");
        }
        if self.chosen {
            query.append_pair("lang", self.language.word());
        }
        let query = query.finish();
        match query.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{query}"),
        }
    }

    /// The same in another language.
    pub(super) fn speaking(&self, language: Language) -> Self {
        Self {
            language,
            chosen: true,
            ..self.clone()
        }
    }

    /// The same, read again by itself or not any more.
    pub(super) fn refreshed(&self) -> Self {
        Self {
            refresh: !self.refresh,
            ..self.clone()
        }
    }

    /// Another page of the list.
    pub(super) fn turned(&self, page: usize) -> Self {
        Self {
            page,
            ..self.clone()
        }
    }

    /// The sites in this state.
    pub(super) fn only(&self, state: ProfileState) -> Self {
        Self {
            state: Some(state),
            page: 1,
            ..self.clone()
        }
    }

    /// What a form must carry on beside its own fields.
    pub(super) fn carried(&self) -> Vec<(&'static str, &'static str)> {
        let mut carried = Vec::new();
        if self.chosen {
            carried.push(("lang", self.language.word()));
        }
        if self.refresh {
            carried.push(("refresh", "1"));
        }
        carried
    }
}

/// The language that a browser likes best of those we speak (RFC 9110 12.5.4).
fn preferred(accepts: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for part in accepts.split(',').take(50) {
        let mut parameters = part.split(';').map(str::trim);
        let tag = parameters.next().unwrap_or_default();
        let primary = tag.split('-').next().unwrap_or_default();
        let Some(language) = Language::from_word(&primary.to_ascii_lowercase()) else {
            continue;
        };
        let weight = parameters.find_map(|parameter| parameter.strip_prefix("q="));
        let weight = weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
        if weight > best.map_or(0.0, |(weight, _)| weight) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// What of the list is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picked {
    /// The profiles of this page, worst first.
    pub names: Vec<ProfileName>,
    /// The page, from 1.
    pub(super) page: usize,
    /// Of so many.
    pub(super) pages: usize,
    /// Profiles that fit.
    pub(super) matched: usize,
    /// All profiles, by their state, in the order of [`STATES`].
    pub(super) counts: [usize; STATES.len()],
}

/// Finds the profiles that a visit asks for: those that fit, worst first, and of one state those first that have been in it
/// for the shortest time.
#[must_use]
pub fn pick(settings: &Settings, fleet: &Fleet, visit: &Visit) -> Picked {
    let wanted = visit.text.to_lowercase();
    let mut counts = [0; STATES.len()];
    let mut fitting = Vec::new();
    for (name, profile) in &settings.profiles {
        let track = fleet.profiles.get(name);
        let state = track.map_or(ProfileState::Unknown, ProfileTrack::state);
        let place = rank(state);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
        let fits = visit.state.is_none_or(|only| only == state)
            && (wanted.is_empty() || holds(profile, &wanted));
        if fits {
            let since = track.map_or(0, |track| track.since.0);
            fitting.push((place, Reverse(since), name));
        }
    }
    fitting.sort_unstable();
    let pages = fitting.len().div_ceil(SHOWN).max(1);
    let page = visit.page.clamp(1, pages);
    let shown = fitting.iter().skip((page - 1) * SHOWN).take(SHOWN);
    Picked {
        names: shown.map(|(_, _, name)| (*name).clone()).collect(),
        page,
        pages,
        matched: fitting.len(),
        counts,
    }
}

/// Whether a name, the host or a URL of a profile holds this text in small letters. URLs as they are shown: nobody finds out
/// a secret by asking for its letters.
fn holds(profile: &Profile, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    has(profile.name.as_str())
        || profile.host.as_ref().is_some_and(|host| has(host.as_str()))
        || profile.urls.iter().any(|url| has(&shown_url(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_asked_for() {
        for (query, accepts, language) in [
            ("", None, Language::En),
            ("", Some("ja"), Language::Ja),
            ("", Some("ja-JP,en;q=0.8"), Language::Ja),
            ("", Some("en-GB, ja;q=0.9"), Language::En),
            ("", Some("de, ja;q=0.3, en;q=0.7"), Language::En),
            ("", Some("ja;q=0, en;q=0.1"), Language::En),
            ("", Some("JA"), Language::Ja),
            ("", Some("de,*;q=0.5"), Language::En),
            ("", Some(",;;q=,ja;q=x"), Language::En),
            ("lang=ja", Some("en"), Language::Ja),
            ("lang=en", Some("ja"), Language::En),
            ("lang=xx", Some("ja"), Language::Ja),
        ] {
            let visit = Visit::of(query, accepts, Language::En);
            assert_eq!(visit.language, language, "{query} {accepts:?}");
        }
        assert_eq!(
            Visit::of("", Some("de"), Language::Ja).language,
            Language::Ja
        );
    }

    #[test]
    fn links_say_again_what_was_asked_for() {
        let visit = Visit::of("q=a%20%26b&state=down&page=3&lang=ja", None, Language::En);
        assert_eq!((visit.text.as_str(), visit.page), ("a &b", 3));
        assert_eq!(visit.state, Some(ProfileState::Down));
        assert_eq!(visit.here("/"), "/?q=a+%26b&state=down&page=3&lang=ja");
        assert_eq!(visit.turned(1).here("/"), "/?q=a+%26b&state=down&lang=ja");
        assert_eq!(visit.link("/host/web1"), "/host/web1?lang=ja");
        let plain = Visit::of("page=0&state=none&q=", Some("ja"), Language::En);
        assert_eq!((plain.page, plain.narrows()), (1, false));
        assert_eq!(plain.link("/"), "/");
        let long = Visit::of(&format!("q={}", "あ".repeat(1_000)), None, Language::En);
        assert_eq!(long.text.chars().count(), TEXT);
    }
}
