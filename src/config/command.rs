//! `alerts.command`: the program that gets each event as a document on its standard input.
//!
//! A list is the program and its arguments, handed over as they are: no shell takes part. The program is named by its
//! whole path, because under cron and systemd it would be looked for elsewhere than at the prompt, and must be there.

use std::path::{Path, PathBuf};

use crate::model::Named;

use super::fault::{Fault, Report};
use super::keys::WORDS;
use super::tree::{Kind, Node};
use super::value::{Found, texts};
use super::yaml::Out;

/// Bytes of one word.
const WORD_BYTES: usize = 4096;

const LIKE: &str =
    "write the program's whole path and its arguments, like `[/usr/local/bin/notify, --team, web]`";

/// Reads the command.
pub(super) fn read(node: &Node, report: &mut Report) -> Option<Vec<String>> {
    let words = texts(node, report)?;
    let count = match &node.kind {
        Kind::List(items) => items.len(),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Text(_)
        | Kind::Map(_) => 1,
    };
    if count == 0 || count > WORDS {
        let fault = Fault::new(&node.spot, format!("must be 1 to {} words", WORDS));
        report.fault(fault.act(LIKE));
        return None;
    }
    for word in &words {
        if word.value.len() > WORD_BYTES || word.value.contains('\0') {
            report.fault(Fault::new(&word.spot, "not a word of a command").act(LIKE));
        }
    }
    if let Some(program) = words.first() {
        match check_program(program) {
            Ok(path) => report.names(&program.spot, Named::Program(path)),
            Err(fault) => report.fault(fault),
        }
    }
    Some(words.into_iter().map(|word| word.value).collect())
}

fn check_program(program: &Found<String>) -> Result<PathBuf, Fault> {
    let fault = |message: String| Fault::new(&program.spot, message);
    let path = Path::new(&program.value);
    if !path.is_absolute() || program.value.chars().any(char::is_control) {
        return Err(fault("not the whole path of a program".to_owned()).act(LIKE));
    }
    Ok(path.to_owned())
}

/// The command as it is written.
pub(super) fn tree(command: &[String]) -> Out {
    Out::List(command.iter().cloned().map(Out::Text).collect())
}
