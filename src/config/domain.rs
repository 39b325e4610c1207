//! Host names that DNS can hold.

use url::{Host, Url};

/// Octets of a name in writing, without the dot at its end (RFC 1035 §2.3.4: 255 with their lengths).
const NAME: usize = 253;

/// Octets of one label (RFC 1035 §2.3.4).
const LABEL: usize = 63;

/// What is wrong with the name in a URL; nothing where it is an address, or well.
pub(super) fn fault(url: &Url) -> Option<&'static str> {
    let Some(Host::Domain(name)) = url.host() else {
        return None;
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.split('.').any(str::is_empty) {
        Some("a host name with nothing between two dots")
    } else if name.split('.').any(|label| label.len() > LABEL) {
        Some("a host name with a part of more than 63 letters")
    } else if name.len() > NAME {
        Some("a host name of more than 253 letters")
    } else {
        None
    }
}
