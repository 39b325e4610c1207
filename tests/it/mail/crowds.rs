//! Many sites at once, and one again and again.

use std::time::Duration;

use probe::model::{
    Affected, Cause, EventKind, Finding, Flaps, IncidentId, Notification, Observation, Phase,
    ProfileName, Quoted, RecoveryOutcome, SiteState,
};

use super::entries::{NIGHT, after, blind, down, gave_up, note, restarted, up};

/// What a page with an error looks like, in the prober's own words.
fn server_error() -> Notification {
    let seen = |url: &str, finding: Finding| Observation::Check {
        url: url.to_owned(),
        cause: Cause::ServerError,
        finding: Box::new(finding),
        address: Some("192.0.2.10:443".parse().unwrap()),
        phase: Some(Phase::FirstByte),
    };
    Notification {
        cause: Some(Cause::ServerError),
        seen: vec![
            seen(
                "https://shop.example.com/",
                Finding::BodyBegins {
                    finding: Box::new(
                        Finding::Status { status: 502 }.meaning(Finding::BackendSilent),
                    ),
                    said: Quoted::new("<html> <head><title>502 Bad Gateway</title></head>"),
                },
            ),
            seen(
                "https://shop.example.com/cart",
                Finding::Status { status: 500 }.meaning(Finding::WordPressFatal),
            ),
        ],
        ..down()
    }
}

/// Ten sites of one host go down together.
pub(crate) fn down_together() -> Notification {
    let mut note = down();
    note.sites = (0..10)
        .map(|n| Affected {
            profile: ProfileName::try_new(
                &["shop", "blog", "forum", "wiki", "news"][n % 5].repeat(1 + n / 5),
            )
            .unwrap(),
            state: if n < 8 {
                SiteState::Down
            } else {
                SiteState::Failing
            },
            cause: Some(Cause::Refused),
            since: NIGHT - Duration::from_secs(20 - n as u64),
            until: None,
            unconfirmed: n >= 8,
        })
        .collect();
    note
}

/// They are back.
pub(crate) fn up_together() -> Notification {
    let mut note = up();
    note.sites = down_together().sites;
    for site in &mut note.sites {
        (site.state, site.until) = (SiteState::Back, Some(after(108)));
    }
    note
}

pub(crate) fn flapping() -> Notification {
    Notification {
        flaps: Some(Flaps {
            outages: 4,
            since: NIGHT - Duration::from_secs(2900),
        }),
        ..note(EventKind::Flapping)
    }
}

/// A site that flaps no more.
fn stable() -> Notification {
    Notification {
        sequence: 1,
        since: Some(NIGHT - Duration::from_secs(2900)),
        flaps: flapping().flaps,
        attempts: Vec::new(),
        at: after(1900),
        until: Some(after(1900)),
        ..up()
    }
}

/// What a storm is told as.
pub(crate) fn digest() -> Notification {
    let other = |name: &str, note: Notification| Notification {
        incident: Some(IncidentId::new(name, "20261122T060041Z")),
        profile: ProfileName::try_new(name).ok(),
        ..note
    };
    Notification {
        items: vec![
            down_together(),
            other("blog", down()),
            other("forum", up()),
            other("wiki", gave_up()),
            up_together(),
            blind(),
        ],
        ..Notification::blank(EventKind::Digest, after(400))
    }
}

/// Of some events what else they may have to tell, by the name of the golden mail.
pub(crate) fn more() -> Vec<(&'static str, Notification)> {
    vec![
        ("report-first", super::weeks::first()),
        (
            "up-untold",
            Notification {
                story: true,
                sequence: 0,
                ..up()
            },
        ),
        ("restarted-refused", restarted(RecoveryOutcome::Refused)),
        ("down-server-error", server_error()),
        ("up-stable", stable()),
        ("down-together", down_together()),
        ("up-together", up_together()),
        ("up-judged", super::entries::judged()),
        ("closed-judged", super::entries::judged_ill()),
    ]
}
