//! The configuration that `probe init` writes: short, with a comment where a person must look.

use crate::model::{Https, Site, Survey};

use super::{Access, at, urls};

/// The text of a `probes.yaml`.
#[must_use]
pub fn configuration(survey: &Survey, access: &Access) -> String {
    let mut text = String::from(
        "# Written by `probe init`. Look at the lines marked (1) to (3), then: probe check; probe once --dry-run\n\n\
         network:\n  \
         # (1) Is this machine itself online? Nothing is restarted unless one of these answers: name sites or ports that have\n  \
         # nothing to do with yours.\n  \
         canaries: [\"https://www.example.org/\", \"tcp://192.0.2.1:53\"]\n\n",
    );
    host(&mut text, survey, access);
    text.push_str("profiles:\n");
    for site in &survey.sites {
        profile(&mut text, site, access);
    }
    text.push_str(
        "# (3) Who is told:\n#alerts:\n#  email:\n#    from: \"Probe <probe@monitor.example.com>\"\n#    to: [ops@example.com]\n#    smtp: [{url: \"smtp+plain://127.0.0.1:25\"}]\n",
    );
    text
}

fn host(text: &mut String, survey: &Survey, access: &Access) {
    text.push_str(&format!("hosts:\n  {}:\n", quoted(access.name.as_str())));
    let guess = if access.remote {
        ""
    } else {
        "   # (2) as the watching machine reaches this one"
    };
    text.push_str(&format!("    ssh: {}{guess}\n", quoted(&access.ssh)));
    for (key, file) in [
        ("identity_file", &access.identity_file),
        ("known_hosts_file", &access.known_hosts_file),
    ] {
        if let Some(file) = file {
            text.push_str(&format!("    {key}: {}\n", quoted(&file.to_string_lossy())));
        }
    }
    let command = match &survey.restart {
        Some(command) if survey.user == "root" && access.remote => command.clone(),
        Some(command) => format!("sudo -n {command}"),
        None => "sudo -n /usr/bin/systemctl restart nginx.service".to_owned(),
    };
    let look = if survey.restart.is_some() {
        "(2) with deploy/host/probe-agent in place: `agent: true` beside `ssh` instead of commands"
    } else {
        "(2) no web server was found there: what restarts yours?"
    };
    text.push_str(&format!(
        "    restart:\n      commands:   # {look}\n        - {}\n\n",
        quoted(&command)
    ));
}

fn profile(text: &mut String, site: &Site, access: &Access) {
    let urls: Vec<String> = urls(site).iter().map(|url| quoted(url)).collect();
    text.push_str(&format!(
        "  {}:   # {}\n    host: {}\n    urls: [{}]\n",
        quoted(site.name.as_str()),
        site.file,
        quoted(access.name.as_str()),
        urls.join(", ")
    ));
    if site.https == Https::Placeholder {
        for url in at("https", 443, &site.secure, &site.domain) {
            text.push_str(&format!(
                "    # {url} answers with a certificate that was made for no site: add it when it has its own\n"
            ));
        }
    }
    if !site.others.is_empty() {
        text.push_str(&format!(
            "    # answers to these names too: {}\n",
            site.others.join(" ")
        ));
    }
    if site.wordpress {
        text.push_str(
            "    # expect: {contains: \"</html>\"}   # if the page has it (many do not): one that broke off has not\n    \
             # cache_bypass: wordpress   # a page from KUSANAGI's caches does not count as up; every probe then costs a full page\n",
        );
    }
    text.push('\n');
}

/// Words that YAML takes for something else than text.
const RESERVED: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

/// A text as a value or key: as it is where that is read as text everywhere, else between quotes as JSON writes it.
fn quoted(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@' | ':' | ' '));
    let splits = text.contains(": ") || text.ends_with([':', ' ']) || text.contains("  ");
    let reserved = RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word));
    if begins && plain && !splits && !reserved {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        for plain in [
            "shop",
            "/etc/probe/id",
            "https://a.example/",
            "sudo -n /bin/kusanagi restart",
        ] {
            assert_eq!(quoted(plain), plain);
        }
        for odd in [
            "NO",
            "1e3",
            "0x10",
            "a: b",
            "a #b",
            "- a",
            "",
            "ssh://[::1]:22",
            "a,b",
            "ü",
            "a\"b",
        ] {
            assert!(quoted(odd).starts_with('"'), "{odd}");
        }
    }
}
