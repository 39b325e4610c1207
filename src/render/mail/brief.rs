//! A notification for chats and telephones: the mail's subject and sentences, one to a line, since these wrap lines themselves.
//!
//! What matters most stands first, so a text that is too long for a service loses its end: whole lines, and `…` in their place.

use crate::model::Notification;
use crate::render::words::Voice;

use super::page::{Item, Page, Tone};
use super::{story, subject, values};

/// A notification, ready to be put into a service's own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// One line.
    pub subject: String,
    /// How it looks at the first glance.
    pub tone: Tone,
    /// Lines, each whole.
    pub text: String,
}

impl Brief {
    /// The text in at most so much, by what a service counts of each character.
    #[must_use]
    pub fn within(&self, most: usize, count: impl Fn(char) -> usize) -> String {
        let counted = |text: &str| text.chars().map(&count).sum::<usize>();
        if counted(&self.text) <= most {
            return self.text.clone();
        }
        let mut kept = String::new();
        let mut left = most.saturating_sub(count('…'));
        for line in self.text.split_inclusive('\n') {
            let size = counted(line);
            if size > left {
                break;
            }
            left -= size;
            kept.push_str(line);
        }
        kept.push('…');
        kept
    }
}

/// A notification in brief.
#[must_use]
pub fn brief(voice: &Voice, note: &Notification) -> Brief {
    let values = values::values(voice, note);
    let page = story::page(voice, note, &values);
    Brief {
        subject: subject::said(voice, note, values),
        tone: page.tone,
        text: lines(&page).join("\n"),
    }
}

fn lines(page: &Page) -> Vec<String> {
    let mut lines = vec![page.headline.clone()];
    lines.extend(page.lead.iter().cloned());
    for section in &page.sections {
        lines.push(String::new());
        lines.push(section.title.clone());
        for item in &section.items {
            match item {
                Item::Prose(text) => lines.push(text.clone()),
                Item::Point(text) => lines.push(format!("- {text}")),
                Item::Quote(quoted) => lines.extend(quoted.iter().map(|line| format!("| {line}"))),
                Item::Fact { label, value } => lines.push(format!("{label}: {value}")),
                Item::Command { purpose, line } => {
                    lines.push(purpose.clone());
                    lines.push(format!("    {line}"));
                }
            }
        }
    }
    lines
}
