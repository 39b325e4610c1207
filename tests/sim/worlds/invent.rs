//! The world of a seed.

use std::sync::Arc;
use std::time::Duration;

use probe::model::{Ailment, Cause, Pause, Timestamp, When, Window, Zone};

use super::super::setup::{certificate, each_host, each_profile, profile, secs, settings};
use super::super::world::{BEGIN, Heals, Mail, Ssh, World};
use super::HOUR;

/// What a machine may be short of, or busy with.
const SHORT: &[Ailment] = &[
    Ailment::HostBooting,
    Ailment::PackageManager,
    Ailment::BeingRestarted,
    Ailment::DiskFull,
    Ailment::InodesFull,
    Ailment::MemoryShort,
    Ailment::ProcessesFull,
    Ailment::Disabled,
    Ailment::ConfigBroken,
];

fn pick<T: Copy>(rng: &mut fastrand::Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

/// The world of a seed, with faults in its first hours.
pub(super) fn invent(seed: u64, hours: i64) -> World {
    let mut rng = fastrand::Rng::with_seed(seed);
    let hosts = rng.usize(1..=4);
    let mut names = Vec::new();
    for host in 1..=hosts {
        for site in 0..rng.usize(1..=3) {
            names.push(format!("s{host}{site}@web{host}"));
        }
    }
    if rng.bool() {
        names.push("lone".to_owned());
    }
    // Sites without a host, each of which is a thread; the worlds of the corpus stay as they were.
    let crowd: Vec<String> = (0..9).map(|n| format!("crowd{n}")).collect();
    let is_stormy = seed % 10 == 7;
    names.extend(crowd.iter().filter(|_| is_stormy).cloned());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut settings = settings(&names);
    let (interval, retry, threshold) = (
        pick(&mut rng, &[30, 60, 120, 300, 600]),
        pick(&mut rng, &[5, 10, 20, 60]),
        rng.u32(1..=4),
    );
    each_profile(&mut settings, |profile| {
        (profile.interval, profile.retry_interval) = (secs(interval), secs(retry.min(interval)));
        (profile.failure_threshold, profile.success_threshold) = (threshold, 2);
    });
    let (budget, give_up, settle) = (rng.u32(1..=4), rng.u32(1..=4), rng.u64(5..=60));
    let when = pick(
        &mut rng,
        &[When::Auto, When::Any, When::All, When::Percent(50)],
    );
    each_host(&mut settings, |host| {
        host.restart.budget.restarts = budget;
        (
            host.restart.give_up_after,
            host.restart.settle,
            host.restart.when,
        ) = (give_up, secs(settle), when);
    });
    // An hour's window in some worlds, at a minute of its own; drawn from the seed, so that other worlds stay as they were.
    if seed.is_multiple_of(3) {
        let cron = format!("{} * * * *", seed % 60);
        let window = Window::try_new(&cron, secs(60 * (5 + seed % 20)), "Asia/Tokyo").unwrap();
        each_profile(&mut settings, |profile| {
            if profile.name.as_str().ends_with('0') {
                profile.maintenance = vec![window.clone()];
            }
        });
    }
    // The week is told in some, on Monday at nine in Japan, 18 hours on; the worlds of the corpus stay as they were.
    if seed >= 1_000 && seed.is_multiple_of(2) {
        Arc::make_mut(settings.email.as_mut().unwrap()).report = true;
        Arc::make_mut(&mut settings.wording).zone = Zone::try_new("Asia/Tokyo").unwrap();
    }
    let mut world = World::new(settings);
    world.rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
    // Half of the worlds look before they act; a machine may be short of something, whatever its sites show.
    let mut health = fastrand::Rng::with_seed(seed ^ 0x100c);
    if health.bool() {
        each_host(&mut world.settings, |host| host.diagnose = true);
        for name in world.machines.keys().cloned().collect::<Vec<_>>() {
            for _ in 0..hours / 2 {
                let at = Duration::from_millis(health.i64(60_000..hours * HOUR) as u64);
                let lasts = Duration::from_millis(health.i64(60_000..2 * HOUR) as u64);
                let short = pick(&mut health, SHORT);
                let (name, end) = (name.clone(), name.clone());
                world.at(at, move |world| world.short(&name, Some(short)));
                world.at(at + lasts, move |world| world.short(&end, None));
            }
        }
    }
    // Of its own dice, so that the rest of a seed's world stays as it was.
    let mut dice = fastrand::Rng::with_seed(seed ^ 0xce27);
    for name in world.sites.keys() {
        let step = pick(&mut dice, &[21 * 24, 7 * 24, 24]) * HOUR;
        let shared = pick(&mut dice, &["one", "two", name.as_str()]);
        let ends = BEGIN + step + dice.i64(-HOUR..hours * HOUR);
        let shown = certificate(shared, ends - ends.rem_euclid(HOUR));
        world.certificates.insert(name.clone(), shown);
    }
    // They go down together, and are back before or after all are told.
    let mut dice = fastrand::Rng::with_seed(seed ^ 0x57a2);
    for _ in 0..if is_stormy { hours * 2 } else { 0 } {
        let at = Duration::from_millis(dice.i64(60_000..hours * HOUR) as u64);
        let lasts = pick(&mut dice, &[60, 150, 400, 2_000]);
        for name in &crowd {
            let (name, cause) = (
                profile(name),
                pick(&mut dice, &[Cause::Status, Cause::Content]),
            );
            let (again, late) = (name.clone(), secs(dice.u64(0..lasts)));
            world.at(at, move |world| _ = world.sites.insert(name, Some(cause)));
            let end = at + secs(lasts) + late;
            world.at(end, move |world| _ = world.sites.insert(again, None));
        }
    }
    misled(&mut world, seed, hours);
    keep_us_out(&mut world, seed, hours);
    world.crash_chance = pick(&mut rng, &[0.0, 0.001, 0.005, 0.02]);
    world.disk_takes = pick(&mut rng, &[0, 0, 0, 50, 3_000, 20_000]);
    world.twice = seed.is_multiple_of(32);
    let machines: Vec<String> = world
        .machines
        .keys()
        .map(|name| name.as_str().to_owned())
        .collect();
    let profiles: Vec<_> = world.sites.keys().cloned().collect();
    let each_hour = pick(&mut rng, &[1, 1, 2, 4]);
    for _ in 0..hours * each_hour {
        let at = Duration::from_millis(rng.i64(60_000..hours * HOUR) as u64);
        let lasts = Duration::from_millis(rng.i64(5_000..HOUR) as u64);
        let name = machines[rng.usize(..machines.len())].clone();
        match rng.u32(0..15) {
            0..=3 => {
                let cause = pick(
                    &mut rng,
                    &[
                        Cause::Refused,
                        Cause::ConnectTimeout,
                        Cause::ResponseTimeout,
                        Cause::ServerError,
                        Cause::Reset,
                    ],
                );
                let heals = pick(
                    &mut rng,
                    &[
                        Heals::Yes,
                        Heals::Yes,
                        Heals::No,
                        Heals::For(90_000),
                        Heals::For(900_000),
                        Heals::Worse,
                    ],
                );
                let ssh = pick(
                    &mut rng,
                    &[
                        Ssh::Ok,
                        Ssh::Ok,
                        Ssh::Ok,
                        Ssh::Lost,
                        Ssh::Closed,
                        Ssh::Silent,
                        Ssh::KeyChanged,
                    ],
                );
                let takes = pick(&mut rng, &[500, 2300, 30_000, 200_000]);
                let end = name.clone();
                world.at(at, move |world| {
                    let machine = world
                        .machines
                        .get_mut(&super::super::setup::host(&name))
                        .unwrap();
                    (machine.heals, machine.ssh, machine.takes) = (heals, ssh, takes);
                    world.ill(&name, Some(cause));
                });
                // Mostly somebody mends it in the end.
                if rng.u32(0..8) > 0 {
                    world.at(at + lasts * 2, move |world| world.mended(&end, at));
                }
            }
            4 | 5 => {
                let site = profiles[rng.usize(..profiles.len())].clone();
                let cause = pick(
                    &mut rng,
                    &[
                        Cause::Status,
                        Cause::ServerError,
                        Cause::Content,
                        Cause::Dns,
                        Cause::Slow,
                        Cause::Maintenance,
                        Cause::Monitor,
                    ],
                );
                let end = site.clone();
                world.at(at, move |world| _ = world.sites.insert(site, Some(cause)));
                world.at(at + lasts, move |world| _ = world.sites.insert(end, None));
            }
            6 => {
                world.at(at, |world| world.network = false);
                world.at(at + lasts, |world| world.network = true);
            }
            7 => {
                let how = pick(&mut rng, &[Mail::Down, Mail::Unclear]);
                world.at(at, move |world| world.mail = how);
                world.at(at + lasts, |world| world.mail = Mail::Up);
            }
            8 => {
                world.at(at, |world| world.disk_writable = false);
                world.at(at + lasts, |world| world.disk_writable = true);
            }
            9 => {
                let jump = pick(
                    &mut rng,
                    &[
                        -86_400_000,
                        -3_600_000,
                        -5_000,
                        5_000,
                        3_600_000,
                        315_360_000_000,
                    ],
                );
                world.at(at, move |world| world.jumps(jump));
            }
            10 => {
                let target = pick(&mut rng, &["all", "web1"]).to_owned();
                let again = target.clone();
                world.at(at, move |world| {
                    let until = rng_free_until(world);
                    world.pauses.insert(
                        target,
                        Pause {
                            since: None,
                            until,
                            reason: None,
                        },
                    );
                    if world.is_running() {
                        world.order()
                    }
                });
                world.at(at + lasts, move |world| {
                    world.pauses.remove(&again);
                    if world.is_running() {
                        world.order()
                    }
                });
            }
            11 => world.at(at, |world| {
                if world.is_running() {
                    world.reload_equal()
                }
            }),
            12 => {
                let name = super::super::setup::host(&name);
                let again = name.clone();
                world.at(at, move |world| world.remove(&name));
                world.at(at + lasts, move |world| world.restore(&again));
            }
            13 => {
                let span = pick(&mut rng, &[2_000, 20_000, 90_000, 1_200_000]);
                world.at(at, move |world| world.sleeps(span));
            }
            _ => world.at(at, |world| world.power_cut()),
        }
    }
    // Our own name server is silent for a while in some, so that nothing can be said of any site; of its own dice as well.
    let mut silence = fastrand::Rng::with_seed(seed ^ 0xd115);
    for _ in 0..silence.i64(0..=hours / 4) {
        let at = Duration::from_millis(silence.i64(60_000..hours * HOUR) as u64);
        let lasts = Duration::from_millis(silence.i64(60_000..HOUR) as u64);
        let all = |world: &mut World, cause| {
            let sites = world.sites.values_mut();
            sites.for_each(|site| *site = cause);
        };
        world.at(at, move |world| all(world, Some(Cause::Monitor)));
        world.at(at + lasts, move |world| all(world, None));
    }
    if rng.bool() {
        world.run_daemon()
    } else {
        world.run_cron()
    }
    world
}

fn rng_free_until(world: &World) -> Option<Timestamp> {
    (world.t % 2 == 0).then(|| Timestamp(world.t + world.wall_offset + 1_200_000))
}

/// Some sites lead elsewhere for a time, whatever is met there; some are not well from the beginning. Of their own dice.
fn misled(world: &mut World, seed: u64, hours: i64) {
    let mut dice = fastrand::Rng::with_seed(seed ^ 0xe15e);
    for name in world.sites.keys().cloned().collect::<Vec<_>>() {
        if dice.u32(0..4) == 0 {
            let at = Duration::from_millis(dice.i64(60_000..hours * HOUR) as u64);
            let lasts = Duration::from_millis(dice.i64(60_000..HOUR) as u64);
            let cause = pick(
                &mut dice,
                &[Cause::Refused, Cause::ServerError, Cause::Closed],
            );
            let (from, end) = (name.clone(), name.clone());
            world.at(at, move |world| {
                let to = "https://elsewhere.example.net/".to_owned();
                world.redirects.insert(from.clone(), to);
                world.sites.insert(from, Some(cause));
            });
            world.at(at + lasts, move |world| {
                world.redirects.remove(&end);
                world.sites.insert(end, None);
            });
        }
        if dice.u32(0..6) == 0 {
            let lasts = Duration::from_millis(dice.i64(60_000..HOUR) as u64);
            let cause = pick(
                &mut dice,
                &[Cause::Refused, Cause::ServerError, Cause::Closed],
            );
            world.sites.insert(name.clone(), Some(cause));
            world.at(lasts, move |world| _ = world.sites.insert(name, None));
        }
    }
}

/// Some sites show browsers nothing of what they show us, for a time. Of their own dice.
fn keep_us_out(world: &mut World, seed: u64, hours: i64) {
    let mut dice = fastrand::Rng::with_seed(seed ^ 0xb107);
    for name in world.sites.keys().cloned().collect::<Vec<_>>() {
        if dice.u32(0..4) > 0 {
            continue;
        }
        let at = Duration::from_millis(dice.i64(60_000..hours * HOUR) as u64);
        let lasts = Duration::from_millis(dice.i64(60_000..2 * HOUR) as u64);
        let cause = pick(
            &mut dice,
            &[Cause::Reset, Cause::ServerError, Cause::Closed],
        );
        let end = name.clone();
        world.at(at, move |world| {
            world.browsers.insert(name.clone());
            world.sites.insert(name, Some(cause));
        });
        world.at(at + lasts, move |world| {
            world.browsers.remove(&end);
            world.sites.insert(end, None);
        });
    }
}
