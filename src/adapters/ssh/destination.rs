//! The destination as the client's arguments.
//!
//! It is given as it is written, but for an IPv6 address in a URL: OpenSSH documents `ssh://user@[::1]:2222` and refuses it, because its
//! test for names knows no colon. So such a URL is taken apart: port and user as options, the address alone.

use std::net::Ipv6Addr;

/// The arguments that stand behind the options.
pub(super) fn arguments(destination: &str) -> Vec<String> {
    apart(destination).unwrap_or_else(|| vec!["--".to_owned(), destination.to_owned()])
}

fn apart(destination: &str) -> Option<Vec<String>> {
    let rest = destination.strip_prefix("ssh://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    let (address, port) = place.strip_prefix('[')?.split_once(']')?;
    address.parse::<Ipv6Addr>().ok()?;
    let mut arguments = Vec::new();
    if let Some(port) = port.strip_prefix(':') {
        arguments.extend(["-p".to_owned(), port.to_owned()]);
    }
    if let Some(user) = user {
        arguments.extend(["-l".to_owned(), user.to_owned()]);
    }
    arguments.extend(["--".to_owned(), address.to_owned()]);
    Some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_in_brackets_is_taken_apart() {
        for (destination, wanted) in [
            ("web1", "-- web1"),
            ("probe@web1", "-- probe@web1"),
            ("probe@::1", "-- probe@::1"),
            ("ssh://probe@web1:2222", "-- ssh://probe@web1:2222"),
            ("ssh://probe@[::1]:2222", "-p 2222 -l probe -- ::1"),
            ("ssh://[2001:db8::1]/", "-- 2001:db8::1"),
            ("ssh://[web1]:22", "-- ssh://[web1]:22"),
        ] {
            assert_eq!(arguments(destination).join(" "), wanted);
        }
    }
}
