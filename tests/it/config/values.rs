//! What values become, and what stands there when nothing is said.

use std::time::Duration;

use probe::model::{
    Addresses, CacheBypass, Canary, Cause, Guards, HostName, Profile, ProfileName, Relay,
    RelaySecurity, Route, Rung, SecretSource, Settings, When,
};

use super::{CASES, told};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn good(name: &str) -> Settings {
    let path = std::path::Path::new(CASES).join("good").join(name);
    super::load_told(&path, std::path::Path::new(CASES))
        .unwrap()
        .settings
}

fn profile<'a>(settings: &'a Settings, name: &str) -> &'a Profile {
    &settings.profiles[&ProfileName::try_new(name).unwrap()]
}

#[test]
fn a_profile_of_one_line_has_every_default() {
    let settings = good("minimal.yaml");
    let shop = profile(&settings, "shop");
    assert_eq!(shop.host, None);
    assert_eq!(shop.method, "GET");
    assert_eq!((&shop.contact, shop.headers.len()), (&None, 0));
    assert_eq!(shop.interval, seconds(60));
    assert_eq!(shop.retry_interval, seconds(10));
    assert_eq!(shop.timeout, seconds(10));
    assert_eq!(shop.connect_timeout, seconds(5));
    assert_eq!((shop.failure_threshold, shop.success_threshold), (3, 2));
    assert!(shop.expect.accepts(200) && shop.expect.accepts(399));
    assert!(!shop.expect.accepts(199) && !shop.expect.accepts(400));
    assert!(!shop.expect.reads_body());
    assert_eq!(shop.slow, None);
    assert_eq!((shop.redirects, shop.max_body), (5, 1024 * 1024));
    assert_eq!(shop.addresses, Addresses::Any);
    assert!(shop.tls.verify);
    let days = [21, 7, 1].map(|days| seconds(days * 86_400));
    assert_eq!(shop.tls.warn_before, days);
    assert_eq!(shop.cache_bypass, CacheBypass::Off);
    assert!(settings.email.is_none());
    assert_eq!(settings.network.canaries, []);
}

#[test]
fn short_intervals_shorten_what_is_not_said() {
    let settings = told(
        "profiles:\n  a: {urls: https://a.example.com/, interval: 4s}\n  b: {urls: https://a.example.com/, timeout: 2s}\n",
    )
    .unwrap()
    .settings;
    let a = profile(&settings, "a");
    assert_eq!(a.retry_interval, seconds(4));
    assert_eq!(a.timeout, seconds(4));
    assert_eq!(a.connect_timeout, seconds(4));
    assert_eq!(profile(&settings, "b").connect_timeout, seconds(2));
}

#[test]
fn the_restart_of_the_example_is_the_default() {
    let written = super::load_told("probes.yaml".as_ref(), ".".as_ref()).unwrap();
    let short = told(
        "network: {canaries: []}\nhosts: {web1: {ssh: w, restart: {commands: sudo -n kusanagi restart}}}\nprofiles: {a: {urls: https://a.example.com/, host: web1}}",
    )
    .unwrap();
    let web1 = HostName::try_new("web1").unwrap();
    assert_eq!(
        written.settings.hosts[&web1].restart,
        short.settings.hosts[&web1].restart
    );
}

#[test]
fn defaults_are_completed_key_by_key() {
    let settings = good("full.yaml");
    let shop = profile(&settings, "shop");
    let headers: Vec<&str> = shop.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(headers, ["Accept", "user-agent", "X-Quote"]);
    assert_eq!(shop.headers[1].1, "other/1.0");
    let wanted = [("content-type", "text/html"), ("x-cache", "HIT")];
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(shop.expect.header, wanted);
    let pointers: Vec<String> = shop
        .expect
        .json
        .iter()
        .map(|(pointer, value)| format!("{pointer} {value}"))
        .collect();
    let wanted = [
        "/status \"ok\"",
        "/checks/0/count -2",
        "/ratio 0.5",
        "/none null",
        "/list [1,{\"a\":\"b\"}]",
    ];
    assert_eq!(pointers, wanted);
    assert_eq!(
        (shop.expect.min_size, shop.expect.addresses.len()),
        (2048, 2)
    );
    let contact = shop.contact.as_ref().map(url::Url::as_str);
    assert_eq!(contact, Some("https://www.site.test/about-probe"));
    assert!(shop.tls.warn_before.is_empty());
    let days = [30, 7, 1].map(|days| seconds(days * 86_400));
    assert_eq!(profile(&settings, "blog").tls.warn_before, days);
    assert_eq!(profile(&settings, "blog").interval, seconds(5400));
    assert_eq!(profile(&settings, "blog").max_body, 2_000_000);
}

#[test]
fn null_takes_a_default_away() {
    let settings = good("nulls.yaml");
    let shop = profile(&settings, "shop");
    assert!(shop.expect.matches.is_none());
    assert_eq!(shop.slow, None);
    assert!(shop.headers.iter().all(|(name, _)| name != "Accept"));
    let email = settings.email.unwrap();
    assert_eq!(email.reminder_interval, Some(seconds(4 * 3600)));
}

#[test]
fn merge_keys_and_aliases_are_followed() {
    let settings = good("anchors.yaml");
    let c = profile(&settings, "c");
    assert_eq!(c.interval, seconds(300));
    assert_eq!(c.timeout, seconds(20));
    assert_eq!(c.urls[0].as_str(), "https://a.site.test/");
    let host = |name: &str| &settings.hosts[&HostName::try_new(name).unwrap()];
    assert_eq!(host("web2").ssh, "web2");
    assert_eq!(host("web2").restart, host("web1").restart);
    assert_eq!(host("web1").restart.when, When::Percent(50));
    assert_eq!(host("web3").restart.when, When::Count(2));
}

