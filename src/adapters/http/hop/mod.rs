//! One hop of a check: a request, on a fresh connection to one address, and what becomes of it.
//!
//! | file | is |
//! |---|---|
//! | `request` | the first request of a check |
//! | `exchange` | from a URL to the head of its response |
//! | `redirect` | which redirects are followed, to where, with which headers |
//! | `cookies` | what redirects set, and where it goes along |
//! | `classify`, `handshake` | from an error of the client, or of its TLS, to a cause |
//! | `second_look` | what more can be said of a hop that failed in TLS |
//! | `listener` | who listens where HTTP or TLS should |

pub(super) mod classify;
pub(super) mod cookies;
mod exchange;
mod handshake;
pub(super) mod listener;
pub(super) mod redirect;
pub(super) mod request;
pub(super) mod second_look;

pub(super) use exchange::{Aim, Means, exchange};
pub(super) use redirect::{Hop, Reach};
