//! S26: what people forbade.

use std::collections::BTreeMap;

use super::super::world::Fact;
use super::Course;

impl Course<'_> {
    pub(super) fn s26_big_red_button(&self) {
        let mut pauses = BTreeMap::new();
        let mut offset = BTreeMap::new();
        for (t, fact) in &self.facts {
            match fact {
                Fact::Pauses(now) => pauses.clone_from(now),
                // It was decided on what was known then; the last look is made before the client is started.
                Fact::Ordered {
                    order,
                    wall,
                    decided,
                    ..
                } => {
                    offset.insert(&order.host, wall - decided);
                }
                Fact::RestartBegan { host } => {
                    let wall = t + offset.get(host).copied().unwrap_or_default();
                    let holds = |target: &str| {
                        pauses
                            .get(target)
                            .is_some_and(|pause| pause.until.is_none_or(|until| until.0 > wall))
                    };
                    if holds("all") || holds(host.as_str()) {
                        self.fail(
                            *t,
                            &format!("S26 big red button: {host} restarted while paused"),
                        );
                    }
                }
                _ => {}
            }
        }
    }
}