#[test]
fn a_directory_is_one_configuration() {
    let settings = good("directory");
    assert_eq!(settings.profiles.len(), 2);
    assert_eq!(profile(&settings, "blog").interval, seconds(300));
    assert_eq!(profile(&settings, "blog").timeout, seconds(30));
}

#[test]
fn relays_canaries_and_causes_are_understood() {
    let settings = good("full.yaml");
    let email = settings.email.as_ref().unwrap();
    assert_eq!(email.reminder_interval, None);
    let mut routes = email.routes.clone();
    let program = Route::Program("/opt/mail er/sendmail".to_owned());
    assert_eq!(routes.pop(), Some(program));
    let relays: Vec<Relay> = routes
        .into_iter()
        .map(|route| match route {
            Route::Relay(relay) => relay,
            Route::Program(path) => panic!("{path}"),
        })
        .collect();
    let seen = relays
        .iter()
        .map(|relay| (relay.host.as_str(), relay.port, relay.security));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [
            ("mail.site.test", 465, RelaySecurity::Implicit),
            ("fd00:db8::25", 2525, RelaySecurity::StartTls),
            ("relay.site.test", 587, RelaySecurity::StartTls),
            ("::1", 25, RelaySecurity::Plain),
        ]
    );
    assert_eq!(relays[0].user.as_deref(), Some("us@er"));
    let password = SecretSource::Environment("SMTP_PASSWORD".to_owned());
    assert_eq!(relays[0].password, Some(password));
    assert_eq!(
        relays[0].ca_file.as_ref().map(|p| p.is_absolute()),
        Some(true)
    );
    let canary = Canary::Tcp {
        host: "fd00:db8::1".to_owned(),
        port: 53,
    };
    assert_eq!(settings.network.canaries[2], canary);
    let web1 = &settings.hosts[&HostName::try_new("web1").unwrap()];
    let causes = [Cause::Refused, Cause::ServerError, Cause::Status];
    assert_eq!(web1.restart.causes, causes);
    assert_eq!(web1.restart.commands.len(), 3);
    let words = ["/usr/local/bin/reset-vm", "web 1"].map(str::to_owned);
    assert_eq!(web1.restart.rung(3), Rung::Local(words.to_vec()));
    assert_eq!(web1.restart.rung(9), web1.restart.rung(3));
    let guards = Guards {
        disk_free: 10,
        inodes_free: 0,
        memory_available: 8,
        config_test: false,
    };
    assert_eq!(
        (web1.diagnose, web1.agent, web1.guards),
        (true, false, guards)
    );
    let web2 = &settings.hosts[&HostName::try_new("web2").unwrap()];
    let orders = ["probe-agent 1 restart", "probe-agent 1 restart 2"];
    let orders = orders.map(|order| Rung::Remote(order.to_owned()));
    assert_eq!(
        (web2.agent, &web2.restart.commands[..]),
        (true, &orders[..])
    );
    assert_eq!(web2.guards, Guards::by_default());
    assert!(!settings.hosts[&HostName::try_new("web3").unwrap()].diagnose);
}

fn fingerprint(text: &str, name: &str) -> u64 {
    profile(&told(text).unwrap().settings, name).fingerprint
}

#[test]
fn a_fingerprint_follows_its_own_entry_only() {
    let one = "profiles: {a: {urls: https://a.example.com/}}";
    let same = [
        "profiles: {z: {urls: https://z.example.com/}, a: {urls: https://a.example.com/, interval: 60s}}",
        "defaults: {interval: 1m}\nprofiles:\n  a:\n    urls:\n    - https://a.example.com\n",
    ];
    for text in same {
        assert_eq!(fingerprint(one, "a"), fingerprint(text, "a"), "{text}");
    }
    let other = [
        "profiles: {a: {urls: https://a.example.com/, interval: 61s}}",
        "profiles: {a: {urls: https://u@a.example.com/}}",
        "profiles: {a: {urls: https://u:x@a.example.com/}}",
        "profiles: {a: {urls: https://u:y@a.example.com/}}",
        "profiles: {a: {urls: https://a.example.com/, headers: {Authorization: x}}}",
        "profiles: {a: {urls: https://a.example.com/, headers: {Authorization: y}}}",
        "defaults: {slow: 1s}\nprofiles: {a: {urls: https://a.example.com/}}",
    ];
    let mut seen = vec![fingerprint(one, "a")];
    for text in other {
        let print = fingerprint(text, "a");
        assert!(!seen.contains(&print), "{text}");
        seen.push(print);
    }
}

/// A changed host begins anew; whom people log in as changes nothing that is done.
#[test]
fn a_hosts_fingerprint_does_not_follow_the_login_of_people() {
    let print = |keys: &str| {
        let text = format!(
            "network: {{canaries: []}}\nhosts: {{web1: {{ssh: web1, restart: {{commands: r}}{keys}}}}}\nprofiles: {{a: {{urls: https://a.site.test/, host: web1}}}}"
        );
        let settings = told(&text).unwrap().settings;
        let host = &settings.hosts[&HostName::try_new("web1").unwrap()];
        (host.fingerprint, host.operator_ssh.clone())
    };
    let (plain, nobody) = print("");
    let (same, people) = print(", operator_ssh: admin@web1");
    assert_eq!((nobody, people), (None, Some("admin@web1".to_owned())));
    assert_eq!(plain, same);
    assert_ne!(plain, print(", diagnose: false").0);
}
