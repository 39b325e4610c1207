//! Text from outside made harmless before it stands in a mail or a log: one line, no control characters, capped.

/// One line of at most `cap` characters: control characters, line and paragraph separators and the marks that reorder
/// text become spaces, runs of white space become one space, and `…` shows that something was cut.
#[must_use]
pub fn line(text: &str, cap: usize) -> String {
    let mut out = String::with_capacity(text.len().min(cap.saturating_mul(4)));
    let mut count = 0;
    let mut gap = false;
    for character in text.chars() {
        if is_unfit(character) || character.is_whitespace() {
            gap = count > 0;
            continue;
        }
        let needed = if gap { 2 } else { 1 };
        if count + needed > cap {
            return shortened(out, count, cap);
        }
        if gap {
            out.push(' ');
            gap = false;
        }
        out.push(character);
        count += needed;
    }
    out
}

/// As [`line()`], but white space inside the line stays, as in a command's output.
#[must_use]
pub fn output_line(text: &str, cap: usize) -> String {
    let cleaned: String = text
        .trim_end()
        .chars()
        .map(|c| if is_unfit(c) { ' ' } else { c })
        .collect();
    let count = cleaned.chars().count();
    if count <= cap {
        cleaned
    } else {
        shortened(cleaned.chars().take(cap).collect(), cap, cap)
    }
}

/// A command on one line, fit to stand between backticks.
#[must_use]
pub fn command(text: &str) -> String {
    line(&text.replace('`', "'"), crate::model::limits::DETAIL_CHARS)
}

fn shortened(mut out: String, count: usize, cap: usize) -> String {
    if count >= cap {
        out.pop();
    }
    out.push('…');
    out
}

/// What a terminal or a mail reader could act on, or what could make a line read as another one.
fn is_unfit(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// At most `cap` characters with `?` in place of everything, blanks included, that is not printable ASCII.
#[must_use]
pub fn ascii(text: &str, cap: usize) -> String {
    text.chars()
        .take(cap)
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect()
}
