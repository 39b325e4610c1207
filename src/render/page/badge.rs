//! `/badge/PROFILE.svg`: the state of a profile and the share of uptime that is known of the longest time up to 90 days, to be
//! put into other pages.

use unicode_width::UnicodeWidthStr as _;

use super::Scene;
use super::days::Calendar;
use super::state::{key_of, sign};
use super::uptime::{figure, shares};
use super::visit::Visit;
use crate::model::{ProfileName, ProfileState, ProfileTrack, Rollups};
use crate::render::text::escape;

/// Pixels of a column of text of 11 pixels; a little more than most fonts need, as nobody here can measure them.
const COLUMN: usize = 7;

/// Shares that a badge may show: up to 90 days.
const SHARES: usize = 4;

/// The drawing.
#[must_use]
pub fn badge(scene: &Scene<'_>, visit: &Visit, name: &ProfileName) -> String {
    let voice = scene.voice(visit);
    let track = scene.fleet.profiles.get(name);
    let state = track.map_or(ProfileState::Unknown, ProfileTrack::state);
    let calendar = Calendar::of(&voice, scene.now());
    let unknown = Rollups::default();
    let rollups = scene.kept.rollups.get(name).unwrap_or(&unknown);
    let shares = shares(scene, &voice, &calendar, rollups);
    let share = shares
        .iter()
        .take(SHARES)
        .rfind(|share| share.share.is_some());
    let word = voice.word(key_of(state));
    let said = match share {
        Some(share) => format!("{} {word} · {}", sign(state), figure(share.share)),
        None => format!("{} {word}", sign(state)),
    };
    let title = match share {
        Some(share) => format!("{name}: {word}, {} ({})", figure(share.share), share.label),
        None => format!("{name}: {word}"),
    };
    let wide = |text: &str| text.width() * COLUMN + 14;
    let (left, right) = (wide(name.as_str()), wide(&said));
    let all = left + right;
    let ground = match state {
        ProfileState::Up => "#1a7037",
        ProfileState::Degraded => "#8a5200",
        ProfileState::Failing | ProfileState::Down => "#b3261e",
        ProfileState::Unknown => "#57606a",
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"22\" role=\"img\" aria-label=\"{title}\" xml:lang=\"{}\">\n\
         <title>{title}</title>\n<clipPath id=\"c\"><rect width=\"{all}\" height=\"22\" rx=\"4\"/></clipPath>\n\
         <g clip-path=\"url(#c)\"><rect width=\"{left}\" height=\"22\" fill=\"#24292f\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"22\" fill=\"{ground}\"/></g>\n\
         <g fill=\"#fff\" font-family=\"system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,Noto Sans JP,sans-serif\" font-size=\"11\" text-anchor=\"middle\">\
         <text x=\"{}\" y=\"15\">{name}</text><text x=\"{}\" y=\"15\">{}</text></g>\n</svg>\n",
        visit.language.word(),
        left / 2,
        left + right / 2,
        escape(&said),
        title = escape(&title),
    )
}
