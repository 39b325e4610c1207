//! What a look at a machine finds: its web server as it is, and what it is short of.

use probe::model::{
    Ailment, Cause, ConfigTest, Diagnosis, Event, HostFacts, HostName, Inside, InsideAnswer,
    ProbeId,
};

use super::World;
use super::things::{Due, Fact, Machine, Ssh};

/// A look at a machine that answers.
const TAKES: i64 = 900;

impl World {
    pub(super) fn looks(&mut self, probe: ProbeId, host: HostName) {
        let generation = self.generation;
        let began = self.t;
        let (ssh, network) = match self.machines.get(&host) {
            Some(machine) => (machine.ssh, self.network),
            None => return,
        };
        let not_in = |reason: &str| Diagnosis::NotIn {
            reason: reason.into(),
            refused: false,
        };
        let (diagnosis, takes) = match ssh {
            _ if !network => (not_in("connection timed out"), 10_000),
            Ssh::Silent => (not_in("connection timed out"), 10_000),
            Ssh::Closed => (not_in("connection refused"), 100),
            Ssh::KeyChanged => (
                Diagnosis::NotIn {
                    reason: "host key has changed".into(),
                    refused: true,
                },
                200,
            ),
            Ssh::Lost => (
                Diagnosis::Stuck {
                    reason: "connection lost".into(),
                },
                TAKES / 2,
            ),
            Ssh::Ok => {
                let machine = &self.machines[&host];
                let facts = facts(machine, &self.sites_of(&host));
                (Diagnosis::Facts(Box::new(facts)), TAKES)
            }
        };
        let short = self.machines.get(&host).and_then(|machine| machine.short);
        let found = diagnosis.facts().is_some().then_some(short);
        let fact = Fact::Looked {
            host: host.clone(),
            began,
            facts: found,
            stuck: matches!(diagnosis, Diagnosis::Stuck { .. }),
        };
        let event = Event::Diagnosed {
            probe,
            host,
            diagnosis,
        };
        self.push(
            self.t + takes,
            Due::Result(generation, event, Box::new(fact)),
        );
    }

    fn sites_of(&self, host: &HostName) -> Vec<String> {
        let profiles = self.settings.profiles_of(host);
        profiles
            .flat_map(|(_, profile)| profile.urls.iter().map(ToString::to_string))
            .collect()
    }
}

fn facts(machine: &Machine, sites: &[String]) -> HostFacts {
    let (active, answer) = match machine.cause {
        Some(Cause::Refused) => ("inactive", InsideAnswer::Refused),
        Some(Cause::ServerError) => ("active", InsideAnswer::Status(500)),
        Some(_) => ("active", InsideAnswer::Timeout),
        None => ("active", InsideAnswer::Status(200)),
    };
    let mut facts = HostFacts {
        uptime_s: Some(1_000_000),
        web: Some("nginx".to_owned()),
        memory_available_pct: Some(60),
        config_test: Some(ConfigTest::Ok),
        ..HostFacts::default()
    };
    facts.unit.name = Some("nginx".to_owned());
    facts.unit.active = Some(active.to_owned());
    facts.unit.enabled = Some("enabled".to_owned());
    (facts.disk.free_pct, facts.inodes.free_pct) = (Some(40), Some(40));
    facts.processes_free_pct = Some(90);
    facts.sites = sites
        .iter()
        .map(|url| Inside {
            url: url.clone(),
            answer,
            browser: None,
        })
        .collect();
    match machine.short {
        Some(Ailment::HostBooting) => facts.uptime_s = Some(30),
        Some(Ailment::PackageManager) => facts.package_manager = Some("apt".to_owned()),
        Some(Ailment::BeingRestarted) => facts.unit.job = Some("restart".to_owned()),
        Some(Ailment::DiskFull) => facts.disk.free_pct = Some(0),
        Some(Ailment::InodesFull) => facts.inodes.free_pct = Some(1),
        Some(Ailment::MemoryShort) => facts.memory_available_pct = Some(2),
        Some(Ailment::ProcessesFull) => facts.processes_free_pct = Some(0),
        Some(Ailment::Disabled) => facts.unit.enabled = Some("masked".to_owned()),
        Some(Ailment::ConfigBroken) => facts.config_test = Some(ConfigTest::Failed),
        Some(other) => panic!("no machine is short of {other:?}"),
        None => {}
    }
    facts
}
