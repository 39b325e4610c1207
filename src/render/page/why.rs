//! Why a host is, or is not, restarted: the answer of `probe why`, with what is allowed and what is used up.

use minijinja::context;

use super::Scene;
use super::frame::is_open;
use super::markup::{prose, say};
use crate::model::{Account, Hold, Host, HostName, HostTrack, Pause, Stage, Standpoint};
use crate::render::explain;
use crate::render::standing::HostStanding;
use crate::render::words::{Key, Voice, key};

/// What a host's recovery is doing, in a word; `None` where it has nothing to do.
pub(super) fn standing(voice: &Voice, standing: &HostStanding) -> String {
    voice.word(word(standing))
}

fn word(standing: &HostStanding) -> Key {
    match standing.word {
        "restarting" => key!(Status, "host.restarting"),
        "settling" => key!(Status, "host.settling"),
        "gave_up" => key!(Status, "host.gave_up"),
        "paused" => key!(Status, "host.paused"),
        "holding" => key!(Status, "host.holding"),
        _ => key!(Status, "host.idle"),
    }
}

/// What it is doing in a sentence, by what was decided last and by what people ordered since; `None` where it has nothing to
/// do.
pub(super) fn sentence(
    scene: &Scene<'_>,
    voice: &Voice,
    name: &HostName,
    track: &HostTrack,
) -> Option<String> {
    let said = |hold: &Hold| explain::hold(voice, hold, name.as_str(), |at| scene.fleet.wall(at));
    let hold = match &track.stage {
        Stage::Restarting { .. } => said(&Hold::Restarting),
        Stage::Settling { until, .. } => said(&Hold::Settling { until: *until }),
        Stage::GaveUp { reason, .. } => said(&Hold::GaveUp {
            reason: reason.clone(),
        }),
        Stage::Idle => match pause_of(scene, name) {
            Some(pause) => said(&Hold::Paused {
                until: pause.until,
                reason: pause.reason.clone(),
            }),
            None => said(track.hold.as_ref()?),
        },
    };
    Some(prose(&hold))
}

/// The pause of a host, or of everything.
fn pause_of<'a>(scene: &Scene<'a>, host: &HostName) -> Option<&'a Pause> {
    let now = scene.now();
    let pauses = [host.as_str(), "all"];
    let mut pauses = pauses
        .iter()
        .filter_map(|target| scene.fleet.pauses.get(*target));
    pauses.find(|pause| is_open(pause, now))
}

/// The whole answer, as markup.
pub(super) fn answer(scene: &Scene<'_>, voice: &Voice, account: &Account) -> String {
    let host = account.host.as_str();
    let wall = |at| scene.fleet.wall(at);
    let said = match &account.standpoint {
        Standpoint::Calm => say(voice, key!(Status, "why.calm"), context! { host }),
        Standpoint::Held(hold) => prose(&explain::hold(voice, hold, host, wall)),
        Standpoint::GivesUp(reason) => {
            let reason = explain::given_up(voice, reason);
            say(
                voice,
                key!(Status, "why.gives_up"),
                context! { host, reason },
            )
        }
        Standpoint::Acts(site) => {
            let (site, command) = (site.as_str(), &account.command);
            say(
                voice,
                key!(Status, "why.acts"),
                context! { host, site, command },
            )
        }
    };
    let mut out = format!("<p>{said}</p>\n");
    if account.standpoint == Standpoint::Calm {
        return out;
    }
    let mut lines = Vec::new();
    if let Some(at) = account.may_act_at {
        let now = scene.now();
        lines.push(match wall(at) {
            at if at <= now => say(voice, key!(Status, "why.at_once"), context! {}),
            at => {
                let at = voice.moment(at, now);
                say(voice, key!(Status, "why.at"), context! { at })
            }
        });
    }
    for witness in account
        .witnesses
        .iter()
        .filter(|witness| witness.cause.is_some())
    {
        let (site, of) = (witness.profile.as_str(), witness.threshold);
        let n = match (witness.listed, &witness.not_evidence) {
            (true, None) => witness.evidence.min(of),
            (false, _) | (_, Some(_)) => 0,
        };
        lines.push(say(
            voice,
            key!(Status, "why.evidence"),
            context! { site, n, of },
        ));
    }
    let (needed, of) = (account.needed, account.witnesses.len());
    let n = account.witnesses.iter().filter(|w| w.proven).count();
    lines.push(say(
        voice,
        key!(Status, "why.needed"),
        context! { needed, of, n },
    ));
    let (n, of, command) = (account.attempts, account.give_up_after, &account.command);
    lines.push(say(
        voice,
        key!(Status, "why.attempts"),
        context! { n, of, command },
    ));
    let items: String = lines
        .iter()
        .map(|line| format!("<li>{line}</li>\n"))
        .collect();
    out.push_str(&format!("<ul class=\"plain\">\n{items}</ul>\n"));
    out
}

/// How many restarts are left.
pub(super) fn budget(scene: &Scene<'_>, voice: &Voice, host: &Host, track: &HostTrack) -> String {
    let budget = host.restart.budget;
    let spent = budget.spent(&track.starts, scene.fleet.now());
    let (n, of) = (budget.restarts.saturating_sub(spent), budget.restarts);
    let per = voice.span(budget.per);
    say(voice, key!(Status, "budget.left"), context! { n, of, per })
}
