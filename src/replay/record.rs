//! What was recorded, sorted by what will be asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Blame, CheckResult, Diagnosis, HostName, Orders, ProfileName, Reach, RecoveryReport, Seen,
    Timestamp,
};

/// A recorded answer of a canary or an SSH port says something of the time after it for this long.
pub(super) const FRESH: Duration = Duration::from_secs(120);

/// Looks and restarts within this time belong to the same outage.
pub(super) const SAME_OUTAGE: Duration = Duration::from_secs(3600);

/// A site that is well this long after a restart ended was brought back by it.
const HELPED_WITHIN: Duration = Duration::from_secs(15 * 60);

/// One recorded probe.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) began: Timestamp,
    pub(super) took: Duration,
    /// One of the checks had never been well by then.
    pub(super) never: bool,
    pub(super) checks: Arc<Vec<CheckResult>>,
}

impl Sight {
    /// Nothing was found.
    pub(super) fn is_clean(&self) -> bool {
        self.checks.iter().all(|check| check.cause().is_none())
    }

    /// Nothing was found, or only remarks.
    pub(super) fn is_well(&self) -> bool {
        let blames = |check: &CheckResult| {
            let blame = check.cause().map(|cause| cause.blame());
            blame.is_some_and(|blame| blame != Blame::Nobody)
        };
        !self.checks.iter().any(blames)
    }
}

/// One recorded restart.
#[derive(Debug, Clone)]
pub(super) struct Restarted {
    pub(super) ended: Timestamp,
    pub(super) report: RecoveryReport,
    /// Whether the host's sites were well soon after, and how soon; `None` where it was not carried out.
    pub(super) helped: Option<Option<Duration>>,
}

/// What was recorded in some time.
#[derive(Debug, Default)]
pub struct Record {
    pub(super) sights: BTreeMap<ProfileName, Vec<Sight>>,
    pub(super) browsers: BTreeMap<ProfileName, Vec<(Timestamp, Vec<CheckResult>)>>,
    pub(super) canaries: Vec<(Timestamp, (bool, crate::model::Finding))>,
    pub(super) reaches: BTreeMap<HostName, Vec<(Timestamp, Reach)>>,
    pub(super) looks: BTreeMap<HostName, Vec<(Timestamp, Diagnosis)>>,
    pub(super) restarts: BTreeMap<HostName, Vec<Restarted>>,
    pub(super) orders: Vec<(Timestamp, Orders)>,
    /// On which host each profile was.
    pub(super) hosts: BTreeMap<ProfileName, HostName>,
    /// When it ends.
    pub(super) until: Timestamp,
}

impl Record {
    /// Sorts what was recorded up to `until`. `host_of` says on which host a profile was.
    #[must_use]
    pub fn new(
        rows: Vec<(Timestamp, Seen)>,
        until: Timestamp,
        host_of: impl Fn(&ProfileName) -> Option<HostName>,
    ) -> Self {
        let mut record = Self {
            until,
            ..Self::default()
        };
        for (at, seen) in rows {
            record.take(at, seen);
        }
        let hosts = record.sights.keys();
        let hosts = hosts.filter_map(|name| Some((name.clone(), host_of(name)?)));
        record.hosts = hosts.collect();
        record.learn();
        record
    }

    fn take(&mut self, at: Timestamp, seen: Seen) {
        match seen {
            Seen::Probed {
                profile,
                began,
                never,
                checks,
            } => {
                let sights = self.sights.entry(profile).or_default();
                let checks = match (checks.is_empty(), sights.last()) {
                    (false, _) => Arc::new(checks),
                    (true, Some(last)) => Arc::clone(&last.checks),
                    // What it was like is recorded no more.
                    (true, None) => return,
                };
                sights.push(Sight {
                    began,
                    took: at.since(began),
                    never,
                    checks,
                });
            }
            Seen::AsBrowser { profile, checks } => {
                self.browsers.entry(profile).or_default().push((at, checks));
            }
            Seen::Canary { answered, detail } => self.canaries.push((at, (answered, detail))),
            Seen::Reached { host, reach } => {
                self.reaches.entry(host).or_default().push((at, reach));
            }
            Seen::Diagnosed { host, diagnosis } => {
                self.looks.entry(host).or_default().push((at, diagnosis));
            }
            Seen::Recovered { host, report, .. } => {
                let restarts = self.restarts.entry(host).or_default();
                restarts.push(Restarted {
                    ended: at,
                    report,
                    helped: None,
                });
            }
            Seen::Ordered {
                pauses,
                rearm,
                approvals,
                acks,
            } => {
                let orders = Orders {
                    pauses,
                    rearm,
                    approvals,
                    acks,
                    ..Orders::default()
                };
                self.orders.push((at, orders));
            }
        }
    }

