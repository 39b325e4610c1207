//! What was done and told, whether the program itself is well, and what it costs.

use std::time::Duration;

use super::Scene;
use super::paper::{Page, bit, label, labels, seconds};
use crate::model::{Fleet, Gauges, LAG_BOUNDS_MS};

/// What was done to hosts, and what may be done.
pub(super) fn hosts(page: &mut Page, scene: &Scene<'_>) {
    let left: Vec<(String, u32)> = scene
        .settings
        .hosts
        .values()
        .map(|host| {
            let track = scene.fleet.hosts.get(&host.name);
            let budget = host.restart.budget;
            let spent = track.map_or(0, |track| budget.spent(&track.starts, scene.fleet.now()));
            let left = budget.restarts.saturating_sub(spent);
            (label("host", host.name.as_str()), left)
        })
        .collect();
    page.each(
        "prober_restart_budget_remaining",
        "Restarts that the budget of a host allows now.",
        &left,
        |left| Some(*left),
    );
    for (name, second, help, counts) in [
        (
            "prober_restarts_total",
            "outcome",
            "Restarts that ended, by outcome.",
            &scene.gauges.restarts,
        ),
        (
            "prober_restart_withheld_total",
            "reason",
            "Times at which a host began to be held although something is down, by reason.",
            &scene.gauges.withheld,
        ),
    ] {
        page.family(name, "counter", help);
        for ((host, word), count) in counts {
            page.sample(
                name,
                &labels(&[("host", host.as_str()), (second, word)]),
                count,
            );
        }
    }
}

/// When rehearsals last went well.
pub(super) fn drills(page: &mut Page, scene: &Scene<'_>) {
    let name = "prober_last_drill_success_timestamp_seconds";
    let drills = &scene.fleet.drills;
    let of_hosts = scene.settings.hosts.keys().filter_map(|host| {
        let at = drills.hosts.get(host.as_str())?.succeeded?;
        Some((label("host", host.as_str()), at))
    });
    let of_mail = drills.mail.and_then(|drill| drill.succeeded);
    let samples = of_hosts.chain(of_mail.map(|at| (label("drill", "mail"), at)));
    let mut samples = samples.peekable();
    if samples.peek().is_some() {
        let help = "When `probe drill` last logged in to this host and came back with facts; or had its test mails taken.";
        page.family(name, "gauge", help);
    }
    for (labels, at) in samples {
        page.sample(name, &labels, at.0.div_euclid(1000));
    }
}

pub(super) fn mail(page: &mut Page, fleet: &Fleet) {
    let waiting = fleet.outbox.values().filter(|entry| !entry.is_dead());
    let oldest = waiting.clone().map(|entry| entry.queued).min();
    let age = oldest.map_or(Duration::ZERO, |queued| fleet.now().since(queued));
    let depth = waiting.count();
    page.single(
        "prober_outbox_depth",
        "gauge",
        "Messages that no mail server has taken yet.",
        depth,
    );
    page.single(
        "prober_outbox_oldest_seconds",
        "gauge",
        "Age of the oldest of them; 0 without one.",
        seconds(age),
    );
    page.single(
        "prober_dead_letters",
        "gauge",
        "Messages that were refused for good and are kept to be seen.",
        fleet.outbox.len() - depth,
    );
}

/// Whether the program itself is well, and what it costs.
pub(super) fn ourselves(page: &mut Page, scene: &Scene<'_>) {
    let (network, gauges) = (&scene.fleet.core.network, scene.gauges);
    let asked = network.answered.is_some() || network.down_since.is_some();
    if asked && !scene.settings.network.canaries.is_empty() {
        page.single(
            "prober_canary_success",
            "gauge",
            "Whether a canary answered when they were last asked.",
            bit(network.down_since.is_none()),
        );
    }
    lag(page, gauges);
    let writable = bit(!scene.fleet.may_forget());
    let per_probe = seconds(gauges.cpu) / gauges.probes.max(1) as f64;
    let help = "Due probes of profiles that were not made: the one before began or ended too late.";
    page.single(
        "prober_probes_skipped_total",
        "counter",
        help,
        gauges.skipped,
    );
    let help = "Probes of profiles that ended.";
    page.single("prober_probes_total", "counter", help, gauges.probes);
    let help = "Processor time of this process, its children left out.";
    page.single(
        "prober_cpu_seconds_total",
        "counter",
        help,
        seconds(gauges.cpu),
    );
    let help = "The same for each probe, since the start.";
    if gauges.probes > 0 {
        page.single("prober_cpu_seconds_per_probe", "gauge", help, per_probe);
    }
    page.family(
        "prober_commits_total",
        "counter",
        "Writes of the state, by outcome.",
    );
    page.sample(
        "prober_commits_total",
        &label("outcome", "written"),
        gauges.commits.0,
    );
    page.sample(
        "prober_commits_total",
        &label("outcome", "failed"),
        gauges.commits.1,
    );
    let help = "Whether the state can be written; nothing is restarted while it cannot.";
    page.single("prober_state_writable", "gauge", help, writable);
    let help = "Whether the configuration that was read last is in force.";
    let reloaded = bit(scene.reloaded);
    page.single(
        "prober_config_last_reload_successful",
        "gauge",
        help,
        reloaded,
    );
    page.family("prober_build_info", "gauge", "The version; always 1.");
    let version = label("version", env!("CARGO_PKG_VERSION"));
    page.sample("prober_build_info", &version, 1);
}

fn lag(page: &mut Page, gauges: &Gauges) {
    let name = "prober_schedule_lag_seconds";
    page.family(
        name,
        "histogram",
        "How late probes began after their due time.",
    );
    let bucket = format!("{name}_bucket");
    let mut so_far = 0;
    for (class, count) in gauges.lag.classes.iter().enumerate() {
        so_far += count;
        let bound = LAG_BOUNDS_MS.get(class).map_or_else(
            || "+Inf".to_owned(),
            |bound| seconds(Duration::from_millis(*bound)).to_string(),
        );
        page.sample(&bucket, &label("le", &bound), so_far);
    }
    page.sample(&format!("{name}_sum"), "", seconds(gauges.lag.sum));
    page.sample(&format!("{name}_count"), "", gauges.lag.count());
    page.single(
        "prober_schedule_lag_max_seconds",
        "gauge",
        "The greatest within the last one to two minutes.",
        seconds(gauges.lag.max),
    );
}
