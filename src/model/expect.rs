//! What a response must look like. Pure: the prober hands in what it saw and gets back what is not met.
//!
//! The expectations are tried in this order: `status`, `header`, `min_size`, `not_contains`, `contains`, `matches`,
//! `json`. The first one that is not met is reported: which it is, what was there instead, and which part of the body
//! to quote. `addresses` is checked where the connection is made, not here.

use std::net::IpAddr;

use serde_json::Value;

use super::{Cause, Finding, Quoted, pointer};

/// Statuses from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRange {
    /// First.
    pub low: u16,
    /// Last.
    pub high: u16,
}

/// The expectations of a profile.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Acceptable statuses of the last response.
    pub status: Vec<StatusRange>,
    /// Each must be in the decoded text.
    pub contains: Vec<String>,
    /// None may be in the decoded text.
    pub not_contains: Vec<String>,
    /// Must match the decoded text.
    pub matches: Option<regex::Regex>,
    /// Header (lower case) and the value it must have, exactly.
    pub header: Vec<(String, String)>,
    /// JSON Pointer (RFC 6901) and the value that must stand there.
    pub json: Vec<(String, serde_json::Value)>,
    /// Least decoded bytes of the body; 0: any.
    pub min_size: u64,
    /// The address that was asked must be one of these; empty: any.
    pub addresses: Vec<IpAddr>,
}

/// What was seen of a response.
#[derive(Debug, Clone, Copy)]
pub struct ResponseSeen<'a> {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// Whether it carried `Retry-After`.
    pub retry_after: bool,
    /// The body as text, as far as it was read.
    pub body: &'a str,
    /// Decoded bytes that were read.
    pub size: u64,
    /// The body was longer than `max_body`; `body` is its beginning.
    pub capped: bool,
}

/// Which part of the body helps to understand the finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excerpt {
    /// None: the finding says all.
    None,
    /// Its beginning.
    Beginning,
    /// The bytes `from..to` of the text, and what stands around them.
    Around(std::ops::Range<usize>),
}

/// One expectation that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// As which cause it counts.
    pub cause: Cause,
    /// Which expectation, and what was there instead.
    pub finding: Finding,
    /// What to quote beside it.
    pub excerpt: Excerpt,
}

impl Unmet {
    const fn content(finding: Finding, excerpt: Excerpt) -> Self {
        Self {
            cause: Cause::Content,
            finding,
            excerpt,
        }
    }
}

/// Characters that are kept of a quoted value.
const QUOTED: usize = 80;

impl Expect {
    /// A status from 200 to 399, and nothing else.
    #[must_use]
    pub fn by_default() -> Self {
        Self {
            status: vec![StatusRange {
                low: 200,
                high: 399,
            }],
            contains: Vec::new(),
            not_contains: Vec::new(),
            matches: None,
            header: Vec::new(),
            json: Vec::new(),
            min_size: 0,
            addresses: Vec::new(),
        }
    }

    /// Whether the body's text is needed to judge.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        !self.contains.is_empty()
            || !self.not_contains.is_empty()
            || self.matches.is_some()
            || !self.json.is_empty()
    }

    /// Whether a status is acceptable.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.status
            .iter()
            .any(|range| (range.low..=range.high).contains(&status))
    }

    /// The first expectation that is not met.
    #[must_use]
    pub fn unmet(&self, seen: &ResponseSeen<'_>) -> Option<Unmet> {
        if !self.accepts(seen.status) {
            let cause = match (seen.status, seen.retry_after) {
                (503, true) => Cause::Maintenance,
                (500..=599, _) => Cause::ServerError,
                _ => Cause::Status,
            };
            return Some(Unmet {
                cause,
                finding: Finding::StatusExpected {
                    status: seen.status.into(),
                    expected: self.statuses(),
                },
                excerpt: Excerpt::Beginning,
            });
        }
        self.unmet_header(seen)
            .or_else(|| self.unmet_size(seen))
            .or_else(|| self.unmet_text(seen))
            .or_else(|| self.unmet_json(seen))
    }

    fn unmet_header(&self, seen: &ResponseSeen<'_>) -> Option<Unmet> {
        self.header.iter().find_map(|(name, wanted)| {
            let values: Vec<&str> = seen
                .headers
                .iter()
                .filter(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
                .collect();
            if values.iter().any(|value| value == wanted) {
                return None;
            }
            let (name, wanted) = (name.clone(), wanted.clone());
            let finding = match values.first() {
                None => Finding::HeaderMissing { name, wanted },
                Some(value) => Finding::HeaderDiffers {
                    name,
                    value: Quoted::new(&clip(value)),
                    wanted,
                },
            };
            Some(Unmet::content(finding, Excerpt::None))
        })
    }

    fn unmet_size(&self, seen: &ResponseSeen<'_>) -> Option<Unmet> {
        let (size, least) = (seen.size, self.min_size);
        if size >= least {
            return None;
        }
        let finding = if seen.capped {
            Finding::ReadTooLittle { size, least }
        } else {
            Finding::BodyTooSmall { size, least }
        };
        Some(Unmet::content(finding, Excerpt::Beginning))
    }

    fn unmet_text(&self, seen: &ResponseSeen<'_>) -> Option<Unmet> {
        for text in &self.not_contains {
            if let Some(at) = seen.body.find(text.as_str()) {
                let text_at = Excerpt::Around(at..at + text.len());
                return Some(Unmet::content(
                    Finding::Forbidden { text: clip(text) },
                    text_at,
                ));
            }
        }
        let missing = self
            .contains
            .iter()
            .find(|text| !seen.body.contains(text.as_str()))
            .map(|text| {
                let text = clip(text);
                if seen.capped {
                    Finding::MissingInPart { text }
                } else {
                    Finding::Missing { text }
                }
            });
        let finding = missing.or_else(|| {
            let regex = self.matches.as_ref()?;
            if regex.is_match(seen.body) {
                return None;
            }
            let text = clip(regex.as_str());
            Some(if seen.capped {
                Finding::NoMatchInPart { text }
            } else {
                Finding::NoMatch { text }
            })
        });
        finding.map(|finding| Unmet::content(finding, Excerpt::Beginning))
    }

    fn unmet_json(&self, seen: &ResponseSeen<'_>) -> Option<Unmet> {
        self.json.iter().find_map(|(pointer, wanted)| {
            let found = match pointer::find(seen.body, pointer, wanted) {
                Ok(found) => found,
                Err(_) => return Some(unreadable(pointer, seen)),
            };
            let found = found.as_ref();
            if found.is_some_and(|found| same(found, wanted)) {
                return None;
            }
            let (pointer, wanted) = (pointer.clone(), clip(&wanted.to_string()));
            let finding = match found {
                None => Finding::JsonMissing { pointer, wanted },
                Some(found) => Finding::JsonDiffers {
                    pointer,
                    found: Quoted::new(&clip(&found.to_string())),
                    wanted,
                },
            };
            Some(Unmet::content(finding, Excerpt::None))
        })
    }

    fn statuses(&self) -> String {
        let ranges: Vec<String> = self
            .status
            .iter()
            .map(|r| {
                if r.low == r.high {
                    r.low.to_string()
                } else {
                    format!("{}-{}", r.low, r.high)
                }
            })
            .collect();
        ranges.join(", ")
    }
}

