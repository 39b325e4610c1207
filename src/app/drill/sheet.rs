//! What a drill says: a line for each link of the chain, with a mark (`ok`, `note`, `warn`, `FAIL`), and how it went in all.

use minijinja::Value;

use crate::app::answer;
use crate::exit::Exit;
use crate::render::text::clean;
use crate::render::words::{Key, Voice};

/// The lines of a drill.
pub(super) struct Sheet<'a> {
    voice: &'a Voice,
    quiet: bool,
    exit: Exit,
}

impl<'a> Sheet<'a> {
    pub(super) const fn new(voice: &'a Voice, quiet: bool) -> Self {
        Self {
            voice,
            quiet,
            exit: Exit::Ok,
        }
    }

    pub(super) const fn voice(&self) -> &'a Voice {
        self.voice
    }

    /// Whether only what a person must act on is said.
    pub(super) const fn quiet(&self) -> bool {
        self.quiet
    }

    /// How it went so far.
    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }

    /// A link that is proven.
    pub(super) fn well(&mut self, key: Key, with: Value) {
        self.line("ok  ", Exit::Ok, key, with);
    }

    /// A remark: nothing is wrong, and something could be better or is not known.
    pub(super) fn remark(&mut self, key: Key, with: Value) {
        self.line("note", Exit::Ok, key, with);
    }

    /// A link that may fail.
    pub(super) fn doubt(&mut self, key: Key, with: Value) {
        self.line("warn", Exit::Warning, key, with);
    }

    /// A link that fails.
    pub(super) fn ill(&mut self, key: Key, with: Value) {
        self.line("FAIL", Exit::Critical, key, with);
    }

    /// Lines that belong to the one before.
    pub(super) fn beside(&self, lines: impl IntoIterator<Item = String>) {
        if !self.quiet {
            for line in lines {
                answer(&format!("       {}", clean(&line)));
            }
        }
    }

    fn line(&mut self, mark: &str, exit: Exit, key: Key, with: Value) {
        self.exit = self.exit.worst(exit);
        if !self.quiet || exit != Exit::Ok {
            let said = self.voice.say(key, with);
            answer(&format!("{mark} {}", clean(&said)));
        }
    }
}
