//! What must hold for any text from outside, tried on many that nobody would write.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::clock;
use super::hop::cookies::Jar;
use super::hop::redirect::{self, Hop};
use super::redact::{self, Secrets};
use crate::model::{limits, one_line};

/// A fixed number of cases from a fixed seed, and no files of proptest's own: a failure prints its input, which becomes a test.
pub(super) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(44),
        ..ProptestConfig::default()
    }
}

/// Any text, with a liking for what is dangerous in one.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        "[<>/a-z!\"'= -]{0,60}",
        Just("\u{202e}\u{1b}[2J\r\n\0\u{200b}\u{85}\u{2028}…".to_owned()),
        Just("<style>".to_owned()),
        Just("</script".to_owned()),
        Just("重大なエラー".to_owned()),
        Just("x".repeat(400)),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

pub(super) fn assert_clean(line: &str) {
    assert!(line.chars().count() <= limits::DETAIL_CHARS, "{line:?}");
    assert!(!line.chars().any(char::is_control), "{line:?}");
    let bidi = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!line.chars().any(bidi), "{line:?}");
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn cleaning_is_done_once_and_for_all(text in hostile()) {
        let line = one_line(&text, limits::DETAIL_CHARS);
        assert_clean(&line);
        prop_assert_eq!(one_line(&line, limits::DETAIL_CHARS), line);
    }

    #[test]
    fn no_secret_survives(
        password in "[A-Za-z0-9 .]{6,24}",
        token in "[A-Za-z0-9]{6,24}",
        before in hostile(),
        between in "[\\s\u{200b}]{0,3}",
        after in hostile(),
    ) {
        let mut url = Url::parse("https://shop.example/").unwrap();
        url.set_username("somebody").unwrap();
        url.set_password(Some(&password)).unwrap();
        url.query_pairs_mut().append_pair("token", &token);
        let secrets = Secrets::of(&url, &HeaderMap::new());
        // White space may stand where the secret has a space: cleaning makes one of it.
        let torn = password.trim().replace(' ', &format!(" {between}"));
        let kept = one_line(&password, limits::DETAIL_CHARS);
        let told = secrets.redact(&format!("{before} {password} {token}{after} {torn} {}", &token[..token.len() - 1]));
        assert_clean(&told);
        prop_assert!(kept.len() < 3 || !told.contains(&kept), "{}", told);
        prop_assert!(!told.contains(&token), "{}", told);
        prop_assert!(!told.contains("somebody"), "{}", told);
        let cut: String = format!("the body begins: {}", &token[..6]) + "…";
        prop_assert!(token.len() == 6 || !secrets.redact(&cut).contains(&token[..6]), "{}", cut);
    }

    #[test]
    fn a_location_leads_only_where_it_may(
        location in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            hostile().prop_map(String::into_bytes),
            "(https?|ftp|file|javascript|data|HTTP|)(:|:/|://|)[a-z0-9@:%./\\\\\\[\\]?#]{0,40}".prop_map(String::into_bytes),
            "//[a-z]{1,5}:[a-z]{1,5}@[a-z.]{1,12}/.*".prop_map(String::into_bytes),
        ],
        secure in any::<bool>(),
        status in prop::sample::select(vec![200u16, 300, 301, 302, 303, 304, 307, 308]),
    ) {
        let Ok(value) = HeaderValue::from_bytes(&location) else {
            return Ok(());
        };
        let scheme = if secure { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://user:hunter22@shop.example/a/b?c=d")).unwrap();
        let mut own = HeaderMap::new();
        own.insert(header::COOKIE, HeaderValue::from_static("session=1"));
        let hop = Hop { url: url.clone(), method: Method::GET, headers: own, body: None, cookies: None };
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, value);
        let status = StatusCode::from_u16(status).unwrap();
        match redirect::next(&hop, status, &headers, 5, &[], &mut Jar::default()) {
            Ok(Some(next)) => {
                prop_assert!(matches!(next.url.scheme(), "http" | "https"), "{}", next.url);
                prop_assert!(next.url.host_str().is_some());
                prop_assert!(!secure || next.url.scheme() == "https", "downgrade to {}", next.url);
                prop_assert!(next.url != url, "a circle");
                let at_home = next.url.origin() == url.origin();
                prop_assert_eq!(next.url.username(), if at_home { "user" } else { "" });
                prop_assert_eq!(next.url.password(), at_home.then_some("hunter22"));
                prop_assert_eq!(next.headers.contains_key(header::COOKIE), at_home);
                let shown = redact::shown_foreign(&next.url);
                prop_assert!(!shown.contains("hunter22"), "{}", shown);
            }
            Ok(None) => prop_assert!(matches!(status.as_u16(), 200 | 300 | 304)),
            Err(fault) => {
                prop_assert_eq!(fault.cause, crate::model::Cause::Redirect);
                assert_clean(&Secrets::default().redact(&fault.finding.to_string()));
            }
        }
    }

    #[test]
    fn a_retry_after_asks_for_a_bounded_wait(
        value in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "-?[0-9]{0,30}(\\.[0-9]+)?".prop_map(String::into_bytes),
            "(Mon|Tue|Xyz), [0-9]{1,3} (Jan|Feb|Nov) [0-9]{1,6} [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2} (GMT|-9999)".prop_map(String::into_bytes),
        ],
        date in prop_oneof![Just("Sun, 22 Nov 2026 06:00:00 GMT".to_owned()), "[ -~]{0,30}"],
    ) {
        let mut headers = HeaderMap::new();
        let Ok(value) = HeaderValue::from_bytes(&value) else {
            return Ok(());
        };
        headers.insert(header::RETRY_AFTER, value);
        headers.insert(header::DATE, HeaderValue::from_str(&date).unwrap());
        if let Some(wait) = clock::retry_after(&headers) {
            prop_assert!(!wait.is_zero() && wait <= limits::RETRY_AFTER, "{:?}", wait);
        }
    }
}