fn unreadable(pointer: &str, seen: &ResponseSeen<'_>) -> Unmet {
    let pointer = pointer.to_owned();
    if seen.capped {
        Unmet::content(Finding::JsonCut { pointer }, Excerpt::None)
    } else {
        Unmet::content(Finding::NotJson { pointer }, Excerpt::Beginning)
    }
}

/// Equal as JSON: the order of members does not count, nor whether a number is written `1` or `1.0`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            // Whole numbers that differ in their last digit are the same number as `f64`.
            a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let equal = |(key, a)| b.get(key).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(equal)
        }
        _ => a == b,
    }
}

fn clip(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(body: &str) -> ResponseSeen<'_> {
        ResponseSeen {
            status: 200,
            headers: &[],
            retry_after: false,
            body,
            size: body.len() as u64,
            capped: false,
        }
    }

    fn wanting(pointers: &[(&str, Value)]) -> Expect {
        let json = pointers
            .iter()
            .map(|(pointer, value)| ((*pointer).to_owned(), value.clone()));
        Expect {
            json: json.collect(),
            ..Expect::by_default()
        }
    }

    #[test]
    fn json_is_compared_as_json() {
        let body = r#"{"n": 1.0, "big": 18446744073709551615, "list": [{"b": 2, "a": 1}], "null": null, "a/b": "x"}"#;
        for (pointer, value, detail) in [
            ("/n", json!(1), None),
            ("/big", json!(u64::MAX), None),
            ("/list", json!([{"a": 1, "b": 2}]), None),
            ("/list/0/a", json!(1), None),
            ("/null", json!(null), None),
            ("/a~1b", json!("x"), None),
            ("/n", json!("1"), Some("json `/n` is 1.0, expected \"1\"")),
            (
                "/none",
                json!(null),
                Some("json `/none` is missing, expected null"),
            ),
            (
                "/list/1",
                json!(2),
                Some("json `/list/1` is missing, expected 2"),
            ),
        ] {
            let unmet = wanting(&[(pointer, value)]).unmet(&seen(body));
            let told = unmet.map(|unmet| unmet.finding.to_string());
            assert_eq!(told.as_deref(), detail, "{pointer}");
        }
    }

    #[test]
    fn the_first_in_the_order_speaks() {
        let mut expect = wanting(&[("/ok", json!(true))]);
        let told = |expect: &Expect, status| {
            let seen = ResponseSeen {
                status,
                ..seen("not what was wanted")
            };
            expect.unmet(&seen).unwrap().finding.to_string()
        };
        assert!(told(&expect, 200).starts_with("json"));
        expect.matches = Some(regex::Regex::new("^x$").unwrap());
        assert!(told(&expect, 200).starts_with("`^x$` does not match"));
        expect.contains = vec!["</html>".to_owned()];
        assert!(told(&expect, 200).starts_with("`</html>` not found"));
        expect.not_contains = vec!["what".to_owned()];
        assert!(told(&expect, 200).starts_with("`what` stands in the body"));
        expect.min_size = 100;
        assert!(told(&expect, 200).starts_with("the body has 19 bytes"));
        expect.header = vec![("x-a".to_owned(), "b".to_owned())];
        assert!(told(&expect, 200).starts_with("header `x-a` is missing"));
        assert!(told(&expect, 404).starts_with("HTTP status 404"));
    }
}
