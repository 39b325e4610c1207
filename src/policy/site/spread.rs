//! When a starting daemon makes its first probes.
//!
//! If all began at once, a hundred sites of one server would look like an attack: at the start and, because due times
//! are absolute, at every interval after it. So they are spread over a tenth of the interval, at most ten seconds
//! ([`limits::SPREAD`]); with very many profiles over a longer span ([`limits::SPREAD_EACH`]). The first one begins at
//! once.
//!
//! Profiles of one machine are spread over the whole span, as far apart as possible, and the machines are shifted
//! against each other by a hash, so the same configuration gives the same order in every process. A profile that is
//! failing or down is not delayed.

use std::collections::BTreeMap;

use crate::model::{ProfileName, Standing, Timestamp, fnv1a, limits};

use crate::policy::draft::Draft;
use crate::policy::site::schedule::machine;

/// When each of these profiles is to be probed first.
pub(in crate::policy) fn over(
    draft: &Draft<'_>,
    names: &[ProfileName],
) -> BTreeMap<ProfileName, Timestamp> {
    let mut groups: BTreeMap<&str, Vec<&ProfileName>> = BTreeMap::new();
    for name in names {
        if let Some(profile) = draft.settings.profiles.get(name) {
            groups.entry(machine(profile)).or_default().push(name);
        }
    }
    let mut order: Vec<(u64, &ProfileName)> = Vec::with_capacity(names.len());
    for (machine, members) in groups {
        let phase = fnv1a([machine.as_bytes()]) & u64::from(u32::MAX);
        let size = members.len() as u64;
        for (place, name) in (0_u64..).zip(members) {
            order.push((((place << 32) + phase) / size, name));
        }
    }
    order.sort_unstable();
    let count = u32::try_from(order.len()).unwrap_or(u32::MAX);
    let at = |(rank, (_, name)): (u32, (u64, &ProfileName))| {
        let profile = draft.settings.profiles.get(name)?;
        let span = (profile.interval / 10).min(limits::SPREAD);
        let span = span
            .max(limits::SPREAD_EACH.saturating_mul(count))
            .min(profile.interval);
        let offset = span.saturating_mul(rank) / count;
        Some((name.clone(), draft.now + offset))
    };
    (0_u32..).zip(order).filter_map(at).collect()
}

/// Whether the first probe of a profile may be delayed: not if it is failing or down.
pub(in crate::policy) fn may_wait(draft: &Draft<'_>, name: &ProfileName) -> bool {
    draft
        .fleet
        .profiles
        .get(name)
        .is_none_or(|track| !matches!(track.standing, Standing::Failing | Standing::Down))
}
