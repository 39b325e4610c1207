//! What this machine is called, for who is greeted by it: its full name, as `hostname -f` says without asking a name server.
//!
//! That is the kernel's name of it where this has a dot, else what the hosts file says beside that name: a line
//! `127.0.1.1 mon1.example.com mon1` makes `mon1` a `mon1.example.com`, in either order. Where neither is a full name, there is none.

use crate::model::Hello;

/// This machine's full name.
#[must_use]
pub fn own() -> Option<Hello> {
    let kernel = rustix::system::uname();
    let node = kernel.nodename().to_str().ok()?;
    full(
        node,
        &std::fs::read_to_string("/etc/hosts").unwrap_or_default(),
    )
}

fn full(node: &str, hosts: &str) -> Option<Hello> {
    let lines = hosts.lines().filter_map(|line| line.split('#').next());
    let listed = lines.flat_map(|line| {
        let names: Vec<&str> = line.split_whitespace().skip(1).collect();
        let is_listed = names.iter().any(|name| name.eq_ignore_ascii_case(node));
        let below = |name: &&str| {
            let rest = name.get(node.len()..).unwrap_or_default();
            is_listed && rest.starts_with('.') && name[..node.len()].eq_ignore_ascii_case(node)
        };
        let first = names.first().copied().filter(|_| is_listed);
        let further: Vec<&str> = names.iter().copied().filter(below).collect();
        first.into_iter().chain(further)
    });
    std::iter::once(node).chain(listed).find_map(Hello::try_new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_name_else_what_the_hosts_file_says_beside_it() {
        const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n\
             # 192.0.2.9 old.example.com mon1\n127.0.1.1\tMon1.example.com  mon1 # us\n192.0.2.1 www.example.com www\n\
             127.0.1.2 mon3 www.example.org mon3.example.com\n127.0.0.1 localhost.localdomain mon4\n192.0.2.4 mon4.example.com mon4\nmon1";
        for (node, expected) in [
            ("web.example.com", Some("web.example.com")),
            ("mon1", Some("Mon1.example.com")),
            ("MON1", Some("Mon1.example.com")),
            ("mon1.example.com", Some("mon1.example.com")),
            ("www", Some("www.example.com")),
            ("mon2", None),
            ("mon3", Some("mon3.example.com")),
            ("mon4", Some("mon4.example.com")),
            ("localhost", None),
            ("localhost.localdomain", None),
            ("3f2a1c9d0b7e", None),
            ("(none)", None),
            ("", None),
        ] {
            let found = full(node, HOSTS).map(|hello| hello.to_string());
            assert_eq!(found.as_deref(), expected, "{node}");
        }
        let bare = full("mon1.example.com", "").map(|hello| hello.to_string());
        assert_eq!(bare.as_deref(), Some("mon1.example.com"));
    }
}
