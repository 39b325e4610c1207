//! A situation under construction.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use probe::adapters::ssh;
use probe::model::{
    Ailment, Attempt, AttemptId, Away, BootId, CacheBypass, Cause, CheckOutcome, CheckResult,
    Diagnosis, Finding, Fleet, GivenUp, Incident, IncidentId, Look, NoLogin, NotEvidence, Pause,
    ProbeId, ProfileTrack, Reach, RecoveryOutcome, RecoveryReport, Rung, Settings, Stage, Standing,
    Telling, Timestamp, When, Window,
};

use super::super::setup::{host, profile, secs, settings};

/// 2026-11-22 06:00 UTC.
pub(super) const NOW: Timestamp = Timestamp(1_795_327_200_000);

/// Where everything is, unless something else is said.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)), 443);

fn ago(span: Duration) -> Timestamp {
    NOW - span
}

/// `50m`, `20s`, `2h`, `5ms`.
fn span(word: &str) -> Duration {
    if let Some(number) = word.strip_suffix("ms") {
        return Duration::from_millis(number.parse().unwrap());
    }
    let (number, unit) = word.split_at(word.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        other => panic!("`{word}`: unknown unit `{other}`"),
    };
    secs(number.parse::<u64>().unwrap() * unit)
}

/// A situation under construction.
pub(super) struct Situation {
    pub(super) settings: Settings,
    pub(super) fleet: Fleet,
    /// What each host says of itself.
    told: BTreeMap<String, Vec<String>>,
}

/// A host on which nothing is wrong.
fn usual_facts() -> Vec<String> {
    let usual = "uptime_s=1000000 systemd=running web=nginx web_unit=nginx web_load=loaded web_enabled=enabled \
        web_active=active web_sub=running web_result=success disk_free_pct=40 inodes_free_pct=60 \
        memory_available_pct=50 processes_free_pct=95 files_free_pct=99 config_test=ok listen_80=nginx \
        listen_443=nginx monit=absent";
    usual.split_whitespace().map(str::to_owned).collect()
}

