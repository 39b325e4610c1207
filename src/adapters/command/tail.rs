//! The last words of a program.

use std::collections::VecDeque;

use crate::model::limits;

/// The last bytes of what was printed.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<u8>);

impl Tail {
    /// More was printed.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let fits = bytes.len().saturating_sub(limits::COMMAND_OUTPUT);
        self.0.extend(bytes.get(fits..).unwrap_or_default());
        let surplus = self.0.len().saturating_sub(limits::COMMAND_OUTPUT);
        self.0.drain(..surplus);
    }

    /// As text, whatever it is.
    pub(super) fn text(self) -> String {
        String::from_utf8_lossy(&Vec::from(self.0)).into_owned()
    }
}
