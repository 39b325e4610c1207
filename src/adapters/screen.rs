//! A terminal as a screen: drawn in place, with keys that are felt at once, and left as it was found.
//!
//! It draws on the terminal's second screen, so what stood there before is there again afterwards, also after a panic or a signal that the
//! program hears. Ctrl-C stays a signal; Ctrl-Z does nothing, because a stopped program could not give the terminal back. Lines that are too
//! long are cut by the terminal.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use tokio::sync::mpsc;

/// The second screen, no cursor, long lines cut.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";

/// The reverse, in reverse.
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// While a screen has the terminal: how its keys were set before, if it has any. There is one terminal, so there is one of these.
static TAKEN: Mutex<Option<Option<Termios>>> = Mutex::new(None);

/// What a person pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// `q`.
    Quit,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the top.
    Top,
}

/// The screen; dropped, the terminal is as it was.
#[derive(Debug)]
pub struct Screen {
    /// What a thread hears that waits for keys; it ends with the program, because a terminal's read cannot be taken back.
    keys: Option<mpsc::Receiver<Vec<Key>>>,
}

impl Screen {
    /// Takes the terminal. Without one on standard input there are no keys.
    ///
    /// # Errors
    /// When standard output is no terminal, or does not take what is written.
    pub fn enter() -> io::Result<Self> {
        tcgetwinsize(io::stdout())?;
        let before = if io::stdin().is_terminal() {
            Some(tcgetattr(io::stdin())?)
        } else {
            None
        };
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(before.clone());
        // From here on it is given back, whatever fails.
        let screen = Self {
            keys: before.is_some().then(listen),
        };
        if let Some(mut set) = before {
            set.local_modes
                .remove(LocalModes::ICANON | LocalModes::ECHO);
            // No character stands for it.
            set.special_codes[SpecialCodeIndex::VSUSP] = 0;
            tcsetattr(io::stdin(), OptionalActions::Flush, &set)?;
        }
        write(ENTER)?;
        Ok(screen)
    }

    /// Columns and lines, as they are now.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let size = tcgetwinsize(io::stdout());
        let (columns, lines) = size.map_or((0, 0), |size| (size.ws_col, size.ws_row));
        // A terminal that does not know its size is one of the smallest that were built.
        let or = |given: u16, usual| {
            if given == 0 {
                usual
            } else {
                usize::from(given)
            }
        };
        (or(columns, 80), or(lines, 24))
    }

    /// Shows these lines in place of those before.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn draw(&self, lines: &[String]) -> io::Result<()> {
        // Each line is wiped before it is written: behind a line that fills its row the cursor still stands on the last character.
        let mut text = "\u{1b}[H".to_owned();
        for (at, line) in lines.iter().enumerate() {
            let begin = if at == 0 {
                "\u{1b}[2K"
            } else {
                "\r\n\u{1b}[2K"
            };
            text.push_str(begin);
            text.push_str(line);
        }
        if lines.len() < self.size().1 {
            text.push_str("\r\n\u{1b}[J");
        }
        write(&text)
    }

    /// Waits for keys; for ever where nobody can press one. May be dropped and called again.
    pub async fn keys(&mut self) -> Vec<Key> {
        let heard = match &mut self.keys {
            Some(keys) => keys.recv().await,
            None => None,
        };
        match heard {
            Some(keys) => keys,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back, if a screen has it; else it does nothing.
pub fn leave() {
    // `try_lock`: a panic may come while it is held.
    let taken = TAKEN.try_lock().ok().and_then(|mut taken| taken.take());
    if let Some(before) = taken {
        // A terminal that has gone needs nothing back.
        let _ = before.map(|before| tcsetattr(io::stdin(), OptionalActions::Flush, &before));
        let _ = write(LEAVE);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Begins to wait for keys.
fn listen() -> mpsc::Receiver<Vec<Key>> {
    let (say, hear) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut typed = [0; 64];
        while let Ok(count @ 1..) = io::stdin().read(&mut typed) {
            if say
                .blocking_send(keys(typed.get(..count).unwrap_or_default()))
                .is_err()
            {
                return;
            }
        }
    });
    hear
}

/// What was pressed; a key of several bytes comes in one read.
fn keys(typed: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = typed;
    while let Some(first) = rest.first() {
        let known: [(&[u8], Key); 12] = [
            (b"q", Key::Quit),
            (b"Q", Key::Quit),
            (b"k", Key::Up),
            (b"\x1b[A", Key::Up),
            (b"\x1bOA", Key::Up),
            (b"j", Key::Down),
            (b"\x1b[B", Key::Down),
            (b"\x1bOB", Key::Down),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6~", Key::PageDown),
            (b" ", Key::PageDown),
            (b"g", Key::Top),
        ];
        match known.iter().find(|(bytes, _)| rest.starts_with(bytes)) {
            Some((bytes, key)) => {
                keys.push(*key);
                rest = rest.get(bytes.len()..).unwrap_or_default();
            }
            // The rest of a key that means nothing here is no key either.
            None if *first == 0x1b => break,
            None => rest = rest.get(1..).unwrap_or_default(),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_byte_and_of_several() {
        for (typed, wanted) in [
            (&b"q"[..], &[Key::Quit][..]),
            (b"jjk", &[Key::Down, Key::Down, Key::Up]),
            (b"\x1b[A\x1b[6~", &[Key::Up, Key::PageDown]),
            // F5, which has a `q` nowhere, and Alt-q: neither ends it.
            (b"\x1b[15~", &[]),
            (b"\x1bq", &[]),
            (b"xyz\xff", &[]),
        ] {
            assert_eq!(keys(typed), wanted, "{typed:?}");
        }
    }
}