impl Situation {
    pub(super) fn read(text: &str) -> Self {
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .collect();
        let sites: Vec<String> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("site "))
            .map(|site| site.replace(" on ", "@"))
            .collect();
        let sites: Vec<&str> = sites.iter().map(String::as_str).collect();
        let mut situation = Self {
            settings: settings(&sites),
            fleet: Fleet::default(),
            told: BTreeMap::new(),
        };
        situation.usual();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            situation.take(line, &words);
        }
        situation.feel();
        situation.fleet.reindex_all(&situation.settings);
        situation
    }

    fn usual(&mut self) {
        self.fleet.core.clock.now = NOW;
        self.fleet.core.clock.boot = BootId("boot-1".into());
        self.fleet.core.network.answered = Some(NOW);
        for name in self.settings.profiles.keys() {
            let track = self.fleet.profile_mut(name);
            track.standing = Standing::Up;
            track.since = ago(secs(3600));
            track.due = NOW + secs(60);
            track.probed = Some(NOW);
            track.probed_in_run = true;
            track.fingerprint = 1;
        }
        for (name, site) in &self.settings.profiles {
            let mut well = CheckResult::new(site.urls[0].as_str(), CheckOutcome::Ok);
            (well.address, well.http_status) = (Some(ADDRESS), Some(200));
            self.fleet.profile_mut(name).last = vec![well];
        }
        for name in self.settings.hosts.keys() {
            let track = self.fleet.host_mut(name);
            track.fingerprint = 1;
            track.healthy_since = Some(ago(secs(3600)));
            track.mended_since = Some(ago(secs(3600)));
        }
    }

    /// The host was looked at five seconds ago, and found so.
    fn look(&mut self, name: &str, diagnosis: Diagnosis) {
        self.change(name, |host| host.diagnose = true);
        let track = self.fleet.host_mut(&host(name));
        if let Diagnosis::NotIn { reason, refused } = &diagnosis {
            track.no_login = Some(Box::new(NoLogin {
                seen: ago(secs(5)),
                tries: 1,
                refusals: u32::from(*refused),
                refused: *refused,
                reason: reason.clone(),
            }));
        }
        track.look = Some(Box::new(Look {
            began: ago(secs(5)),
            diagnosis,
            refusals: 1,
        }));
    }

    fn track(&mut self, name: &str) -> &mut ProfileTrack {
        self.fleet.profile_mut(&profile(name))
    }

    fn take(&mut self, line: &str, words: &[&str]) {
        match words {
            ["site", ..] => {}
            [name, "fails", "by", cause, rest @ ..] => self.fails(name, cause, rest),
            [name, "is", "known", "as", "down"] => {
                let telling = self.track(name).telling.as_mut();
                telling.expect(line).sequence = 1;
            }
            [name, "says", ..] => {
                let said = line.split_once(" says ").unwrap().1.to_owned();
                let url = format!("https://{name}.example.com/");
                let track = self.track(name);
                let cause = track.evidence.cause.expect(line);
                track.last = vec![found(&url, cause, &said)];
            }
            [name, "restarted", times @ .., "ago"] => {
                let times: Vec<Timestamp> = times.iter().map(|word| ago(span(word))).collect();
                self.fleet.host_mut(&host(name)).starts = times;
            }
            [name, "attempts", count] => {
                let count = count.parse().unwrap();
                let track = self.fleet.host_mut(&host(name));
                (track.attempts, track.last) = (count, Some(attempt(count)));
            }
            [name, "waits", time] => {
                self.fleet.host_mut(&host(name)).not_before = Some(NOW + span(time));
            }
            [name, "when", word] => self.change(name, |host| {
                host.restart.when = match *word {
                    "any" => When::Any,
                    "all" => When::All,
                    "auto" => When::Auto,
                    number => When::Count(number.parse().unwrap()),
                };
            }),
            [name, "give_up_after", count] => {
                self.change(name, |host| {
                    host.restart.give_up_after = count.parse().unwrap()
                });
            }
            [name, "causes", causes @ ..] => {
                let causes: Vec<Cause> =
                    causes.iter().filter_map(|w| Cause::from_word(w)).collect();
                self.change(name, |host| host.restart.causes.clone_from(&causes));
            }
            [name, "cannot", "be", "judged"] => {
                self.track(name).unknown = Some(Box::new(Finding::NoCanaryAnswers));
            }
            [name, "is", "restarting"] => {
                let track = self.fleet.host_mut(&host(name));
                track.acting = true;
                track.last = Some(attempt(1));
                track.stage = Stage::Restarting {
                    attempt: AttemptId(1),
                    deadline: NOW + secs(120),
                };
            }
            [name, "settles", time] => {
                self.fleet.host_mut(&host(name)).stage = Stage::Settling {
                    attempt: AttemptId(1),
                    until: NOW + span(time),
                };
            }
            [name, "gave", "up"] => {
                self.fleet.host_mut(&host(name)).stage = Stage::GaveUp {
                    since: ago(secs(600)),
                    reason: GivenUp::Spent { tries: 3 },
                };
            }
            [name, "is", "looked", "at", "first"] => {
                self.change(name, |host| host.diagnose = true);
            }
            [name, "has", "the", "agent"] => self.change(name, |host| {
                (host.agent, host.diagnose) = (true, true);
            }),
            [name, "runs", ..] => {
                let command = line.split_once(" runs ").unwrap().1.to_owned();
                self.change(name, |host| {
                    host.restart.commands = vec![Rung::Remote(command.clone())];
                });
            }
            [name, "tells", fact, ..] => {
                let (key, _) = fact.split_once('=').expect(line);
                let fact = line.split_once(" tells ").unwrap().1.to_owned();
                let told = self
                    .told
                    .entry((*name).to_owned())
                    .or_insert_with(usual_facts);
                told.retain(|known| !known.starts_with(&format!("{key}=")));
                told.push(fact);
                let text = format!("facts=1\n{}\nend=1\n", told.join("\n"));
                let facts = ssh::facts::read(&text).unwrap();
                self.look(name, Diagnosis::Facts(Box::new(facts)));
            }
            [name, "lets", "nobody", "in"] => {
                let reason = "connection refused".into();
                let refused = false;
                self.look(name, Diagnosis::NotIn { reason, refused });
            }
            [name, "refuses", "the", "login"] => {
                let reason = "login refused".into();
                let refused = true;
                self.look(name, Diagnosis::NotIn { reason, refused });
            }
            [name, "does", "not", "end"] => {
                let reason = "no end within 30s".into();
                self.look(name, Diagnosis::Stuck { reason });
            }
            [name, "answers", "no", "facts"] => {
                let reason = "the answer has no `facts=1`".into();
                self.look(name, Diagnosis::Unreadable { reason });
            }
            [name, "failed", "otherwise", "until", time, "ago"] => {
                self.track(name).evidence.alike_from = Some(ago(span(time)));
            }
            [name, "was", "looked", "at", time, "ago"] => {
                let look = &mut self.fleet.host_mut(&host(name)).look;
                look.as_mut().expect(line).began = ago(span(time));
            }
            [name, "was", "refused", times, "times"] => {
                let look = &mut self.fleet.host_mut(&host(name)).look;
                look.as_mut().expect(line).refusals = times.parse().unwrap();
            }
            [name, "guards", key, value] => self.change(name, |host| match *key {
                "config_test" => host.guards.config_test = value.parse().unwrap(),
                "disk_free" => host.guards.disk_free = value.parse().unwrap(),
                other => panic!("{line}: {other}"),
            }),
            [name, "bypasses", "caches"] => {
                let site = self.settings.profiles.get_mut(&profile(name)).unwrap();
                Arc::make_mut(site).cache_bypass = CacheBypass::WordPress;
            }
            [name, "broke", times, "times"] => {
                self.fleet.host_mut(&host(name)).broken = times.parse().unwrap();
            }
            [name, "forced"] => self.fleet.host_mut(&host(name)).forced = true,
            ["pause", name, "ends", "in", time] => {
                let pause = Pause {
                    since: Some(ago(secs(60))),
                    until: Some(NOW + span(time)),
                    reason: None,
                };
                self.fleet.pauses.insert((*name).to_owned(), pause);
            }
            ["pause", name, reason @ ..] => {
                let pause = Pause {
                    since: Some(ago(secs(60))),
                    until: None,
                    reason: Some(reason.join(" ")).filter(|text| !text.is_empty()),
                };
                self.fleet.pauses.insert((*name).to_owned(), pause);
            }
            ["window", name] => {
                let window = Window::try_new("50 5 * * *", secs(20 * 60), "UTC").unwrap();
                let site = self.settings.profiles.get_mut(&profile(name)).unwrap();
                Arc::make_mut(site).maintenance = vec![window];
            }
            ["no", "canaries"] => {
                self.settings.network.canaries.clear();
                self.fleet.core.network.answered = None;
            }
            ["canary", time, "ago"] => {
                self.fleet.core.network.answered = Some(ago(span(time)));
            }
            ["network", "down"] => self.fleet.core.network.down_since = Some(ago(secs(30))),
            ["state", "unwritable"] => self.fleet.unwritable = true,
            ["state", "was", "damaged"] => {
                self.fleet.core.quarantine = Some(NOW + secs(1800));
            }
            ["state", "was", "damaged", "long", "ago"] => {
                self.fleet.core.quarantine = Some(NOW);
            }
            [name, "was", "away", time, "ago"] => {
                self.fleet.host_mut(&host(name)).away = Some(Away {
                    seen: ago(span(time)),
                    reach: Reach::Refused,
                    back: None,
                });
            }
            [name, "is", "back", "for", time] => {
                let away = &mut self.fleet.host_mut(&host(name)).away;
                away.as_mut().expect(line).back = Some(ago(span(time)));
            }
            [name, "is", "at", address] => {
                self.track(name).last[0].address = Some(address.parse().unwrap());
            }
            [name, "was", "probed", time, "ago"] => {
                self.track(name).probed = Some(ago(span(time)));
            }
            [name, "waited", "for", ailment, "since", time] => {
                let ailment = Ailment::ALL.into_iter().find(|one| one.word() == *ailment);
                let waits = &mut self.fleet.host_mut(&host(name)).waits;
                waits.push((ailment.expect(line), ago(span(time))));
            }
            [name, "was", "never", "up"] => {
                let track = self.track(name);
                track.evidence.began.clear();
                track.evidence.not = Some(Box::new(NotEvidence::NeverUp));
            }
            [name, "fails", "at", authority] => {
                let track = self.track(name);
                track.evidence.began.clear();
                let authority = (*authority).to_owned();
                track.evidence.not = Some(Box::new(NotEvidence::Elsewhere { authority }));
            }
            [name, "is", "being", "probed"] => {
                self.track(name).in_flight = Some((ProbeId(7), ago(secs(1))));
            }
            [name, "was", "probed", "by", "an", "earlier", "run"] => {
                self.track(name).probed_in_run = false;
            }
            _ => panic!("not understood: `{line}`"),
        }
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut probe::model::Host)) {
        let found = self.settings.hosts.get_mut(&host(name)).unwrap();
        change(Arc::make_mut(found));
    }

    fn fails(&mut self, name: &str, cause: &str, rest: &[&str]) {
        let cause = Cause::from_word(cause).unwrap_or_else(|| panic!("no cause `{cause}`"));
        let (mut times, mut old) = (3_u32, Duration::ZERO);
        match rest {
            [] => {}
            [count, "times"] => times = count.parse().unwrap(),
            [time, "old"] => old = span(time),
            other => panic!("not understood: {other:?}"),
        }
        let site = self.settings.profiles[&profile(name)].clone();
        let causes = site.host.as_ref().map(|host| {
            let host = &self.settings.hosts[host];
            host.restart.causes.clone()
        });
        let began: Vec<Timestamp> = (0..times).rev().map(|n| ago(old + secs(10) * n)).collect();
        let track = self.track(name);
        track.failures = times;
        track.failing_since = began.first().copied();
        track.since = ago(old);
        track.last = vec![found(site.urls[0].as_str(), cause, "")];
        track.evidence.cause = Some(cause);
        // A browser is not answered either.
        track.browser.seen = Some((NOW, false));
        if causes.is_some_and(|causes| causes.contains(&cause)) {
            // Only as many are kept as are needed.
            let surplus = began.len().saturating_sub(site.failure_threshold as usize);
            track.evidence.began = began[surplus..].to_vec();
        }
        if times < site.failure_threshold {
            track.standing = Standing::Failing;
            return;
        }
        track.standing = Standing::Down;
        let id = IncidentId::new(name, "20261122T060000Z");
        let incident = Incident::new(id, began[0], ago(old), cause);
        track.telling = Some(Box::new(Telling::of(&incident)));
        track.incident = Some(Box::new(incident));
    }

    /// What hosts make of their sites, as the core would have felt it.
    fn feel(&mut self) {
        let mut ailing: BTreeMap<_, Timestamp> = BTreeMap::new();
        for (name, site) in &self.settings.profiles {
            let track = &self.fleet.profiles[name];
            if let (Some(host), Some(since)) = (&site.host, track.failing_since) {
                let first = ailing.entry(host.clone()).or_insert(since);
                *first = since.min(*first);
            }
        }
        for (name, since) in ailing {
            let track = self.fleet.host_mut(&name);
            (track.healthy_since, track.mended_since) = (None, None);
            track.failing_since = Some(since);
        }
    }
}

fn found(url: &str, cause: Cause, detail: &str) -> CheckResult {
    let outcome = CheckOutcome::found(cause, detail.into());
    let mut check = CheckResult::new(url, outcome);
    check.address = Some(ADDRESS);
    check.http_status = (cause == Cause::ServerError).then_some(500);
    check
}

fn attempt(number: u32) -> Attempt {
    let began = ago(secs(300));
    Attempt {
        id: AttemptId(u64::from(number)),
        number,
        command: "sudo -n kusanagi restart".into(),
        ailment: None,
        drill: false,
        braked: false,
        began,
        ended: Some(began + secs(2)),
        report: Some(RecoveryReport {
            outcome: RecoveryOutcome::Succeeded,
            exit_status: Some(0),
            duration: secs(2),
            reason: None,
            output: String::new(),
            config_broken: false,
        }),
    }
}
