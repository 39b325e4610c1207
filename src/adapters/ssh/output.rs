//! What is kept of a command's output: its beginning and its end, however much it prints.

use std::collections::VecDeque;

use super::clean::clean;
use crate::model::LEFT_OUT;

/// The first and the last bytes of a stream; the middle is counted and dropped.
#[derive(Debug)]
pub(super) struct Output {
    each: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

impl Output {
    /// Keeps `each` bytes of the beginning and as many of the end.
    pub(super) const fn new(each: usize) -> Self {
        Self {
            each,
            head: Vec::new(),
            tail: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Adds what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.each.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        let surplus = (self.tail.len() + rest.len()).saturating_sub(self.each);
        let from_tail = surplus.min(self.tail.len());
        self.tail.drain(..from_tail);
        self.tail.extend(&rest[surplus - from_tail..]);
        self.dropped = self.dropped.saturating_add(surplus as u64);
    }

    /// The text, cleaned, without white space at its end, with a line that says how much is missing.
    pub(super) fn text(&self) -> String {
        let end = self.tail.iter().copied();
        let text = if self.dropped == 0 {
            let whole: Vec<u8> = self.head.iter().copied().chain(end).collect();
            clean(&whole)
        } else {
            format!(
                "{}\n… {} {LEFT_OUT}\n{}",
                clean(&self.head),
                self.dropped,
                clean(&end.collect::<Vec<u8>>())
            )
        };
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_kept_whole_even_across_pieces_of_one_character() {
        let mut output = Output::new(4);
        for byte in "aé再z\n".bytes() {
            output.push(&[byte]);
        }
        assert_eq!(output.text(), "aé再z");
    }

    #[test]
    fn much_keeps_both_ends_and_counts_the_middle() {
        for step in [1, 3, 7, 100, 1000] {
            let all: Vec<u8> = (0..1000).map(|n| b'a' + (n % 26) as u8).collect();
            let mut output = Output::new(10);
            for piece in all.chunks(step) {
                output.push(piece);
                assert!(output.head.len() <= 10 && output.tail.len() <= 10);
            }
            let end: String = all[990..].iter().map(|b| *b as char).collect();
            assert_eq!(
                output.text(),
                format!("abcdefghij\n… 980 bytes left out …\n{end}")
            );
        }
    }
}
