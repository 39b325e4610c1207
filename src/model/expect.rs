//! What a response must look like. Pure: the prober hands in what it saw and gets back what is not met.

use super::Cause;

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
    /// Each must stand in the decoded text.
    pub contains: Vec<String>,
    /// None may.
    pub not_contains: Vec<String>,
    /// Must match the decoded text.
    pub matches: Option<regex::Regex>,
    /// Header (lower case) and the value it must have, exactly.
    pub header: Vec<(String, String)>,
}

/// What was seen of a response.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// Whether it carried `Retry-After`.
    pub retry_after: bool,
    /// The body as text, as far as it was read.
    pub body: &'a str,
    /// The body was longer than `max_body`; `body` is its beginning.
    pub capped: bool,
}

/// One expectation that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// As which cause it counts.
    pub cause: Cause,
    /// Which expectation, and what was there instead.
    pub detail: String,
}

impl Expect {
    /// Whether the body is needed to judge.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        !self.contains.is_empty() || !self.not_contains.is_empty() || self.matches.is_some()
    }

    /// Whether a status is acceptable.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.status
            .iter()
            .any(|range| (range.low..=range.high).contains(&status))
    }

    /// The first expectation that is not met: status before headers before body.
    #[must_use]
    pub fn unmet(&self, seen: &Seen<'_>) -> Option<Unmet> {
        if !self.accepts(seen.status) {
            let cause = match (seen.status, seen.retry_after) {
                (503, true) => Cause::Maintenance,
                (500..=599, _) => Cause::ServerError,
                _ => Cause::Status,
            };
            return Some(Unmet {
                cause,
                detail: format!("HTTP status {}, expected {}", seen.status, self.statuses()),
            });
        }
        self.unmet_header(seen)
            .or_else(|| self.unmet_body(seen))
            .map(|detail| Unmet {
                cause: Cause::Content,
                detail,
            })
    }

    fn unmet_header(&self, seen: &Seen<'_>) -> Option<String> {
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
            Some(match values.first() {
                None => format!("header `{name}` is missing, expected `{wanted}`"),
                Some(value) => format!("header `{name}` is `{value}`, expected `{wanted}`"),
            })
        })
    }

    fn unmet_body(&self, seen: &Seen<'_>) -> Option<String> {
        let read = if seen.capped {
            " in the part of the body that was read (max_body)"
        } else {
            " in the body"
        };
        if let Some(text) = self
            .not_contains
            .iter()
            .find(|text| seen.body.contains(text.as_str()))
        {
            return Some(format!("`{text}` stands in the body and must not"));
        }
        if let Some(text) = self
            .contains
            .iter()
            .find(|text| !seen.body.contains(text.as_str()))
        {
            return Some(format!("`{text}` not found{read}"));
        }
        self.matches
            .as_ref()
            .filter(|regex| !regex.is_match(seen.body))
            .map(|regex| format!("`{regex}` does not match{read}"))
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
