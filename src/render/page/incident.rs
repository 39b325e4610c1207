//! An open incident: what was seen last, and what happened since its first failure.

use minijinja::context;

use super::Scene;
use super::frame::is_open;
use super::markup::{prose, say};
use crate::model::{
    Cause, CheckOutcome, CheckResult, Happened, HostName, Observation, Profile, ProfileName,
    ProfileState, ProfileTrack, Timestamp,
};
use crate::render::text::escape;
use crate::render::words::{Voice, key};
use crate::render::{ailment, explain, mail};

/// Lines of a timeline at most; of more, the newest.
const LINES: usize = 40;

/// The same in a list.
const LINES_IN_LIST: usize = 6;

/// What a check saw that is not well, in words.
pub(super) fn seen(voice: &Voice, check: &CheckResult) -> Option<String> {
    let CheckOutcome::Found {
        cause,
        finding,
        phase,
        ..
    } = &check.outcome
    else {
        return None;
    };
    let seen = Observation::Check {
        url: check.url.clone(),
        cause: *cause,
        finding: finding.clone(),
        address: check.address,
        phase: *phase,
    };
    Some(mail::sighting(voice, &seen))
}

/// What is to be said of a profile's state besides its word: each line as markup.
pub(super) fn remarks(
    scene: &Scene<'_>,
    voice: &Voice,
    name: &ProfileName,
    profile: &Profile,
    track: &ProfileTrack,
) -> Vec<String> {
    let now = scene.now();
    let wall = |at: Timestamp| scene.fleet.wall(at);
    let mut lines = Vec::new();
    match track.state() {
        ProfileState::Failing => {
            let (n, of) = (track.failures, profile.failure_threshold);
            lines.push(say(voice, key!(Status, "streak"), context! { n, of }));
        }
        ProfileState::Down if track.successes > 0 && track.last.iter().all(CheckResult::is_ok) => {
            let (n, of) = (track.successes, profile.success_threshold);
            lines.push(say(voice, key!(Status, "answers"), context! { n, of }));
        }
        ProfileState::Down | ProfileState::Unknown | ProfileState::Up | ProfileState::Degraded => {}
    }
    if let Some(since) = track.blank_since() {
        let lasted = voice.span(std::time::Duration::from_secs(
            now.since(wall(since)).as_secs(),
        ));
        let at = voice.moment(wall(since), now);
        lines.push(say(
            voice,
            key!(Status, "blank_since"),
            context! { at, lasted },
        ));
    }
    let telling = track.telling.as_deref();
    let thread = telling.map(|telling| &telling.thread);
    let ack = thread.and_then(|thread| {
        let ack = scene.fleet.acks.get(thread.as_str())?;
        ack.holds(scene.fleet, thread).then_some(ack)
    });
    if let Some(ack) = ack {
        let at = voice.moment(ack.at, now);
        let until = ack.until.map(|until| voice.moment(until, now));
        let reason = &ack.reason;
        lines.push(say(
            voice,
            key!(Status, "acknowledged"),
            context! { at, until, reason },
        ));
    }
    if let Some(until) = profile.window(now) {
        let at = voice.moment(until, now);
        lines.push(say(voice, key!(Status, "window"), context! { at }));
    }
    let pause = scene.fleet.pauses.get(name.as_str());
    if let Some(pause) = pause.filter(|pause| is_open(pause, now)) {
        let at = pause.until.map(|until| voice.moment(until, now));
        let reason = &pause.reason;
        lines.push(say(
            voice,
            key!(Status, "site_paused"),
            context! { at, reason },
        ));
    }
    lines
}

/// What happened since the first failure, oldest first, as markup; nothing where no incident is open. In a list, `brief`: its
/// beginning and its attempts alone.
pub(super) fn timeline(
    scene: &Scene<'_>,
    voice: &Voice,
    host: Option<&HostName>,
    track: &ProfileTrack,
    brief: bool,
) -> String {
    let Some(incident) = track.incident.as_deref() else {
        return String::new();
    };
    let wall = |at: Timestamp| scene.fleet.wall(at);
    let name = host.map_or("", |host| host.as_str());
    let mut lines: Vec<(Timestamp, String)> = vec![
        (
            wall(incident.since),
            voice.word(key!(Page, "timeline.since")),
        ),
        (
            wall(incident.opened),
            voice.word(key!(Page, "timeline.opened")),
        ),
    ];
    for attempt in &incident.attempts {
        let number = attempt.number;
        let values = context! { host => name, number };
        lines.push((
            wall(attempt.began),
            voice.say(key!(Page, "timeline.began"), values),
        ));
        if let Some(at) = attempt.ended {
            let ended = mail::outcome(voice, attempt);
            let values = context! { number, ended };
            lines.push((wall(at), voice.say(key!(Page, "timeline.ended"), values)));
        }
    }
    let recorded = scene.kept.recorded.iter();
    let since = wall(incident.since);
    for (at, note) in recorded.filter(|(at, _)| !brief && *at >= since) {
        lines.extend(
            host.and_then(|host| told(voice, host, note))
                .map(|line| (*at, line)),
        );
    }
    // What happened at the same moment stays in the order of cause and effect.
    lines.sort_by_key(|(at, _)| *at);
    lines.dedup();
    let most = if brief { LINES_IN_LIST } else { LINES };
    lines.drain(..lines.len().saturating_sub(most));
    let now = scene.now();
    let items: String = lines
        .iter()
        .map(|(at, line)| {
            format!(
                "<li><time datetime=\"{at}\">{}</time> <span>{}</span></li>\n",
                escape(&voice.moment(*at, now)),
                prose(line)
            )
        })
        .collect();
    format!("<ol class=\"timeline\">\n{items}</ol>\n")
}

/// What the journal says of a host beside its attempts.
fn told(voice: &Voice, host: &HostName, note: &Happened) -> Option<String> {
    let name = host.as_str();
    if let Happened::Held { host: of, hold, .. } = note
        && of == host
    {
        let held = explain::hold_phrase(voice, hold);
        return Some(voice.say(key!(Page, "timeline.withheld"), context! { held }));
    }
    if let Happened::Diagnosed {
        host: of, ailment, ..
    } = note
        && of == host
    {
        let what = ailment.map_or_else(
            || voice.word(key!(Status, "timeline.looked.nothing")),
            |ailment| ailment::phrase(voice, ailment),
        );
        let values = context! { host => name, what };
        return Some(voice.say(key!(Status, "timeline.looked"), values));
    }
    if let Happened::GaveUp { host: of, .. } = note
        && of == host
    {
        return Some(voice.word(key!(Page, "timeline.gave_up")));
    }
    if let Happened::Rearmed { host: of } = note
        && of == host
    {
        let values = context! { host => name };
        return Some(voice.say(key!(Status, "timeline.rearmed"), values));
    }
    None
}

/// The words of what was found.
pub(super) fn cause(voice: &Voice, cause: Option<Cause>) -> String {
    cause.map_or_else(String::new, |cause| explain::cause_phrase(voice, cause))
}
