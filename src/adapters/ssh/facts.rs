//! Reads what a look at a host printed: `key=value` lines between `facts=1` and `end=1`.
//!
//! What a login says before `facts=1` is ignored, also on the same line. After it every line must be a key and a value, each
//! key may come once, and a known key must have a value that it can have. If not, nothing is used: half understood
//! facts are worse than none. Unknown keys come from a newer agent and are ignored.

use url::Url;

use crate::model::{
    ConfigTest, HostFacts, Inside, InsideAnswer, Reason, limits, plain_url, shown_text,
};

/// Reads the output of a look.
///
/// # Errors
/// What is wrong, with the line.
pub fn read(output: &str) -> Result<HostFacts, Reason> {
    let mut lines = output.lines().map(str::trim_end);
    if !lines.by_ref().any(|line| line.ends_with("facts=1")) {
        return Err(Reason::NoFacts);
    }
    let mut facts = HostFacts::default();
    let mut browsers: Vec<Inside> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for line in lines {
        if line == "end=1" {
            for site in &mut facts.sites {
                let browser = browsers.iter().find(|browser| browser.url == site.url);
                site.browser = browser.map(|browser| browser.answer);
                site.url = shown_text(&site.url);
            }
            return Ok(facts);
        }
        let (key, value) = pair(line).ok_or_else(|| Reason::NotAFact { said: shown(line) })?;
        if seen.contains(&key) {
            return Err(Reason::FactTwice { said: shown(line) });
        }
        seen.push(key);
        let entered = if is_numbered(key, "browser_") {
            inside(value).map(|browser| browsers.push(browser))
        } else {
            enter(&mut facts, key, value)
        };
        entered.ok_or_else(|| Reason::NotAValue { said: shown(line) })?;
    }
    Err(Reason::BrokenOff)
}

fn shown(line: &str) -> String {
    line.chars().take(80).collect()
}

fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let named = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let plain = line.len() <= limits::FACT_LINE && !value.chars().any(char::is_control);
    (named && plain).then_some((key, value))
}

/// Enters a fact; `None` if it cannot have this value.
fn enter(facts: &mut HostFacts, key: &str, value: &str) -> Option<()> {
    let unit = &mut facts.unit;
    match key {
        "agent" => facts.agent = flag(value)?,
        "boot_id" => facts.boot_id = word(value)?,
        "uptime_s" => facts.uptime_s = number(value)?,
        "systemd" => facts.systemd = word(value)?,
        "web" => facts.web = word(value)?,
        "web_unit" => unit.name = word(value)?,
        "web_load" => unit.load = word(value)?,
        "web_enabled" => unit.enabled = word(value)?,
        "web_active" => unit.active = word(value)?,
        "web_sub" => unit.sub = word(value)?,
        "web_result" => unit.result = word(value)?,
        "web_exit_code" => unit.exit_code = number(value)?,
        "web_restarts" => unit.restarts = number(value)?,
        "web_changed_s" => unit.changed_s = number(value)?,
        "web_job" => unit.job = word(value)?,
        "web_processes" => unit.processes = number(value)?,
        "oom_kills" => facts.oom_kills = number(value)?,
        "oom_last_s" => facts.oom_last_s = number(value)?,
        "disk_free_pct" => facts.disk.free_pct = share(value)?,
        "disk_free_mb" => facts.disk.free_mb = number(value)?,
        "disk_path" => facts.disk.path = text(value),
        "inodes_free_pct" => facts.inodes.free_pct = share(value)?,
        "inodes_path" => facts.inodes.path = text(value),
        "memory_total_mb" => facts.memory_total_mb = number(value)?,
        "memory_available_pct" => facts.memory_available_pct = share(value)?,
        "swap_free_pct" => facts.swap_free_pct = share(value)?,
        "pressure_memory_full" => facts.pressure_memory_full = share(value)?,
        "pressure_cpu_some" => facts.pressure_cpu_some = share(value)?,
        "pressure_io_full" => facts.pressure_io_full = share(value)?,
        "load_per_cpu_pct" => facts.load_per_cpu_pct = number(value)?,
        "cpus" => facts.cpus = number(value)?,
        "processes" => facts.processes = number(value)?,
        "processes_free_pct" => facts.processes_free_pct = share(value)?,
        "files_free_pct" => facts.files_free_pct = share(value)?,
        "config_test" => facts.config_test = config_test(value)?,
        "config_test_says" => facts.config_test_says = text(value),
        "listen_80" => facts.listen_80 = word(value)?,
        "listen_443" => facts.listen_443 = word(value)?,
        "monit" => facts.monit = word(value)?,
        "monit_restarting" => facts.monit_restarting = flag(value)?,
        "monit_acted_s" => facts.monit_acted_s = number(value)?,
        "package_manager" => facts.package_manager = word(value)?,
        "logged_in" => facts.logged_in = number(value)?,
        "php_unit" => facts.php.unit = word(value)?,
        "php_active" => facts.php.active = word(value)?,
        "db_unit" => facts.db.unit = word(value)?,
        "db_active" => facts.db.active = word(value)?,
        "kusanagi" => facts.kusanagi = text(value),
        "restarts_in_window" => facts.restarts_in_window = number(value)?,
        "limit_restarts" => facts.limit_restarts = number(value)?,
        "limit_window_s" => facts.limit_window_s = number(value)?,
        "sites" => facts.sites_known = number(value)?,
        "asks_http" => facts.asks_http = word(value)?,
        "asks_https" => facts.asks_https = word(value)?,
        site if is_numbered(site, "site_") => facts.sites.push(inside(value)?),
        _ => {}
    }
    Some(())
}

