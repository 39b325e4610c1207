//! A page as HTML: one column, readable on a phone, in light and dark, without scripts or anything loaded. A
//! picture travels with the mail; it has no ground of its own, and its words stand in its place where it is not shown.
//!
//! Styles stand inline, because some readers drop style sheets; the sheet in the head only adds the dark colours, with
//! `!important` where they must win over the inline ones.

use crate::render::text::escape;
use unicode_width::UnicodeWidthStr as _;

use crate::model::Language;

use super::figure::Figure;
use super::page::{Item, Page, Tone};

const SHEET: &str = "\
@media (prefers-color-scheme: dark) {
.p-back { background: #15181c !important; }
.p-card { background: #1f242a !important; border-left-color: #38404a !important;
  border-right-color: #38404a !important; border-bottom-color: #38404a !important; }
.p-text { color: #e6e9ed !important; }
.p-soft { color: #a3adb8 !important; }
.p-code { background: #12151a !important; color: #e6e9ed !important; border-color: #38404a !important; }
.p-frame { border-color: #38404a !important; }
";

const MONO: &str = "font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;\
overflow-wrap:anywhere;";

/// The colour of the bar, readable on white and on the dark card.
const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "#d13438",
        Tone::Warn => "#a85f00",
        Tone::Good => "#1f883d",
        Tone::Calm => "#4a6fa5",
    }
}

/// The document.
pub(super) fn write(title: &str, page: &Page, figure: Option<&Figure>) -> String {
    let marks = figure.map_or_else(String::new, dark_marks);
    let mut out = head(title, page.language, &marks);
    let bar = colour(page.tone);
    out.push_str(&format!(
        "<div class=\"p-card\" style=\"max-width:640px;margin:0 auto;background:#ffffff;border:1px solid #d8dee4;\
         border-top:6px solid {bar};border-radius:8px;padding:18px 20px;\">\n\
         {}<h1 class=\"p-text\" style=\"margin:0 0 10px;font-size:20px;line-height:1.35;color:#1c2127;\
         overflow-wrap:anywhere;\">{}</h1>\n",
        badge(title, bar),
        escape(&page.headline)
    ));
    for sentence in &page.lead {
        out.push_str(&paragraph(sentence));
    }
    let mut figure = figure;
    for section in &page.sections {
        out.push_str(&format!(
            "<h2 class=\"p-soft\" style=\"margin:20px 0 8px;font-size:13px;text-transform:uppercase;\
             letter-spacing:0.04em;color:#57606a;\">{}</h2>\n",
            escape(&section.title)
        ));
        out.push_str(&items(&section.items));
        // Below what the reader can do.
        out.push_str(&figure.take().map_or_else(String::new, illustration));
    }
    out.push_str("</div>\n");
    out.push_str(&format!(
        "<p class=\"p-soft\" style=\"max-width:640px;margin:12px auto 0;padding:0 4px;font-size:12px;color:#57606a;\
         overflow-wrap:anywhere;\">{}</p>\n</body>\n</html>\n",
        escape(&page.footer)
    ));
    out
}

fn head(title: &str, language: Language, marks: &str) -> String {
    let word = language.word();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{word}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <title>{}</title>\n<style>\n{SHEET}{marks}}}\n</style>\n</head>\n\
         <body class=\"p-back\" style=\"margin:0;padding:14px 10px;background:#f3f5f7;\
         font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Noto Sans JP',sans-serif;\
         font-size:15px;line-height:1.5;\">\n",
        escape(title)
    )
}

/// The subject's word in brackets, white on the colour of the bar.
fn badge(subject: &str, colour: &str) -> String {
    let word = subject
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or("", |(word, _)| word);
    if word.is_empty() {
        return String::new();
    }
    format!(
        "<span style=\"display:inline-block;margin:0 0 8px;padding:2px 9px;border-radius:4px;background:{colour};\
         color:#ffffff;font-size:12px;font-weight:700;letter-spacing:0.05em;\">{}</span>\n",
        escape(word)
    )
}

fn paragraph(text: &str) -> String {
    format!(
        "<p class=\"p-text\" style=\"margin:0 0 10px;color:#1c2127;overflow-wrap:anywhere;\">{}</p>\n",
        prose(text)
    )
}

/// A picture, what it comes to and what its colours mean.
fn illustration(figure: &Figure) -> String {
    let sum = escape(&figure.sum);
    let marks = figure.legend.iter().enumerate();
    let marks = marks.map(|(place, ([light, _], words))| {
        format!(
            "<span style=\"white-space:nowrap;\"><span class=\"p-mark{place}\" style=\"display:inline-block;width:10px;\
             height:10px;margin-right:5px;border:1px solid #8c959f;border-radius:2px;background:{light};\"></span>{}</span>",
            escape(words)
        )
    });
    let marks: Vec<String> = marks.collect();
    format!(
        "<p class=\"p-text\" style=\"margin:14px 0 6px;font-size:14px;color:#1c2127;\">{sum}</p>\n\
         <div class=\"p-frame\" style=\"margin:0 0 6px;border:1px solid #d8dee4;border-radius:6px;overflow:hidden;\">\n\
         <img class=\"p-text\" src=\"cid:{}\" width=\"600\" alt=\"{sum}\" style=\"display:block;width:100%;max-width:600px;\
         height:auto;margin:0 auto;border:0;color:#1c2127;font-size:13px;\">\n</div>\n\
         <p class=\"p-soft\" style=\"margin:0 0 10px;font-size:12px;line-height:1.7;color:#57606a;\">{}</p>\n",
        escape(&figure.id),
        marks.join(" &nbsp; ")
    )
}

/// The dark colours of the marks beside a picture.
fn dark_marks(figure: &Figure) -> String {
    let marks = figure.legend.iter().enumerate();
    let marks = marks.filter(|(_, ([light, dark], _))| light != dark);
    marks
        .map(|(place, ([_, dark], _))| {
            format!(".p-mark{place} {{ background: {dark} !important; }}\n")
        })
        .collect()
}

/// What surrounds items that stand together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    List,
    Table,
}

