//! The HTTP client that every exchange goes through: reqwest's, with our settings and our hooks.
//!
//! | file | is |
//! |---|---|
//! | `tls` | TLS settings: one for all profiles, and those of a profile with files of its own |
//! | `files` | the files of a profile's `tls` |
//! | `verified` | chains that were found good, which are not verified anew each minute |
//! | `suites` | what comes in through TLS is counted |
//! | `hooks` | where the client lets us look in: connector, resolver, TLS session, verifier |

mod files;
pub(super) mod hooks;
mod suites;
pub(super) mod tls;
mod verified;

pub use files::{FileFault, identity_in, lists_in, roots_in};

use std::sync::Arc;

use reqwest::Client;
use rustls::ClientConfig;

use crate::model::limits;
use hooks::{Chosen, Timed};

/// A client without a pool: each request has a connection of its own, under the rules of its [`Way`](hooks::Way).
fn client(tls: ClientConfig) -> Result<Client, reqwest::Error> {
    // Above our own limit, so that a list that is too long is named as such; beyond this one it is a protocol error.
    // Not far above: HTTP/2 makes a table of all lines before anybody can count them.
    let header_bytes = u32::try_from(limits::HEADER_BYTES / 4 * 5).unwrap_or(u32::MAX);
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Without it a copy of each request is kept for a retry that never comes.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .referer(false)
        .pool_max_idle_per_host(0)
        // A probe ends by its own deadlines, under the same causes: no socket options that outlast them need be set.
        .tcp_keepalive(None)
        .tcp_keepalive_interval(None)
        .tcp_keepalive_retries(None)
        .tcp_user_timeout(None)
        .http1_max_headers(limits::HEADER_LINES)
        .http2_max_header_list_size(header_bytes)
        .dns_resolver(Arc::new(Chosen))
        .connector_layer(Timed)
        .tls_backend_preconfigured(tls)
        .build()
}
