//! What `once URL…` says of one URL: the verdict's mark, what was found, hop by hop the address, the protocol and the
//! phases as bars, the certificate, and what it would have meant for a profile.

use super::Layout;
use super::ink::{Ink, Line, Sheet};
use super::profiles;
use super::waterfall::{self, time};
use super::words::{date, found_by, said};
use crate::model::{
    Blame, Cause, Certificate, CertificateFault, CheckOutcome, CheckResult, Family, HttpVersion,
    Layer, ProfileState,
};
use crate::render::report::state_of_check;
use crate::render::text::{cut, plural};

/// Where the URL begins, and everything below it; a narrow terminal has no room for that.
const MARGIN: usize = 8;
const NARROW: usize = 60;
/// Columns of a fact's name.
const NAME: usize = 13;

/// One URL in full.
pub(super) fn write(sheet: &mut Sheet, check: &CheckResult, look: Layout) {
    let margin = if look.width < NARROW { 2 } else { MARGIN };
    let page = Page {
        look,
        margin,
        check,
    };
    sheet.line(&page.head());
    if let Some(found) = page.found() {
        sheet.wrapped(&found.onto(Line::default().to(margin)), margin + 2);
    }
    for hop in 0..=check.hops.len() {
        page.hop(sheet, hop);
    }
    let total = format!("total {}", time(check.timings.total));
    sheet.line(&Line::default().to(margin).then(Ink::Dim, &total));
    if let Some(certificate) = check.certificate.as_deref() {
        page.certificate(sheet, certificate);
    }
    if let Some(layer) = check.layer {
        page.fact(sheet, "answered by", Ink::Plain, layer_words(layer));
    }
    for remark in &check.remarks {
        let words = said(remark);
        page.fact(sheet, "remark", Ink::Plain, &words);
    }
    page.fact(sheet, "judged", page.mark().0, &judged(check));
}

/// One URL in one line.
pub(super) fn line(check: &CheckResult, look: Layout) -> Line {
    let (ink, mark) = profiles::url_mark(check);
    let rest = found_by(check).unwrap_or_else(|| {
        let status = check
            .http_status
            .map_or_else(String::new, |s| s.to_string());
        format!("{status} in {}", time(check.timings.total))
    });
    let line = Line::default().to(2).then(ink, mark).to(MARGIN);
    let room = look.width.saturating_sub(MARGIN);
    line.then(
        Ink::Plain,
        &cut(&format!("{}  {rest}", check.url), room.max(20)),
    )
}

struct Page<'a> {
    look: Layout,
    margin: usize,
    check: &'a CheckResult,
}

