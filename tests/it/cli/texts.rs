//! Text on its way to a terminal.

use probe::render::text::{clean, clean_lines, cut, pad, plural, times, width};

#[test]
fn control_sequences_are_taken_out_whole() {
    let table = [
        ("plain", "plain"),
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("\u{1b}[38;2;1;2;3mred\u{1b}[m", "red"),
        ("\u{1b}]0;title\u{7}text", "text"),
        (
            "\u{1b}]8;;https://evil/\u{1b}\\link\u{1b}]8;;\u{1b}\\",
            "link",
        ),
        ("\u{1b}Pq#0;2;0;0;0\u{1b}\\text", "text"),
        ("\u{1b}(Btext\u{1b}c", "text"),
        ("\u{9b}2Jtext", "text"),
        ("\u{9d}0;title\u{9c}text", "text"),
        ("a\tb\r\nc\nd\re", "a b c d e"),
        (
            "bell\u{7} back\u{8} del\u{7f} nul\u{0}",
            "bell back del nul",
        ),
        ("\u{202e}txt.exe\u{2066}", "txt.exe"),
        ("zero\u{200b}width\u{feff}", "zerowidth"),
        ("cut short \u{1b}", "cut short "),
        ("cut short \u{1b}[31", "cut short [31"),
        ("\u{1b}]no end\nnext line", "]no end next line"),
        ("日本語 é ✓", "日本語 é ✓"),
    ];
    for (dirty, wanted) in table {
        assert_eq!(clean(dirty), wanted, "{dirty:?}");
    }
}

#[test]
fn lines_are_cleaned_and_empty_ones_left_out() {
    let lines: Vec<String> = clean_lines("one  \n\n\u{1b}[31m\u{1b}[0m\n  two\r\n").collect();
    assert_eq!(lines, ["one", "  two"]);
}

#[test]
fn width_is_what_is_seen() {
    assert_eq!(width("店"), 2);
    assert_eq!(pad("店", 5), "店   ");
    assert_eq!(pad("longer", 3), "longer");
    assert_eq!(cut("short", 5), "short");
    assert_eq!(cut("longer", 5), "long…");
    assert_eq!(cut("日本語日本語", 7), "日本語…");
    assert_eq!(cut("日本語日本語", 8), "日本語…");
    assert_eq!(cut("ab", 0), "");
    for columns in 0..14 {
        assert!(width(&cut("a日本語b日本語", columns)) <= columns);
    }
}

#[test]
fn counting() {
    assert_eq!(plural(1, "mail"), "1 mail");
    assert_eq!(plural(0, "mail"), "0 mails");
    assert_eq!(
        [times(1), times(2), times(3)].join(", "),
        "once, twice, 3 times"
    );
}
