//! t
#![allow(
    clippy::disallowed_methods,
    reason = "tests start processes, read clocks and write files as they need"
)]
