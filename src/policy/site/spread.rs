//! When a starting daemon makes its first probes.
//!
//! Not all in one instant, or a hundred sites of one server feel us as an attack, at the start and, because due times
//! are absolute, at each interval ever after. They are spread over a tenth of the interval, ten seconds at most
//! ([`limits::SPREAD`]), longer only where there are too many for that ([`limits::SPREAD_EACH`]). The first begins at
//! once. Profiles of one machine lie as far apart as can be: each machine's own are spread over the whole span, and the
//! machines are moved against each other by a hash, so the same configuration gives the same order in every process. A
//! profile whose failure is not settled does not wait.

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

/// Whether a profile waits for its turn: not one whose failure is half confirmed, or that is down.
pub(in crate::policy) fn may_wait(draft: &Draft<'_>, name: &ProfileName) -> bool {
    draft
        .fleet
        .profiles
        .get(name)
        .is_none_or(|track| !matches!(track.standing, Standing::Failing | Standing::Down))
}
