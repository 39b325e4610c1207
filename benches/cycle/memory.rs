//! What `probe run` takes: memory at rest once every profile was probed, what a probe in flight adds, and the time to the
//! first probe; and how quickly the status page answers.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::world::{TRUST, World, targets};

/// The program, built with the same profile as this one.
const PROBE: &str = env!("CARGO_BIN_EXE_probe");

/// A running `probe run`, ended with this.
struct Daemon(Child);

impl Daemon {
    fn begin(world: &World, profiles: usize, kind: &str) -> Self {
        Self::begin_with(world, profiles, kind, "")
    }

    /// With `more` in the configuration.
    fn begin_with(world: &World, profiles: usize, kind: &str, more: &str) -> Self {
        let all = targets(world.dir.path());
        let (scheme, kind) = match kind {
            "http" => ("http", "http"),
            _ => ("https", "ecdsa"),
        };
        let mut text = format!(
            "{more}defaults: {{interval: 10m, expect: {{contains: [</html>]}}}}\nprofiles:\n"
        );
        for n in 0..profiles {
            let address = all[kind][n % all[kind].len()];
            let _ = writeln!(
                text,
                "  site-{n:06}: {{urls: [\"{scheme}://{address}/{n}\"]}}"
            );
        }
        Self::watch(world, &text)
    }

    /// With this configuration.
    fn watch(world: &World, text: &str) -> Self {
        let config = world.dir.path().join("probes.yaml");
        std::fs::write(&config, text).expect("a written file");
        let daemon = Command::new(PROBE)
            .args(["run", "-q", "--config"])
            .arg(&config)
            .arg("--state-dir")
            .arg(world.dir.path().join("state"))
            .env(TRUST, world.dir.path().join("roots.pem"))
            // As under the unit and in the container of `deploy`.
            .env("MALLOC_ARENA_MAX", "1")
            .env("MALLOC_TRIM_THRESHOLD_", "131072")
            .stderr(Stdio::inherit())
            .spawn();
        Self(daemon.expect("the program"))
    }

    /// A line of `/proc/PID/status`, in KiB.
    fn status(&self, key: &str) -> u64 {
        let path = format!("/proc/{}/status", self.0.id());
        let text = std::fs::read_to_string(path).expect("a running daemon");
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
            .expect("a number of kB")
    }
}

