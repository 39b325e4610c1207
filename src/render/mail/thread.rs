//! Which message is which: ids that follow from the entry alone, so that a retry has the same id and all mails of one
//! incident hang on its first one.

use crate::model::{Entry, IncidentId, fnv1a};

/// Longest part of an id that comes from a name.
const PART: usize = 120;

/// The ids of one message.
pub(super) struct Ids {
    /// Its own.
    pub(super) own: String,
    /// The first message of its incident, where this is a later one.
    pub(super) first: Option<String>,
}

/// The ids of an entry.
pub(super) fn ids(entry: &Entry) -> Ids {
    let note = &entry.notification;
    let tail = format!(
        "{:016x}@{}",
        fnv1a([entry.to.as_bytes()]),
        domain(&entry.from)
    );
    let event = note.event.word();
    match &note.incident {
        None => Ids {
            own: format!(
                "<{event}.{}.{:03}.{tail}>",
                note.at.stamp(),
                note.at.0.rem_euclid(1000)
            ),
            first: None,
        },
        Some(incident) => {
            let incident = atom(incident);
            let first = format!("<{incident}.{tail}>");
            if note.sequence == 0 {
                Ids {
                    own: first,
                    first: None,
                }
            } else {
                Ids {
                    own: format!("<{incident}.{event}.{}.{tail}>", note.sequence),
                    first: Some(first),
                }
            }
        }
    }
}

/// The incident as a dot-atom of RFC 5322: an empty atom would make some relays rewrite the id and break the thread.
fn atom(incident: &IncidentId) -> String {
    let mut out = String::new();
    for character in incident.as_str().chars().take(PART) {
        let fits = character.is_ascii_alphanumeric()
            || matches!(character, '-' | '_')
            || (character == '.' && !out.is_empty() && !out.ends_with('.'));
        out.push(if fits { character } else { '-' });
    }
    if out.is_empty() || out.ends_with('.') {
        out.push('-');
    }
    out
}

/// The domain of the sender; ids need one that is ours.
fn domain(from: &str) -> String {
    let after = from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let domain: String = after
        .chars()
        .take(PART)
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .collect();
    let domain = domain.trim_matches('.');
    if domain.is_empty() || domain.contains("..") {
        "probe.invalid".to_owned()
    } else {
        domain.to_ascii_lowercase()
    }
}