impl Around {
    const fn of(item: &Item) -> Self {
        match item {
            Item::Point(_) => Self::List,
            Item::Fact { .. } => Self::Table,
            Item::Prose(_) | Item::Quote(_) | Item::Command { .. } => Self::Nothing,
        }
    }

    const fn begin(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::List => {
                "<ul class=\"p-text\" style=\"margin:0 0 10px;padding-left:20px;color:#1c2127;\">\n"
            }
            Self::Table => {
                "<table role=\"presentation\" style=\"margin:0 0 10px;border-collapse:collapse;\">\n"
            }
        }
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::List => "</ul>\n",
            Self::Table => "</table>\n",
        }
    }
}

fn items(items: &[Item]) -> String {
    let mut out = String::new();
    let mut around = Around::Nothing;
    for item in items {
        let next = Around::of(item);
        if next != around {
            out.push_str(around.end());
            out.push_str(next.begin());
            around = next;
        }
        out.push_str(&one(item));
    }
    out.push_str(around.end());
    out
}

fn one(item: &Item) -> String {
    match item {
        Item::Prose(text) => paragraph(text),
        Item::Point(text) => format!(
            "<li style=\"margin:0 0 4px;overflow-wrap:anywhere;\">{}</li>\n",
            prose(text)
        ),
        Item::Quote(lines) => code(&lines.join("\n")),
        Item::Fact { label, value } => fact(label, value),
        Item::Command { purpose, line } => format!(
            "<p class=\"p-soft\" style=\"margin:0 0 3px;font-size:14px;color:#57606a;\">{}</p>\n{}",
            prose(purpose),
            code(line)
        ),
    }
}

/// A row; a label that is short is not broken.
fn fact(label: &str, value: &str) -> String {
    const SHORT: usize = 16;
    let wrap = match label.width() <= SHORT {
        true => "white-space:nowrap;",
        false => "",
    };
    format!(
        "<tr><td class=\"p-soft\" style=\"padding:0 12px 4px 0;vertical-align:top;color:#57606a;{wrap}\">{}</td>\
         <td class=\"p-text\" style=\"padding:0 0 4px;vertical-align:top;color:#1c2127;overflow-wrap:anywhere;\">{}</td></tr>\n",
        escape(label),
        prose(value)
    )
}

fn code(text: &str) -> String {
    format!(
        "<pre class=\"p-code\" style=\"margin:0 0 10px;padding:8px 10px;background:#f3f5f7;color:#1c2127;\
         border:1px solid #d8dee4;border-radius:6px;{MONO}\">{}</pre>\n",
        escape(text)
    )
}

/// A sentence; what stands between backticks is set as code.
fn prose(text: &str) -> String {
    if text.matches('`').count() % 2 == 1 {
        return escape(text);
    }
    let mut out = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            out.push_str(&format!(
                "<code style=\"font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:0.92em;\">\
                 {}</code>",
                escape(part)
            ));
        } else {
            out.push_str(&escape(part));
        }
    }
    out
}
