//! What is done about hosts.
//!
//! This room handles what happened to sites ([`handle`]), and knows nothing of mail.
//!
//! | file | decides |
//! |---|---|
//! | `recovery` | what a host does next: hold, restart, give up, be re-armed after proven health |
//! | `approval` | whether a person must approve a restart, and has (`mode: ask`) |
//! | `rehearsal` | whether a host that is well is restarted because a person wants to see it come back |
//! | `rounds` | which hosts the rules are asked about now |
//! | `guard` | whether this host may be restarted, and if not, why not |
//! | `brake` | whether a host is restarted that fails together with most others |
//! | `sight` | when a host is looked at before a restart, and how long the facts hold |
//! | `triage` | what is wrong by the host's facts, and what may be done, as a table |
//! | `login` | when a host at which logins fail is tried again |
//! | `boot` | when a host whose SSH port did not answer either may be restarted |
//! | `attempt` | one restart: rung, backoff, settling, what its end leaves behind |
//! | `release` | which orders to restart are not carried out after all |
//! | `giving_up` | what giving up and re-arming change |
//! | `lesson` | how long restarts held, and whether they teach that restarts do not help |

pub(in crate::policy) mod approval;
pub(in crate::policy) mod attempt;
pub(in crate::policy) mod boot;
mod brake;
mod giving_up;
pub(in crate::policy) mod guard;
pub(in crate::policy) mod lesson;
pub(in crate::policy) mod login;
pub(in crate::policy) mod recovery;
pub(in crate::policy) mod rehearsal;
pub(in crate::policy) mod release;
pub(in crate::policy) mod rounds;
pub(in crate::policy) mod sight;
mod triage;

use crate::model::{Happened, ProfileName};

use super::draft::Draft;

/// Handles what happened to sites since the last call.
pub(in crate::policy) fn handle(draft: &mut Draft<'_>) {
    let settings = draft.settings;
    if settings.hosts.is_empty() {
        return;
    }
    let happened = std::mem::take(&mut draft.happened);
    for one in happened.iter().skip(draft.handled.by_hosts) {
        if let Happened::Judged { profile, .. } = one {
            let profile = settings.profiles.get(profile);
            if let Some(host) = profile.and_then(|profile| profile.host.as_ref()) {
                recovery::update_health(draft, host);
            }
        } else if let Happened::Opened { profile, .. } = one {
            went_down(draft, profile);
        } else if let Happened::Closed { profile, .. } = one
            && let Some(host) = draft.host_of(profile)
        {
            let now = draft.now;
            lesson::back(draft.fleet.host_mut(&host), now);
        }
    }
    draft.handled.by_hosts = happened.len();
    draft.happened = happened;
}

fn went_down(draft: &mut Draft<'_>, profile: &ProfileName) {
    let incident = draft
        .fleet
        .profiles
        .get(profile)
        .map(|track| &track.incident);
    let since = incident.and_then(|incident| incident.as_ref().map(|incident| incident.since));
    if let Some((host, since)) = draft.host_of(profile).zip(since) {
        lesson::again(draft.fleet.host_mut(&host), since);
    }
}
