//! Probes that somebody asks for: `/probe?target=URL`, for a scrape job of blackbox_exporter and for other boxes.
//!
//! Only URLs of the configuration are probed, as they are configured: whoever reaches the page cannot have anything else
//! asked, and not more often than every [`limits::ASKED_AGAIN`], because until then an answer is repeated. What is found
//! here counts nowhere: it is no evidence, and opens no incident.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use url::{Url, form_urlencoded};

use crate::model::{Profile, Settings, limits};
use crate::ports::{Clock, Prober};
use crate::render::metrics;

/// Why nothing is probed, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("name a URL: /probe?target=https://shop.example.com/")]
    NoTarget,
    #[error(
        "this URL stands in no profile of the configuration, and nothing else is probed for others"
    )]
    Foreign,
    #[error("too many probes are asked for at once")]
    Busy,
    #[error("the probe did not end in time")]
    TooLong,
}

/// The last answer for a URL. Whoever asks while it is made waits for it.
type Answer = Arc<Mutex<Option<(Duration, String)>>>;

/// Who probes, and what was answered lately.
pub(super) struct Asked {
    prober: Arc<dyn Prober>,
    clock: Arc<dyn Clock>,
    answers: Mutex<BTreeMap<String, Answer>>,
    room: Semaphore,
}

impl Asked {
    pub(super) fn new(prober: Arc<dyn Prober>, clock: Arc<dyn Clock>) -> Self {
        Self {
            prober,
            clock,
            answers: Mutex::default(),
            room: Semaphore::new(limits::ASKED_AT_ONCE),
        }
    }

    /// The page of the URL that the query names.
    pub(super) async fn probe(&self, settings: &Settings, query: &str) -> Result<String, Refusal> {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let target = pairs.find(|(name, _)| name == "target");
        let (_, target) = target.ok_or(Refusal::NoTarget)?;
        let profile = profile_of(settings, &target).ok_or(Refusal::Foreign)?;
        let _room = self.room.try_acquire().map_err(|_| Refusal::Busy)?;
        let answer = {
            let mut answers = self.answers.lock().await;
            let now = self.clock.now().since_boot;
            let is_young = |answer: &Answer| match answer.try_lock() {
                Ok(made) => made.as_ref().is_some_and(|(at, _)| is_good(*at, now)),
                // It is being made.
                Err(_) => true,
            };
            answers.retain(|_, answer| Arc::strong_count(answer) > 1 || is_young(answer));
            let url = profile.urls.first().map(Url::to_string);
            Arc::clone(answers.entry(url.unwrap_or_default()).or_default())
        };
        let asked = async {
            let mut answer = answer.lock().await;
            let now = self.clock.now().since_boot;
            if let Some((at, page)) = &*answer
                && is_good(*at, now)
            {
                return page.clone();
            }
            let checks = self
                .prober
                .probe(Arc::new(profile.clone()), vec![None])
                .await;
            let page = metrics::asked(&profile, &checks);
            *answer = Some((self.clock.now().since_boot, page.clone()));
            page
        };
        let asked = tokio::time::timeout(limits::ASKED, asked).await;
        asked.map_err(|_| Refusal::TooLong)
    }
}

/// Whether an answer of then is repeated now.
fn is_good(at: Duration, now: Duration) -> bool {
    now.saturating_sub(at) < limits::ASKED_AGAIN
}

/// The profile in which a URL stands, with that URL alone and no more time than an answer may take. Without a scheme it is
/// `http`, as for blackbox_exporter.
fn profile_of(settings: &Settings, target: &str) -> Option<Profile> {
    let whole = if target.contains("://") {
        target.to_owned()
    } else {
        format!("http://{target}")
    };
    let url = Url::parse(&whole).ok()?;
    let mut profiles = settings.profiles.values();
    let profile = profiles.find(|profile| profile.urls.contains(&url))?;
    Some(Profile {
        urls: vec![url],
        timeout: profile.timeout.min(limits::ASKED),
        ..Profile::clone(profile)
    })
}