impl Daemon {
    /// Its open descriptors.
    fn descriptors(&self) -> usize {
        let path = format!("/proc/{}/fd", self.0.id());
        std::fs::read_dir(path).expect("a running daemon").count()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Memory at rest with so many profiles, each probed once and written.
pub(crate) fn at_rest(profiles: usize, kind: &str) -> bool {
    let mut world = World::begin();
    let begun = Instant::now();
    let daemon = Daemon::begin(&world, profiles, kind);
    let mut before = None;
    while world.served() < profiles {
        if before.is_none() && world.served() > 0 {
            before = Some((daemon.status("VmRSS"), begun.elapsed()));
        }
        assert!(
            begun.elapsed() < Duration::from_secs(900),
            "not all were probed"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let probed = begun.elapsed();
    // Until the last results are written.
    std::thread::sleep(Duration::from_secs(13));
    let (rss, peak) = (daemon.status("VmRSS"), daemon.status("VmHWM"));
    let own = daemon.status("RssAnon");
    let (read, first) = before.unwrap_or_default();
    println!(
        "{profiles} profiles, {kind}: at rest {:.1} MiB ({:.1} without the program itself), peak {:.1} MiB; {:.1} MiB at the first probe after {} ms; all probed after {:.1} s",
        mib(rss),
        mib(own),
        mib(peak),
        mib(read),
        first.as_millis(),
        probed.as_secs_f64(),
    );
    true
}

/// Sites of one machine; as many are probed at once.
const EACH: usize = 4;

/// What a probe takes that is in flight and unanswered: the growth between a tenth of them in flight and all.
pub(crate) fn in_flight(profiles: usize) -> bool {
    let world = World::begin();
    // The kernel connects, and nobody ever answers.
    let silent: Vec<TcpListener> = (0..profiles.div_ceil(EACH))
        .map(|n| {
            let ip = Ipv4Addr::new(
                127,
                1,
                u8::try_from(n / 250).expect("few"),
                u8::try_from(n % 250 + 1).expect("few"),
            );
            TcpListener::bind((ip, 0)).expect("a loopback address")
        })
        .collect();
    let mut text = "defaults: {interval: 10m, timeout: 2m}\nprofiles:\n".to_owned();
    for n in 0..profiles {
        let address = silent[n / EACH].local_addr().expect("an address");
        let _ = writeln!(text, "  site-{n:06}: {{urls: [\"http://{address}/{n}\"]}}");
    }
    let daemon = Daemon::watch(&world, &text);
    let few = profiles / 10;
    let begun = Instant::now();
    let at = |wanted: usize| loop {
        let open = daemon.descriptors();
        if open >= wanted {
            break (open, daemon.status("VmRSS"));
        }
        assert!(
            begun.elapsed() < Duration::from_secs(100),
            "only {open} descriptors"
        );
        std::thread::sleep(Duration::from_millis(5));
    };
    let (first, little) = at(few);
    let (last, much) = at(profiles);
    println!(
        "{} to {} descriptors: {:.1} to {:.1} MiB, {:.1} KiB for each probe in flight (goal 32)",
        first,
        last,
        mib(little),
        mib(much),
        mib(much - little) * 1024.0 / f64::from(u32::try_from(last - first).expect("few")),
    );
    true
}

/// What one page of the status page may take, and how large it may be.
const PAGE: (Duration, usize) = (Duration::from_millis(100), 200_000);

/// The status page with so many profiles, each probed once: median of eleven readings of each path.
pub(crate) fn page(profiles: usize) -> bool {
    let mut world = World::begin();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let at = free.local_addr().expect("an address");
    drop(free);
    let more = format!("status_page: {{listen: \"{at}\"}}\n");
    let daemon = Daemon::begin_with(&world, profiles, "http", &more);
    let begun = Instant::now();
    while world.served() < profiles {
        let patience = Duration::from_secs(900);
        assert!(begun.elapsed() < patience, "not all were probed");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Until the last results are written and handed over.
    std::thread::sleep(Duration::from_secs(13));
    let mut met = true;
    for path in [
        "/",
        "/?lang=ja",
        "/?q=site-000001",
        "/profile/site-000001",
        "/feed.atom",
    ] {
        let mut readings: Vec<(Duration, usize)> = (0..11).map(|_| reading(at, path)).collect();
        readings.sort();
        let (took, bytes) = readings[5];
        met &= took < PAGE.0 && bytes < PAGE.1;
        println!(
            "{profiles} profiles: {path} in {:.1} ms, {bytes} bytes",
            took.as_secs_f64() * 1000.0
        );
    }
    drop(daemon);
    met
}

/// How long a page took, and how large it was.
fn reading(at: SocketAddr, path: &str) -> (Duration, usize) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(at).expect("a listening page");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    assert!(bytes.starts_with(b"HTTP/1.1 200"), "{path}");
    (begun.elapsed(), bytes.len())
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// From the start of the program to the first request the server sees, median of nine starts.
pub(crate) fn first_probe(profiles: usize) -> bool {
    let mut spans: Vec<Duration> = (0..9)
        .map(|_| {
            let mut world = World::begin();
            let begun = Instant::now();
            let _daemon = Daemon::begin(&world, profiles, "http");
            while world.served() == 0 {
                assert!(begun.elapsed() < Duration::from_secs(60), "no probe");
                std::thread::sleep(Duration::from_micros(500));
            }
            begun.elapsed()
        })
        .collect();
    spans.sort();
    println!(
        "{profiles} profiles: first probe answered {} ms after the start (median of 9; {} to {} ms), written state new",
        spans[4].as_millis(),
        spans[0].as_millis(),
        spans[8].as_millis()
    );
    true
}
