//! What `once URL…` says: whole screens, compared exactly.

use std::time::Duration;

use probe::model::{
    Cause, CertificateFault, CheckOutcome, CheckResult, Day, DaysAgo, Finding, Hop, HttpVersion,
    Phase, Seconds, Timings, TlsVersion,
};
use probe::render::terminal::{self, Layout};

use super::fixture::{certificate, good, judged, look, now, refused, secs, took_longer};
use super::screens::golden;

fn screen(check: CheckResult, width: usize) -> String {
    terminal::urls(&[check], look(width))
}

fn millis(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

/// A finding that ended the check in the TLS handshake, after this long.
fn ended_in_tls(
    cause: Cause,
    fault: Option<CertificateFault>,
    finding: Finding,
    ms: u64,
) -> CheckResult {
    let outcome = CheckOutcome::Found {
        cause,
        certificate_fault: fault,
        finding: Box::new(finding),
        phase: Some(Phase::Tls),
    };
    CheckResult {
        address: Some("192.0.2.10:443".parse().unwrap()),
        timings: Timings {
            dns: millis(2),
            connect: millis(18),
            total: Duration::from_millis(20 + ms),
            ..Timings::default()
        },
        ..CheckResult::new("https://shop.example.com/", outcome)
    }
}

fn redirected() -> CheckResult {
    let hop = |url: &str, port: u16| Hop {
        url: url.to_owned(),
        address: Some(([192, 0, 2, 10], port).into()),
        http_status: Some(301),
        http_version: Some(HttpVersion::Http11),
        timings: Timings {
            dns: millis(2),
            connect: millis(18),
            tls: if port == 443 { millis(40) } else { None },
            first_byte: millis(30),
            total: Duration::from_millis(if port == 443 { 90 } else { 50 }),
            ..Timings::default()
        },
    };
    let last = good("http://example.com/", "[2001:db8::10]:443");
    CheckResult {
        hops: vec![
            hop("http://example.com/", 80),
            hop("https://example.com/", 443),
        ],
        redirects: 2,
        final_url: Some("https://www.example.com/".to_owned()),
        http_version: Some(HttpVersion::Http2),
        tls_version: Some(TlsVersion::Tls13),
        certificate: Some(certificate(61)),
        timings: Timings {
            tls: millis(40),
            total: Duration::from_millis(194),
            ..last.timings
        },
        ..last
    }
}

#[test]
fn up() {
    golden(
        "url-up-80",
        &screen(good("http://www.example.com/", "192.0.2.10:80"), 80),
    );
}

#[test]
fn up_behind_two_redirects() {
    golden("url-redirects-80", &screen(redirected(), 80));
    golden("url-redirects-40", &screen(redirected(), 40));
    let ascii = Layout {
        unicode: false,
        ..look(80)
    };
    let plain = terminal::urls(&[redirected()], ascii);
    assert!(plain.contains('=') && !plain.contains('█'), "{plain}");
}

#[test]
fn not_up() {
    let mut nobody = refused("http://www.example.com:8080/", "192.0.2.10:8080");
    nobody.timings.connect = None;
    nobody.outcome = CheckOutcome::Found {
        cause: Cause::Refused,
        certificate_fault: None,
        finding: Box::new(Finding::bare(Cause::Refused)),
        phase: Some(Phase::Connect),
    };
    golden("url-refused-80", &screen(nobody, 80));
    let within = Finding::HandshakeWithin {
        limit: Seconds(Duration::from_millis(4200)),
    };
    let stuck = ended_in_tls(Cause::TlsTimeout, None, within, 4200);
    golden("url-stuck-80", &screen(stuck, 80));
    let over = Finding::CertificateExpired {
        day: Day(now() - secs(2 * 86_400)),
        ago: DaysAgo(2),
    };
    let mut expired = ended_in_tls(
        Cause::TlsCertificate,
        Some(CertificateFault::Expired),
        over,
        40,
    );
    expired.certificate = Some(certificate(-2));
    if let Some(shown) = expired.certificate.as_deref_mut() {
        shown.not_after = now() - secs(2 * 86_400 - 3600);
    }
    golden("url-expired-80", &screen(expired, 80));
    let slow = judged(
        "https://shop.example.com/",
        "192.0.2.10:443",
        Cause::Slow,
        took_longer(4, 2),
    );
    golden("url-degraded-80", &screen(slow, 80));
}

/// One line each, and nothing wider than the terminal.
#[test]
fn quiet_is_one_line_for_each() {
    let checks = [
        good("http://a.example/", "192.0.2.10:80"),
        refused("http://b.example/", "192.0.2.11:80"),
    ];
    assert_eq!(
        terminal::url_lines(&checks, look(80)),
        "  up    http://a.example/  200 in 17 ms\n  FAIL  http://b.example/  connection refused\n"
    );
}

#[test]
fn a_long_url_breaks_no_width() {
    let url = format!("https://shop.example.com/{}", "path/".repeat(20));
    for width in [0, 1, 10, 40, 80, 220] {
        let text = terminal::urls(&[good(&url, "192.0.2.10:443")], look(width));
        for line in text.lines().filter(|_| width >= 40) {
            assert!(probe::render::text::width(line) <= width, "{width}: {line}");
        }
    }
}
