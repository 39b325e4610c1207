//! The status page: metrics and our own state over HTTP, for reading only.
//!
//! | path | answer |
//! |---|---|
//! | `/` | for people: every site, the worst first, its last 90 days, response times, and its host; `?q=`, `?state=`, `?page=`, `?lang=`, `?refresh=1` |
//! | `/profile/NAME`, `/host/NAME` | the same of one, with what happened and why it is or is not restarted |
//! | `/feed.atom` | outages and their ends |
//! | `/badge/PROFILE.svg` | state and uptime, for other pages |
//! | `/style.css`, `/icon.svg` | what those load; they ask nobody else for anything |
//! | `/metrics` | Prometheus' text format |
//! | `/probe?target=URL` | the same metrics of one probe that is made now, of a URL of the configuration |
//! | `/healthz` | 200 while the loop makes progress, else 503 |
//! | `/readyz` | 200 from the first decision on, else 503 |
//! | `/api/v1/status` | the document of `probe status --json` |
//!
//! It never stands in a probe's way: about once a second the loop hands over the rows that changed, or nothing when the
//! ones before are not taken yet; they are kept here in a copy of the fleet, and pages are made from that, one at a time,
//! outside of the loop and of the runtime's workers. The copy is what the page costs in memory. What is recorded is read for
//! the sites that a page shows, and while nothing is locked.
//!
//! It has no action and no cookie, and its one form asks for a part of the list, so there is nothing to forge; whoever names it by something else than an address,
//! `localhost` or one of `status_page.names` is refused, so that no other site can have a browser read it (DNS rebinding). Connections, heads and time
//! are bounded, and connections on which nothing is asked hold up nobody (`places`).

mod answer;
mod asked;
mod listen;
mod places;
mod world;

pub use listen::{Listener, Taken, serve};
pub use world::{Lent, News, Reports};
