//! What must hold for any page, tried on many that nobody would write.

use proptest::prelude::*;

use super::{SIGNS, excerpt, wordpress};
use crate::adapters::http::properties::{assert_clean, cases, hostile};
use crate::adapters::http::redact::Secrets;

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn an_excerpt_is_a_clean_line(page in hostile(), at in any::<prop::sample::Index>(), length in 0usize..40) {
        assert_clean(&excerpt::beginning(&page));
        let places: Vec<usize> = page.char_indices().map(|(at, _)| at).chain([page.len()]).collect();
        let from = at.index(places.len());
        let to = (from + length).min(places.len() - 1);
        let around = excerpt::around(&page, &(places[from]..places[to]));
        prop_assert!(!around.chars().any(char::is_control));
        assert_clean(&Secrets::default().redact(&around));
        let _ = excerpt::visible_chars(&page);
        let _ = excerpt::element(&page, "title");
        let _ = wordpress::recognise(&page, &SIGNS.found_in(&page), true, true);
    }
}
