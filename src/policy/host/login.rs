//! A host at which logins fail.
//!
//! What cannot be sent is not an attempt: it neither counts towards giving up nor for the budget, and holds the restart.
//!
//! - Nobody gets in: the next login is tried after a minute, then each time after twice as long, up to a quarter of an
//!   hour ([`limits::LOOK_AGAIN`]); and as soon as an SSH port that did not answer does.
//! - The login is refused: it is tried again after [`limits::LOGIN_AGAIN`], never sooner, and [`limits::LOGIN_TRIES`]
//!   times in one failure of the host. Then we give up on it.
//!
//! A login is a look before a restart or, on a host that is not looked at, the restart. One that goes well ends this.

use std::time::Duration;

use crate::model::{GivenUp, Hold, HostName, HostTrack, NoLogin, Reason, Timestamp, limits};

use crate::policy::draft::Draft;
use crate::policy::host::giving_up;

/// A login failed.
pub(in crate::policy) fn failed(
    draft: &mut Draft<'_>,
    name: &HostName,
    reason: Reason,
    refused: bool,
) {
    let now = draft.now;
    let track = draft.fleet.host_mut(name);
    // In an earlier failure of the host they say nothing of this one.
    let failing = track.failing_since.unwrap_or(now);
    let before = track
        .no_login
        .take()
        .filter(|before| before.seen >= failing);
    let (tries, refusals) = before.map_or((0, 0), |before| (before.tries, before.refusals));
    let refusals = refusals + u32::from(refused);
    track.no_login = Some(Box::new(NoLogin {
        seen: now,
        tries: tries.saturating_add(1),
        refusals,
        refused,
        reason: reason.clone(),
    }));
    if refusals > limits::LOGIN_TRIES && track.healthy_since.is_none() {
        let said = Some(reason);
        giving_up::give_up(draft, name, GivenUp::LoginRefused { said });
    }
}

/// A login went well.
pub(in crate::policy) fn worked(draft: &mut Draft<'_>, name: &HostName) {
    let known = draft.fleet.hosts.get(name);
    if known.is_some_and(|track| track.no_login.is_some()) {
        draft.fleet.host_mut(name).no_login = None;
    }
}

/// The hold until the next login may be tried.
pub(in crate::policy) fn refusal(now: Timestamp, track: &HostTrack) -> Option<Hold> {
    let failed = track.no_login.as_ref()?;
    let reason = failed.reason.clone();
    if failed.refused {
        let until = failed.seen + limits::LOGIN_AGAIN;
        return (until > now).then_some(Hold::LoginRefused { reason, until });
    }
    let back = track.away.and_then(|away| away.back);
    let until = failed.seen + wait(failed.tries);
    let waits = until > now && back.is_none_or(|back| back < failed.seen);
    waits.then_some(Hold::SshUnreachable { reason, until })
}

/// The wait after so many tries in a row, at least one.
pub(in crate::policy) fn wait(tries: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(tries.saturating_sub(1).min(10));
    limits::LOOK_AGAIN
        .saturating_mul(doubled)
        .min(limits::LOOK_AGAIN_MAX)
}
