//! Where things are, by what is set.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use probe::cli::Color;
use probe::cli::place::{StateSurroundings, color, config, state_dir};

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
    let all = StateSurroundings {
        xdg_state_home: os("relative"),
        ..all
    };
    is(all.clone(), "/home/me/.local/state/probe");
    let fault = state_dir(None, StateSurroundings { home: None, ..all }).unwrap_err();
    assert!(fault.to_string().contains("--state-dir"), "{fault}");
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