/// `site_1`, `site_12`.
fn is_numbered(key: &str, name: &str) -> bool {
    key.strip_prefix(name)
        .is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn number<N: std::str::FromStr>(value: &str) -> Option<Option<N>> {
    value.parse().ok().map(Some)
}

#[expect(
    clippy::option_option,
    reason = "no such value, or the value as the field holds it"
)]
fn share(value: &str) -> Option<Option<u8>> {
    let share: u8 = value.parse().ok()?;
    (share <= 100).then_some(Some(share))
}

/// One word of a service manager or a program's name.
#[expect(
    clippy::option_option,
    reason = "no such value, or the value as the field holds it"
)]
fn word(value: &str) -> Option<Option<String>> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._@:+\\-".contains(c);
    let good = !value.is_empty() && value.len() <= 100 && value.chars().all(fits);
    good.then(|| Some(value.to_owned()))
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

#[expect(
    clippy::option_option,
    reason = "no such value, or the value as the field holds it"
)]
fn config_test(value: &str) -> Option<Option<ConfigTest>> {
    match value {
        "ok" => Some(Some(ConfigTest::Ok)),
        "failed" => Some(Some(ConfigTest::Failed)),
        "unavailable" => Some(Some(ConfigTest::Unavailable)),
        _ => None,
    }
}

fn inside(value: &str) -> Option<Inside> {
    let (answer, url) = value.split_once(' ')?;
    let answer = match answer {
        "refused" => InsideAnswer::Refused,
        "timeout" => InsideAnswer::Timeout,
        "reset" => InsideAnswer::Reset,
        "tls" => InsideAnswer::Tls,
        "error" => InsideAnswer::Error,
        status => InsideAnswer::Status(status.parse().ok().filter(|s| (100..1000).contains(s))?),
    };
    let url = plain_url(&Url::parse(url).ok()?);
    Some(Inside {
        url,
        answer,
        browser: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_passed_over_and_an_unknown_key_too() {
        let facts = read(
            "Welcome=to the host!\n\nfacts=1\nuptime_s=4711\nweb_unit=nginx131\nnovel_fact=yes\n\
             site_1=200 https://shop.example.com\nsite_2=refused http://shop.example.com/a?b=c\nend=1\nbye\n",
        );
        let facts = facts.unwrap();
        assert_eq!(facts.uptime_s, Some(4711));
        assert_eq!(facts.unit.name.as_deref(), Some("nginx131"));
        let sites: Vec<_> = facts.sites.iter().map(|s| (&s.url[..], s.answer)).collect();
        let expected = [
            ("https://shop.example.com/", InsideAnswer::Status(200)),
            ("http://shop.example.com/a?b=c", InsideAnswer::Refused),
        ];
        assert_eq!(sites, expected);
        assert!(facts.sites.iter().all(|site| site.browser.is_none()));
        assert_eq!(facts.sites_known, None);
    }

    #[test]
    fn what_browsers_are_answered_stands_with_its_site_in_any_order() {
        let facts = read(
            "facts=1\nsites=3\nasks_http=bash\nasks_https=none\nbrowser_2=200 http://b.example.com/\n\
             site_1=200 http://a.example.com\nsite_2=reset http://b.example.com\nbrowser_7=200 http://x.example.com\nend=1\n",
        );
        let facts = facts.unwrap();
        let well = Some(InsideAnswer::Status(200));
        let browsers: Vec<_> = facts.sites.iter().map(|site| site.browser).collect();
        assert_eq!(browsers, [None, well]);
        assert_eq!(facts.sites_known, Some(3));
        assert_eq!(facts.asks_http.as_deref(), Some("bash"));
        assert_eq!(facts.asks_https.as_deref(), Some("none"));
    }

    #[test]
    fn what_is_not_as_it_must_be_is_refused_with_the_line() {
        for (output, said) in [
            ("", "no `facts=1`"),
            ("hello\n", "no `facts=1`"),
            ("facts=1\nuptime_s=1\n", "breaks off"),
            ("facts=1\nuptime_s=-1\nend=1\n", "uptime_s=-1"),
            ("facts=1\nuptime_s=\nend=1\n", "uptime_s="),
            ("facts=1\ndisk_free_pct=101\nend=1\n", "disk_free_pct=101"),
            (
                "facts=1\nconfig_test=perhaps\nend=1\n",
                "config_test=perhaps",
            ),
            ("facts=1\nagent=2\nend=1\n", "agent=2"),
            ("facts=1\nweb_unit=a b\nend=1\n", "web_unit=a b"),
            ("facts=1\nsite_1=200\nend=1\n", "site_1=200"),
            ("facts=1\nsite_1=99 http://a/\nend=1\n", "site_1=99"),
            ("facts=1\nsite_1=200 nothing\nend=1\n", "site_1=200"),
            ("facts=1\nbrowser_1=200\nend=1\n", "browser_1=200"),
            ("facts=1\nsites=many\nend=1\n", "sites=many"),
            ("facts=1\nuptime_s=1\nuptime_s=1\nend=1\n", "twice"),
            ("facts=1\nsh: 1: curl: not found\nend=1\n", "no fact"),
            ("facts=1\nWEB=nginx\nend=1\n", "no fact"),
            ("facts=1\ndisk_path=/\u{1b}[31m\nend=1\n", "no fact"),
        ] {
            let error = read(output).unwrap_err();
            assert!(error.to_string().contains(said), "{output:?}: {error}");
        }
        let long = format!("facts=1\ndisk_path=/{}\nend=1\n", "x".repeat(400));
        assert!(read(&long).is_err());
    }
}
