//! Texts that are looked for in every page, all found in one pass over it: a page is read once however many there are.

use regex::Regex;

/// Texts that are looked for. None is the beginning of another, and none ends as another begins, so that each is found.
pub(super) struct Search {
    texts: Vec<&'static str>,
    any: Option<Regex>,
}

impl Search {
    pub(super) fn of(texts: impl Iterator<Item = &'static str>) -> Self {
        let texts: Vec<&str> = texts.collect();
        let escaped: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
        // Literals alone: searched for with vector instructions.
        let any = Regex::new(&escaped.join("|")).ok();
        Self { texts, any }
    }

    /// Which of them stand in a page.
    pub(super) fn found_in(&self, page: &str) -> Signs {
        let mut found = Vec::new();
        for hit in self.any.iter().flat_map(|any| any.find_iter(page)) {
            let sign = self.texts.iter().find(|sign| **sign == hit.as_str());
            found.extend(sign.filter(|sign| !found.contains(*sign)));
        }
        Signs(found)
    }
}

/// Those that stand in a page.
#[derive(Debug, Default)]
pub(super) struct Signs(Vec<&'static str>);

impl Signs {
    pub(super) fn has(&self, sign: &str) -> bool {
        self.0.contains(&sign)
    }
}

#[cfg(test)]
mod tests {
    use crate::adapters::http::judge::SIGNS;

    #[test]
    fn each_is_found_alone_and_among_all() {
        let all = &SIGNS.texts;
        assert_eq!(SIGNS.found_in(&all.concat()).0.len(), all.len());
        for sign in all {
            let page = format!("<html>{sign}{sign}</html>");
            assert_eq!(SIGNS.found_in(&page).0, [*sign]);
            let cut: String = sign.chars().skip(1).collect();
            assert!(!SIGNS.found_in(&cut).has(sign), "{sign}");
        }
        let page = "<html><title>Shop</title>";
        assert!(SIGNS.found_in(page).0.is_empty());
    }
}
