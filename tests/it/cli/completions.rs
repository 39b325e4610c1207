//! Completions, asked for in the real shells, and the manual pages, set by the real formatter.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use clap::CommandFactory as _;
use probe::cli::Cli;

use super::ground::Ground;

/// What is typed behind `probe `, its last word unfinished, and the one word that may be meant.
const TYPED: &[(&str, &str)] = &[
    ("stat", "status"),
    ("compl", "completions"),
    ("once --dr", "--dry-run"),
    ("history --js", "--json"),
    ("--state-d", "--state-dir"),
    ("pause --reas", "--reason"),
    ("completions z", "zsh"),
    ("once --color nev", "never"),
];

/// The script for a shell, in a file.
fn script(ground: &Ground, shell: &str, file: &str) {
    let answer = ground.probe(&["completions", shell]);
    answer.expect(0, &[]);
    fs::write(ground.path(file), answer.stdout).unwrap();
}

fn commands() -> Vec<String> {
    let root = Cli::command();
    let mut names: Vec<String> = root
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.sort();
    names
}

/// Runs a program of this machine; what it said on stdout.
fn run(ground: &Ground, program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    ground.surround(&mut command);
    let output = command.args(words).env("TERM", "dumb").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: install it by apt"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words:?}: {said}");
    assert_eq!(said, "", "{program} {words:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words that stand in what a shell offered.
fn words(offered: &str) -> Vec<String> {
    let lines = offered.lines().filter(|line| !line.is_empty());
    let first = |line: &str| {
        line.split('\t')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let mut words: Vec<String> = lines.map(first).collect();
    words.sort();
    words.dedup();
    words
}

/// Asks bash, as its line editor does: by the function that is registered for `probe`.
fn in_bash(ground: &Ground, typed: &str) -> Vec<String> {
    let ask = "source probe.bash\n\
         function=$(complete -p probe | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
         COMP_WORDS=(probe $1); [[ $1 = *' ' || -z $1 ]] && COMP_WORDS+=('')\n\
         COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n\
         \"$function\" probe \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"\n\
         printf '%s\\n' \"${COMPREPLY[@]}\"";
    words(&run(
        ground,
        "bash",
        &["--norc", "--noprofile", "-c", ask, "bash", typed],
    ))
}

fn in_fish(ground: &Ground, typed: &str) -> Vec<String> {
    // An argument that begins with a dash would be fish's own.
    let ask = format!("source probe.fish; complete -C 'probe {typed}'");
    words(&run(ground, "fish", &["--no-config", "-c", &ask]))
}

/// Types into an interactive zsh on a terminal of its own, presses Tab, and reads what its completion added.
fn in_zsh(ground: &Ground, typed: &str) -> Vec<String> {
    let ask = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
await() { local line; while zpty -r shell line; do [[ $line = *$1* ]] && return; done }
zpty -w shell 'PROMPT= RPROMPT=; unset zle_bracketed_paste; unsetopt prompt_cr prompt_sp; fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u; print is-""loaded'
await is-loaded
# What is really offered: what only asks for matches has -A, -O or -D.
zpty -w shell 'compadd() { local -a hits; [[ -n ${(M)@:#-(A|O|D)} ]] || { builtin compadd -A hits "$@"; print -rl -- $hits >> offered }; builtin compadd "$@" }'
zpty -w shell 'asked() { zle complete-word; print end >> offered; BUFFER="print is-\"\"asked"; zle accept-line }; zle -N asked; bindkey "^X" asked; print is-""bound'
await is-bound
zpty -n -w shell "probe $1"$'\x18'
await is-asked
zpty -d shell
grep -vx end offered || true
"#;
    let _ = fs::remove_file(ground.path("offered"));
    words(&run(ground, "zsh", &["-f", "-c", ask, "zsh", typed]))
}

fn offers_what_can_be_written(ask: impl Fn(&str) -> Vec<String>) {
    assert_eq!(ask(""), commands());
    for (typed, wanted) in TYPED {
        assert_eq!(ask(typed), [*wanted], "{typed}");
    }
    assert!(!ask("nonsense-").contains(&"once".to_owned()));
}

#[test]
fn bash_completes_commands_options_and_values() {
    let ground = Ground::start();
    script(&ground, "bash", "probe.bash");
    offers_what_can_be_written(|typed| {
        let mut offered = in_bash(&ground, typed);
        // There it offers the options of probe itself, too.
        offered.retain(|word| !typed.is_empty() || !word.starts_with('-'));
        offered
    });
}

#[test]
fn zsh_completes_commands_options_and_values() {
    let ground = Ground::start();
    script(&ground, "zsh", "_probe");
    offers_what_can_be_written(|typed| in_zsh(&ground, typed));
}

#[test]
fn fish_completes_commands_options_and_values() {
    let ground = Ground::start();
    script(&ground, "fish", "probe.fish");
    offers_what_can_be_written(|typed| in_fish(&ground, typed));
}

#[test]
fn another_shell_is_refused_with_those_that_are_known() {
    let ground = Ground::start();
    ground
        .probe(&["completions", "csh"])
        .expect(3, &["bash, zsh, fish"]);
    ground
        .probe(&["man", "onec"])
        .expect(3, &["no command is called `onec`", "once, run, check"]);
}

/// As `man` formats it, with every warning that groff has.
fn set(page: &str, device: &str) -> (String, String) {
    let mut child = Command::new("groff")
        .args(["-ww", "-man", "-Kutf8", device, "-rLL=100n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("groff: {error}: install the package groff"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(page.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_manual_page_is_set_without_a_warning_and_names_every_option() {
    let ground = Ground::start();
    let mut root = Cli::command();
    root.build();
    let mut pages = vec![(ground.probe(&["man"]), root.clone(), "probe".to_owned())];
    for command in root.get_subcommands() {
        let name = command.get_name();
        let page = ground.probe(&["man", name]);
        pages.push((page, command.clone(), format!("probe-{name}")));
    }
    for (answer, command, title) in pages {
        answer.expect(0, &[]);
        let page = answer.stdout;
        assert!(page.contains(&format!(".TH {title} 1")), "{title}: {page}");
        let (text, warnings) = set(&page, "-Tutf8");
        assert_eq!(warnings, "", "{title}");
        let seen = plain(&text);
        assert!(seen.contains(&format!("{title} -")), "{title}: {seen}");
        for option in command.get_opts().filter_map(|option| option.get_long()) {
            assert!(seen.contains(&format!("--{option}")), "{title}: --{option}");
        }
        for sub in command.get_subcommands() {
            let wanted = format!("probe-{}(1)", sub.get_name());
            assert!(seen.contains(&wanted), "{title}: {wanted}");
        }
    }
    // And by man itself.
    fs::write(ground.path("probe.1"), ground.probe(&["man"]).stdout).unwrap();
    let file = ground.path("probe.1").display().to_string();
    let seen = run(&ground, "man", &["--warnings", "-l", &file]);
    assert!(seen.contains("restarts their web server"), "{seen}");
}

/// Without the escape sequences and overstriking of a terminal.
fn plain(text: &str) -> String {
    let escape = regex::Regex::new("\u{1b}\\[[0-9;]*m|.\u{8}").unwrap();
    let text = escape.replace_all(text, "").replace(['‐', '−'], "-");
    super::ground::flat(&text)
}
