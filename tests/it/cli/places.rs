//! Where things are, by what is set.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use probe::cli::Color;
use probe::cli::place::{
    StateSurroundings, color, config, language, other_config, other_state, state_dir,
};
use probe::model::Language;

fn os(text: &str) -> Option<OsString> {
    Some(OsString::from(text))
}

#[test]
fn the_configuration() {
    let all = |_: &Path| true;
    let none = |_: &Path| false;
    let etc = |path: &Path| path == Path::new("/etc/probe/probes.yaml");
    let flag = Some(Path::new("mine.yaml"));
    assert_eq!(config(flag, os("env.yaml"), all), Ok("mine.yaml".into()));
    assert_eq!(config(None, os("env.yaml"), all), Ok("env.yaml".into()));
    assert_eq!(config(None, os("env.yaml"), none), Ok("env.yaml".into()));
    assert_eq!(config(None, os(""), all), Ok("./probes.yaml".into()));
    assert_eq!(config(None, None, etc), Ok("/etc/probe/probes.yaml".into()));
    let fault = config(None, None, none).unwrap_err().to_string();
    for word in [
        "./probes.yaml",
        "/etc/probe/probes.yaml",
        "--config",
        "PROBE_CONFIG",
        "probe once https://your.site/",
    ] {
        assert!(fault.contains(word), "{fault}");
    }
}

#[test]
fn the_state() {
    let all = StateSurroundings {
        probe_state_dir: os("/env"),
        state_directory: os("/systemd:/other"),
        is_root: true,
        may_write_system: false,
        xdg_state_home: os("/xdg"),
        home: os("/home/me"),
    };
    let is = |around: StateSurroundings, wanted: &str| {
        assert_eq!(state_dir(None, around), Ok(PathBuf::from(wanted)));
    };
    assert_eq!(
        state_dir(Some(Path::new("flag")), all.clone()),
        Ok("flag".into())
    );
    is(all.clone(), "/env");
    let all = StateSurroundings {
        probe_state_dir: os(""),
        ..all
    };
    is(all.clone(), "/systemd");
    let all = StateSurroundings {
        state_directory: None,
        ..all
    };
    is(all.clone(), "/var/lib/probe");
    let all = StateSurroundings {
        is_root: false,
        ..all
    };
    is(all.clone(), "/xdg/probe");
    // The account that watches, and gives orders without the variables of its unit.
    let watching = StateSurroundings {
        may_write_system: true,
        ..all.clone()
    };
    is(watching, "/var/lib/probe");
    let all = StateSurroundings {
        xdg_state_home: os("relative"),
        ..all
    };
    is(all.clone(), "/home/me/.local/state/probe");
    let fault = state_dir(None, StateSurroundings { home: None, ..all }).unwrap_err();
    assert!(fault.to_string().contains("--state-dir"), "{fault}");
}

/// A checkout's configuration is not taken for the machine's without a word.
#[test]
fn two_configurations_are_a_doubt() {
    let (all, none) = (|_: &Path| true, |_: &Path| false);
    let (differ, same) = (|_: &Path, _: &Path| false, |_: &Path, _: &Path| true);
    let doubt = other_config(None, None, all, differ);
    assert_eq!(doubt, Some("/etc/probe/probes.yaml".into()));
    assert_eq!(other_config(None, os(""), all, differ), doubt);
    for named in [
        other_config(Some(Path::new("mine.yaml")), None, all, differ),
        other_config(None, os("env.yaml"), all, differ),
        other_config(None, None, none, differ),
        other_config(None, None, all, same),
        other_config(None, None, |path| path.is_absolute(), differ),
        other_config(None, None, |path| path.is_relative(), differ),
    ] {
        assert_eq!(named, None);
    }
}

/// A pause in one's own state is not the pause of the machine's watch.
#[test]
fn two_states_are_a_doubt() {
    let user = StateSurroundings {
        home: os("/home/me"),
        ..StateSurroundings::default()
    };
    let all = |_: &Path| true;
    let doubt = other_state(None, user.clone(), all);
    assert_eq!(doubt, Some("/var/lib/probe".into()));
    assert_eq!(other_state(None, user.clone(), |_| false), None);
    assert_eq!(
        other_state(Some(Path::new("mine")), user.clone(), all),
        None
    );
    let spoken_for = [
        StateSurroundings {
            probe_state_dir: os("/env"),
            ..user.clone()
        },
        StateSurroundings {
            state_directory: os("/systemd"),
            ..user.clone()
        },
        StateSurroundings {
            is_root: true,
            ..user.clone()
        },
        StateSurroundings {
            may_write_system: true,
            ..user
        },
    ];
    for around in spoken_for {
        assert_eq!(other_state(None, around, all), None);
    }
}

#[test]
fn colour() {
    let auto = |no: Option<OsString>, force: Option<OsString>, term: &str, terminal: bool| {
        color(Color::Auto, no, force, os(term), terminal)
    };
    assert!(auto(None, None, "xterm", true));
    assert!(auto(os(""), None, "xterm", true));
    assert!(!auto(None, None, "xterm", false));
    assert!(!auto(None, None, "dumb", true));
    assert!(!auto(os("1"), None, "xterm", true));
    assert!(!auto(os("1"), os("1"), "xterm", true));
    assert!(auto(None, os("1"), "dumb", false));
    assert!(!auto(None, os("0"), "xterm", false));
    assert!(color(Color::Always, os("1"), None, None, false));
    assert!(!color(Color::Never, None, os("1"), None, true));
}

#[test]
fn the_language() {
    for (all, messages, lang, found) in [
        ("", "", "ja_JP.UTF-8", Language::Ja),
        ("", "", "ja", Language::Ja),
        ("", "ja_JP", "en_US.UTF-8", Language::Ja),
        ("", "en_US.UTF-8", "ja_JP.UTF-8", Language::En),
        ("C", "ja_JP", "ja_JP", Language::En),
        ("ja_JP@x", "C", "C", Language::Ja),
        ("", "", "", Language::En),
        ("", "", "jam_JM.UTF-8", Language::En),
    ] {
        let locale = [all, messages, lang].map(os);
        assert_eq!(language(locale), found, "{all} {messages} {lang}");
    }
    assert_eq!(language([None, None, None]), Language::En);
}
