//! What is said of a value of another type, and of a word that is not known.

use super::fault::Fault;
use super::tree::Node;

/// `expected …, found …`.
pub(super) fn expected(node: &Node, what: &str) -> Fault {
    Fault::new(
        &node.spot,
        format!("expected {what}, found {}", node.kind.name()),
    )
}

/// The known word that `word` was probably meant to be: at most one slip in three letters.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // Longer than any word of ours; keeps the comparison cheap whatever is thrown at us.
    if word.len() > 80 {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let wanted = plain(word);
    known
        .iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), *candidate))
        .filter(|(slips, candidate)| *slips <= (candidate.len().max(3) / 3))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}