    /// Learns which restarts helped: after them, and before the next one, every site of the host that had failed was
    /// well.
    fn learn(&mut self) {
        for (host, restarts) in &mut self.restarts {
            let sites = self.sights.iter();
            let sites = sites.filter(|(name, _)| self.hosts.get(*name) == Some(host));
            let sites: Vec<&Vec<Sight>> = sites.map(|(_, sights)| sights).collect();
            let ends: Vec<Timestamp> = restarts.iter().map(|restart| restart.ended).collect();
            for (place, restart) in restarts.iter_mut().enumerate() {
                if !restart.report.outcome.touched_host() {
                    continue;
                }
                let next = ends.get(place + 1).copied();
                let until = next.map_or(restart.ended + HELPED_WITHIN, |next| {
                    next.min(restart.ended + HELPED_WITHIN)
                });
                let back = sites.iter().filter_map(|sights| {
                    let from = sights.partition_point(|sight| sight.began < restart.ended);
                    let failed = sights.get(..from)?.last()?;
                    let recent = restart.ended.since(failed.began) < SAME_OUTAGE;
                    (recent && !failed.is_well()).then(|| {
                        let after = sights.get(from..)?.iter();
                        let mut after = after.take_while(|sight| sight.began < until);
                        let well = after.find(|sight| sight.is_well())?;
                        Some(well.began.since(restart.ended))
                    })
                });
                let back: Vec<Option<Duration>> = back.collect();
                let all = back.iter().copied().collect::<Option<Vec<Duration>>>();
                restart.helped = Some(all.and_then(|all| all.into_iter().max()));
            }
        }
    }

    /// Whether the outage of a profile that was under way then passed without a restart of its host.
    pub(super) fn passed_by_itself(
        &self,
        profile: &ProfileName,
        host: &HostName,
        at: Timestamp,
    ) -> bool {
        let sights = self.sights.get(profile).map_or(&[][..], Vec::as_slice);
        let place = sights.partition_point(|sight| sight.began <= at);
        let before = sights.get(..place).unwrap_or_default().iter().rev();
        let Some(since) = before.take_while(|sight| !sight.is_well()).last() else {
            return true; // nothing was wrong by then
        };
        let after = sights.get(place..).unwrap_or_default();
        let Some(well) = after.iter().find(|sight| sight.is_well()) else {
            return false;
        };
        let restarts = self.restarts.get(host).into_iter().flatten();
        !restarts
            .filter(|restart| restart.report.outcome.touched_host())
            .any(|restart| (since.began..=well.began).contains(&restart.ended))
    }

    /// When something was recorded first.
    #[must_use]
    pub fn from(&self) -> Option<Timestamp> {
        let firsts = self.sights.values();
        firsts
            .filter_map(|sights| Some(sights.first()?.began))
            .min()
    }
}

/// What was recorded nearest to an instant, within `range` of it, and when.
pub(super) fn nearest<T>(
    rows: &[(Timestamp, T)],
    at: Timestamp,
    range: Duration,
) -> Option<&(Timestamp, T)> {
    let place = rows.partition_point(|(then, _)| *then < at);
    let near = [place.checked_sub(1), Some(place)].into_iter().flatten();
    let near = near.filter_map(|place| rows.get(place));
    let away = |then: Timestamp| then.since(at).max(at.since(then));
    near.filter(|(then, _)| away(*then) <= range)
        .min_by_key(|(then, _)| away(*then))
}
