//! What is made from the description of the command line: completions for shells, and manual pages. Nothing of them is written by hand, so
//! that no option can be missing there.
//!
//! `probe(1)` has what holds for every command, and each command has a page of its own, `probe-once(1)`.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap::builder::PossibleValue;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::{Cli, Shell};

/// There is no such command, so no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no command is called `{0}`; there are: {commands}", commands = commands().join(", "))]
pub struct NoPage(String);

/// The script by which a shell completes what is typed behind `probe`.
#[must_use]
pub fn completions(shell: Shell) -> String {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "probe", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if shell == clap_complete::Shell::Fish {
        script.push_str(&values_in_fish());
    }
    script
}

/// What may stand in the place of an argument without a name: clap_complete says it to bash and zsh only.
fn values_in_fish() -> String {
    let root = Cli::command();
    let mut lines = String::new();
    for command in root.get_subcommands() {
        for argument in command.get_positionals() {
            let values = argument.get_possible_values();
            let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
            if !values.is_empty() {
                lines.push_str(&format!(
                    "complete -c probe -n \"__fish_probe_using_subcommand {}\" -f -a \"{}\"\n",
                    command.get_name(),
                    values.join(" ")
                ));
            }
        }
    }
    lines
}

/// The manual page of the program, or of one of its commands, as roff.
///
/// # Errors
/// When there is no such command.
pub fn manual(command: Option<&str>) -> Result<String, NoPage> {
    let mut root = Cli::command();
    root.build();
    let described = match command {
        None => root,
        Some(name) => {
            let found = root.find_subcommand(name).cloned();
            found.ok_or_else(|| NoPage(name.to_owned()))?
        }
    };
    let notes = described.get_after_help().map(ToString::to_string);
    let has_commands = described.has_subcommands();
    let page = Man::new(described).source(format!("probe {}", env!("CARGO_PKG_VERSION")));
    let mut roff = Vec::new();
    // Writing into memory does not fail.
    let _ = page.render_title(&mut roff);
    let _ = page.render_name_section(&mut roff);
    let _ = page.render_synopsis_section(&mut roff);
    let _ = page.render_description_section(&mut roff);
    let _ = page.render_options_section(&mut roff);
    if has_commands {
        let _ = page.render_subcommands_section(&mut roff);
    }
    let _ = roff.write_all(
        notes
            .map(|text| section(&text))
            .unwrap_or_default()
            .as_bytes(),
    );
    Ok(String::from_utf8_lossy(&roff).into_owned())
}

/// What stands below the options in `--help`. Lines that are set in from the margin are a table and keep their columns, which
/// clap_mangen would fill up into sentences.
fn section(text: &str) -> String {
    let mut page = Roff::new();
    page.control("SH", ["NOTES"]);
    let mut in_table = false;
    for line in text.lines() {
        let is_row = line.starts_with("  ");
        if is_row != in_table {
            page.control(if is_row { "nf" } else { "fi" }, []);
            in_table = is_row;
        }
        if line.is_empty() {
            page.control("PP", []);
        } else {
            page.text([roman(line)]);
        }
    }
    if in_table {
        page.control("fi", []);
    }
    page.render()
}

fn commands() -> Vec<String> {
    let root = Cli::command();
    root.get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect()
}
