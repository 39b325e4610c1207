//! From a name to an address at which a site can be.
//!
//! | file | is |
//! |---|---|
//! | `resolve` | what is looked up, and how a probe tells what was found |
//! | `destination` | where no site can be, whatever its name says; whether this machine has a route there |

pub(super) mod destination;
mod resolve;

pub(super) use resolve::{Found, Names};
