//! What must hold for the text of any body, tried on many that nobody would write.

use proptest::prelude::*;
use reqwest::header::{self, HeaderMap, HeaderValue};

use super::charset;
use crate::adapters::http::properties::{cases, hostile};

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn any_bytes_are_text_in_any_charset(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        label in prop_oneof![
            "[ -~]{0,20}",
            prop::sample::select(vec!["Shift_JIS", "EUC-JP", "ISO-2022-JP", "UTF-16", "utf-7", "x-user-defined", "replacement", "\"utf-8"])
                .prop_map(str::to_owned),
        ],
        place in 0u8..3,
    ) {
        let mut headers = HeaderMap::new();
        let page = match place {
            0 => {
                let kind = format!("text/html; charset={label}");
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&kind).unwrap());
                bytes
            }
            1 => [format!("<meta charset={label}>").as_bytes(), &bytes].concat(),
            _ => [format!("<?xml encoding='{label}'").as_bytes(), &bytes].concat(),
        };
        let text = charset::text(&page, &headers);
        // No charset makes more than three bytes of one.
        prop_assert!(text.len() <= 3 * page.len() + 3);
    }

    #[test]
    fn text_comes_back_in_the_charset_it_went(word in "[ぁ-んァ-ンa-z0-9]{0,40}", n in 0usize..3) {
        let (label, encoding) = [
            ("Shift_JIS", encoding_rs::SHIFT_JIS),
            ("EUC-JP", encoding_rs::EUC_JP),
            ("ISO-2022-JP", encoding_rs::ISO_2022_JP),
        ][n];
        let head = format!("<meta charset={label}>");
        let (bytes, ..) = encoding.encode(&word);
        let page = [head.as_bytes(), &bytes].concat();
        prop_assert_eq!(charset::text(&page, &HeaderMap::new()), format!("{head}{word}"));
    }

    #[test]
    fn a_text_is_the_same_wherever_its_bytes_are_cut(
        mut bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..1500),
            hostile().prop_map(String::into_bytes),
            "<meta charset=(euc-jp|utf-8|x)>[ぁ-んé]{0,600}".prop_map(String::into_bytes),
        ],
        mark in prop::sample::select(vec![&b""[..], b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]),
        size in 1usize..400,
        cap in 0u64..3000,
    ) {
        bytes.splice(..0, mark.iter().copied());
        let whole = charset::text(&bytes, &HeaderMap::new());
        let mut text = charset::Text::of(&HeaderMap::new(), cap);
        bytes.chunks(size).for_each(|part| text.push(part));
        let (text, cut) = text.end();
        prop_assert!(text.len() as u64 <= cap);
        prop_assert!(whole.starts_with(&text));
        prop_assert_eq!(cut, text.len() < whole.len());
    }
}
