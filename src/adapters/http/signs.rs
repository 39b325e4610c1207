//! Texts that are looked for in every page, all found in one pass over it: a page is read once however many there are.

use std::sync::LazyLock;

use regex::Regex;

use super::seen::Signs;
use super::{layer, wordpress};

/// All of them. None is the beginning of another, and none ends as another begins, so that each is found.
fn all() -> impl Iterator<Item = &'static str> {
    let sentences = wordpress::SENTENCES.iter().map(|(sentence, _)| *sentence);
    let welcomes = layer::WELCOMES.iter().map(|(sign, _)| *sign);
    sentences.chain(layer::OWN_PAGES).chain(welcomes)
}

/// Literals alone: searched for with vector instructions.
static ANY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let escaped: Vec<String> = all().map(regex::escape).collect();
    Regex::new(&escaped.join("|")).ok()
});

/// Which of them stand in a page.
pub(super) fn of(page: &str) -> Signs {
    let mut found = Vec::new();
    for hit in ANY.iter().flat_map(|any| any.find_iter(page)) {
        let sign = all().find(|sign| *sign == hit.as_str());
        found.extend(sign.filter(|sign| !found.contains(sign)));
    }
    Signs(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_alone_and_among_all() {
        let together = all().collect::<Vec<_>>().concat();
        assert_eq!(of(&together).0.len(), all().count());
        for sign in all() {
            let page = format!("<html>{sign}{sign}</html>");
            assert_eq!(of(&page).0, [sign]);
            let cut: String = sign.chars().skip(1).collect();
            assert!(!of(&cut).has(sign), "{sign}");
        }
        assert!(of("<html><title>Shop</title>").0.is_empty());
    }
}