impl Page<'_> {
    fn mark(&self) -> (Ink, &'static str) {
        profiles::url_mark(self.check)
    }

    fn head(&self) -> Line {
        let (ink, mark) = self.mark();
        let line = Line::default().to(2).then(ink, mark).to(MARGIN);
        let room = self.look.width.saturating_sub(MARGIN).max(20);
        line.then(Ink::Bold, &cut(&self.check.url, room))
    }

    fn found(&self) -> Option<Line> {
        let mut line = Line::new(self.mark().0, &found_by(self.check)?);
        if let Some(words) = waterfall::unfinished_in_words(self.check) {
            line.push(Ink::Dim, " · ");
            line.push(Ink::Plain, &words);
        }
        Some(line)
    }

    /// `301  http://example.com/`, then where that was and how it was spoken to, then its bars.
    fn hop(&self, sheet: &mut Sheet, number: usize) {
        let check = self.check;
        let before = check.hops.get(number);
        let (address, status, version, tls) = match before {
            Some(hop) => (hop.address, hop.http_status, hop.http_version, None),
            // A status belongs to the hop that got as far as an answer.
            None => match check.timings.first_byte {
                Some(_) => (
                    check.address,
                    check.http_status,
                    check.http_version,
                    check.tls_version,
                ),
                None => (check.address, None, None, check.tls_version),
            },
        };
        if !check.hops.is_empty() {
            let url = before.map_or_else(
                || check.final_url.as_deref().unwrap_or(&check.url),
                |hop| hop.url.as_str(),
            );
            let room = self.look.width.saturating_sub(self.margin).max(20);
            let text = format!("{}. {url}", number + 1);
            sheet.line(
                &Line::default()
                    .to(self.margin)
                    .then(Ink::Plain, &cut(&text, room)),
            );
        }
        let mut parts = Vec::new();
        if let Some(status) = status {
            parts.push(match before {
                Some(_) => format!("{status}, a redirect"),
                None => status.to_string(),
            });
        }
        if let Some(address) = address {
            let family = match Family::of(address) {
                Family::Ipv4 => "IPv4",
                Family::Ipv6 => "IPv6",
            };
            parts.push(format!("{address} ({family})"));
        }
        parts.extend(version.map(|version: HttpVersion| format!("HTTP/{}", version.word())));
        parts.extend(tls.map(|tls| format!("TLS {}", tls.word())));
        if before.is_none() && check.timings.first_byte.is_some() {
            let bytes = usize::try_from(check.body_bytes).unwrap_or(usize::MAX);
            parts.push(plural(bytes, "byte"));
        }
        if !parts.is_empty() {
            let line = Line::default().to(self.margin);
            let line = line.then(Ink::Plain, &parts.join(" · "));
            sheet.wrapped(&line, self.margin + 2);
        }
        waterfall::write(sheet, check, number, self.margin + 2, self.look);
    }

    fn fact(&self, sheet: &mut Sheet, name: &str, ink: Ink, text: &str) {
        let line = Line::default().to(self.margin).then(Ink::Dim, name);
        let line = line.to(self.margin + NAME).then(ink, text);
        sheet.wrapped(&line, self.margin + NAME);
    }

    fn certificate(&self, sheet: &mut Sheet, certificate: &Certificate) {
        let fault = match &self.check.outcome {
            CheckOutcome::Ok => None,
            CheckOutcome::Found {
                certificate_fault, ..
            } => *certificate_fault,
        };
        self.fact(sheet, "certificate", Ink::Plain, &certificate.subject);
        if let Some(fault) = fault {
            let words = format!("refused: {}", fault_words(fault));
            self.fact(sheet, "", Ink::Bad, &words);
        }
        let (ink, life) = profiles::life(certificate);
        self.fact(sheet, "", ink, &life);
        if !certificate.names.is_empty() {
            let names = format!("for {}", certificate.names.join(", "));
            self.fact(sheet, "", Ink::Plain, &names);
        }
        let issuer = format!("issued by {}", certificate.issuer);
        self.fact(sheet, "", Ink::Plain, &issuer);
        for link in &certificate.chain {
            let link = format!(
                "sent along: {}, issued by {}, until {}",
                link.subject,
                link.issuer,
                date(link.not_after)
            );
            self.fact(sheet, "", Ink::Dim, &link);
        }
        if self.look.verbose {
            let begun = format!("valid from {}", date(certificate.not_before));
            self.fact(sheet, "", Ink::Dim, &begun);
            let print = format!("SHA-256 {}", certificate.fingerprint);
            self.fact(sheet, "", Ink::Dim, &print);
        }
    }
}

const fn fault_words(fault: CertificateFault) -> &'static str {
    match fault {
        CertificateFault::Expired => "expired",
        CertificateFault::NotYetValid => "not valid yet",
        CertificateFault::WrongName => "for other names",
        CertificateFault::Untrusted => "no chain to a root this machine trusts",
        CertificateFault::IncompleteChain => {
            "the server does not send the intermediate certificate"
        }
        CertificateFault::Revoked => "revoked by its issuer",
    }
}

const fn layer_words(layer: Layer) -> &'static str {
    match layer {
        Layer::WebServer => "the web server itself",
        Layer::Cache => "a cache; whether what stands behind it lives is not shown",
        Layer::Php => "PHP; whether the database lives is not shown",
        Layer::Database => "PHP and the database",
    }
}

/// What this one check would have meant for a profile with every default.
fn judged(check: &CheckResult) -> String {
    let Some(cause) = check.cause() else {
        return "up".to_owned();
    };
    let phrase = cause.phrase();
    match state_of_check(check) {
        ProfileState::Up => "up".to_owned(),
        ProfileState::Degraded => {
            format!("degraded, not down: {phrase}; nothing would be restarted for it")
        }
        ProfileState::Unknown => {
            format!("cannot tell: {}", why_not(cause))
        }
        ProfileState::Failing | ProfileState::Down if cause.restarts_by_default() => format!(
            "would count as down: {phrase}; once confirmed, a restart would be tried for it by default"
        ),
        ProfileState::Failing | ProfileState::Down => format!(
            "would count as down: {phrase}; would not be restarted for by default: {}",
            why_not(cause)
        ),
    }
}

/// Why a restart is no remedy.
const fn why_not(cause: Cause) -> &'static str {
    match cause.blame() {
        Blame::Server => "the server answers, and a restart seldom changes what it says",
        Blame::Network => "the fault is on the way to the host",
        Blame::Name => "the fault is in the name system",
        Blame::Certificate => "the fault is in the certificate or the TLS set-up",
        Blame::Application => "the server works; the fault is in what the application answers",
        Blame::Nobody => "it is a remark, not a fault",
        Blame::Ourselves => "the fault is on this machine, so nothing is said about the site",
    }
}
