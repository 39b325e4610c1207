//! Command lines, what they mean and how the wrong ones end.

use std::time::Duration;

use clap::error::ErrorKind;
use probe::cli::{Cli, Color, Command, LogForm, SpanError, Subject, exit_of, span, understand};
use probe::exit::Exit;
use probe::model::Target;

fn read(line: &str) -> Result<Cli, clap::Error> {
    understand(std::iter::once("probe").chain(line.split_whitespace()))
}

fn fault(line: &str) -> (Exit, String) {
    let fault = read(line).expect_err(line);
    (exit_of(&fault), fault.to_string())
}

#[test]
fn what_is_understood() {
    for line in [
        "once",
        "once shop blog --dry-run --json --max-time 90s",
        "once -n https://www.example.com/",
        "once http://user:secret@127.0.0.1:8080/ https://[::1]/",
        "once --timeout 2s --address ::1 --header X-A:b --header C:d https://a.example/",
        "run",
        "check --effective --json",
        "status",
        "status shop --json",
        "pause all",
        "pause web1 --for 2h30m --reason deploy",
        "resume web1",
        "drill --mail",
        "version --json",
        "-c probes.yaml once",
        "once -c probes.yaml",
        "once --state-dir /tmp/x --color never --log json -vv --lang en",
        "--color always --log text -q run",
    ] {
        assert!(read(line).is_ok(), "{line}: {}", read(line).unwrap_err());
    }
}

#[test]
fn global_options_before_and_after() {
    for line in [
        "-c a.yaml --state-dir s --color never --log json -v -v once",
        "once -c a.yaml --state-dir s --color never --log json -vv",
    ] {
        let global = read(line).unwrap().global;
        assert_eq!(global.config.as_deref(), Some("a.yaml".as_ref()));
        assert_eq!(global.state_dir.as_deref(), Some("s".as_ref()));
        assert_eq!((global.color, global.log), (Color::Never, LogForm::Json));
        assert_eq!((global.verbose, global.quiet), (2, false));
    }
}

#[test]
fn names_and_urls() {
    let subject = |line: &str| {
        let Command::Once(once) = read(line).unwrap().command else {
            panic!("not once");
        };
        (once.subject, once.max_time)
    };
    let five = Duration::from_secs(300);
    assert_eq!(subject("once"), (Subject::Due, five));
    let (Subject::Profiles(names), _) = subject("once shop blog.example.com") else {
        panic!("not names");
    };
    assert_eq!(
        names.iter().map(|n| n.as_str()).collect::<Vec<_>>(),
        ["shop", "blog.example.com"]
    );
    let (Subject::Urls(urls), _) = subject("once http://a.example/x https://b.example") else {
        panic!("not URLs");
    };
    assert_eq!(
        urls.iter().map(|u| u.as_str()).collect::<Vec<_>>(),
        ["http://a.example/x", "https://b.example/"]
    );
}

#[test]
fn pauses() {
    let Command::Pause(pause) = read("pause all --for 90m").unwrap().command else {
        panic!("not a pause");
    };
    assert_eq!(
        (pause.target, pause.span),
        (Target::All, Some(Duration::from_secs(5400)))
    );
    let Command::Resume(resume) = read("resume web1").unwrap().command else {
        panic!("not a resume");
    };
    assert_eq!(resume.target, Target::Named("web1".to_owned()));
}

#[test]
fn usage_errors_end_with_3_and_say_what_to_write() {
    for (line, wanted) in [
        ("", "Usage: probe"),
        ("onec", "similar subcommand exists: 'once'"),
        ("once --jsn", "'--json'"),
        ("once --max-time 5", "a bare number; write `5m`"),
        ("once --max-time soon", "`90s`, `5m`, `2h30m`"),
        ("once shop https://shop.example.com/", "cannot be mixed"),
        ("once localhost:8080/x", "write `https://localhost:8080/x`"),
        ("once -- -x", "is not a name"),
        (
            "once ftp://example.com/",
            "begins with `http://` or `https://`",
        ),
        ("once --timeout 2s shop", "go with URLs"),
        ("once --address 192.0.2.1", "go with URLs"),
        (
            "once --address web1 https://a.example/",
            "invalid value 'web1'",
        ),
        (
            "once --header x https://a.example/",
            "write it as `Name: value`",
        ),
        ("once https://", "is not a URL"),
        ("pause", "PROFILE|HOST|all"),
        ("pause web1 --for 2", "write `2m`"),
        ("pause web/1", "is not a name"),
        ("status sh/op", "not a profile"),
        (
            "--lang ja once",
            "only `probe drill` speaks Japanese in this version; use `--lang en`",
        ),
        ("--lang fr once", "use `en` or `ja`"),
        ("--color sometimes once", "auto, always, never"),
        ("--log xml once", "text, json"),
        ("-q -v once", "cannot be used with"),
        ("run extra", "unexpected argument"),
    ] {
        let (exit, text) = fault(line);
        assert_eq!(exit, Exit::Unknown, "{line}");
        assert!(text.contains(wanted), "`{line}`: no `{wanted}` in: {text}");
    }
}

#[test]
fn a_password_in_a_url_is_not_repeated() {
    for line in [
        "once ftp://me:secret@example.com/",
        "once https://me:secret@exa mple.com:99999999/",
        "once https://me:secret@:9/",
    ] {
        let (_, text) = fault(line);
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn help_and_version_end_with_0() {
    for (line, kind) in [
        ("--help", ErrorKind::DisplayHelp),
        ("-h", ErrorKind::DisplayHelp),
        ("once --help", ErrorKind::DisplayHelp),
        ("pause -h", ErrorKind::DisplayHelp),
        ("--version", ErrorKind::DisplayVersion),
    ] {
        let answer = read(line).expect_err(line);
        assert_eq!(answer.kind(), kind, "{line}");
        assert_eq!(exit_of(&answer), Exit::Ok, "{line}");
        assert!(!answer.use_stderr(), "{line}");
    }
    for line in ["--help", "-h", "once --help", "status --help"] {
        let (_, text) = fault(line);
        assert!(text.contains("Exit codes"), "{line}: {text}");
        assert!(text.contains("3  could not tell"), "{line}: {text}");
    }
    assert_eq!(
        fault("--version").1,
        format!("probe {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn spans() {
    for (text, wanted) in [
        ("500ms", 500),
        ("90s", 90_000),
        ("5m", 300_000),
        ("2h30m", 9_000_000),
        ("1d12h", 129_600_000),
        ("1h0m1s5ms", 3_601_005),
    ] {
        assert_eq!(span(text), Ok(Duration::from_millis(wanted)), "{text}");
    }
    for (text, wanted) in [
        ("5", SpanError::Bare(5)),
        ("0", SpanError::Bare(1)),
        ("0s", SpanError::Zero),
        ("", SpanError::Malformed),
        ("s", SpanError::Malformed),
        ("5m5m", SpanError::Malformed),
        ("30m2h", SpanError::Malformed),
        ("5 m", SpanError::Malformed),
        ("-5m", SpanError::Malformed),
        ("1.5h", SpanError::Malformed),
        ("5w", SpanError::Malformed),
        ("5m3", SpanError::Malformed),
        ("99999999999999999999d", SpanError::Malformed),
        ("40000d", SpanError::Malformed),
    ] {
        assert_eq!(span(text), Err(wanted), "{text}");
    }
}

#[test]
fn the_definition_is_sound() {
    use clap::CommandFactory as _;
    Cli::command().debug_assert();
}
