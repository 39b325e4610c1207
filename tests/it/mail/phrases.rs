//! The phrase book for what a probe saw: each phrase is one of the prober's, each hole is said once, and all that the prober
//! says has its phrase.

use std::collections::BTreeSet;
use std::fs;

use probe::model::Language;
use probe::render::words::Voice;
use proptest::prelude::*;
use regex::Regex;

const BOOK: &str = include_str!("../../../src/render/words/ja/details.txt");

/// What is no detail of a failed check, or a part of one that [`ASSEMBLED`] has whole.
const OTHERS: &[&str] = &[
    // Remarks: they stand at the terminal and in the documents, no mail has them.
    "{} has {} addresses; the first {} were asked",
    "its {} addresses were not asked: this machine has no route for {}",
    "its address has changed: {} before, {} now",
    "{}; a second connection answered",
    "the certificate is not verified (tls.verify: false): {}",
    "the body is longer than max_body ({} bytes); the rest was not read",
    "both Content-Length and Transfer-Encoding are sent; a proxy in between may cut the body elsewhere",
    "this looks like the default page of {}; the name may have no site of its own there",
    "the name server answered for its {} records and not for its {} records",
    "the address of {} is from /etc/hosts, not from DNS",
    "the server knows neither HTTP/2 nor HTTP/1.1 by name (ALPN); it answers when none is offered",
    "the server's clock is {} {} ours{}",
    "ahead of",
    "; a canary's agrees with ours",
    "; a canary's agrees with it: look at this machine's clock",
    "a revocation list in tls.crl_file ended on {}: what was revoked since is not seen",
    "the web server",
    // Of a configuration that is refused.
    "does not belong to the key in {} ({})",
    // The heartbeat's, for the log and the terminal.
    "the secret is no http or https address",
    "HTTP status {}, which is not followed",
    "HTTP status {}, and the answer says {}",
    "not found",
    "rate limit",
    "not active",
    // Of a heartbeat and of a mail that was not delivered: for the terminal and the documents.
    "no answer in time",
    "the message was not sent in time",
    // The log's, and lints' reasons.
    "an adapter failed; its order counts as failed",
    "how long a task waits for its turn is measured",
    "this machine has no trusted certificates; using the list built in",
    "the same hop, and what it met",
    "phases are measured here",
    // What servers say, and what is said to them.
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
    "* OK",
    "RFB ",
    "<!-- page cached by KUSANAGI",
    "<!DOCTYPE HTML PUBLIC \\\"-//IETF//DTD HTML 2.0//EN\\\">",
    "<title>Welcome to nginx",
    "<title>Apache2 Debian Default Page",
    "<title>Apache2 Ubuntu Default Page",
    "<title>Test Page for the ",
    "<title>HTTP Server Test Page",
    "<html><body><h1>It works!</h1></body></html>",
    "Server at ",
    "gzip, br",
    "HEAD / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n",
    "Error establishing a database connection",
    "There has been a critical error on",
    "The site is experiencing technical difficulties",
    "Briefly unavailable for scheduled maintenance",
    "<body id=\\\"error-page\\\"",
    // Parts.
    " (HTTP/2 {})",
    "{}, or announces a body of an absurd length",
    "(TLS alert {})",
    " and {} more",
    "`{}` not found{}",
    "`{}` does not match{}",
    " in the part of the body that was read (max_body)",
    " in the body",
    "cannot be read: {}",
    "cannot be read: broken PEM",
    "nothing of its kind in it",
    "is larger than {} MiB",
    "holds no revocation list that can be read (PEM or DER)",
    "holds no PEM certificate",
    "holds no certificate that can be a root",
    "; also, {}",
    "the body begins",
    "the place",
    "{} answers on this port, no web server{}",
    "the port does not speak TLS: {}",
    "an SSH server answers on this port",
    "plain HTTP answers on this port",
    "a mail or FTP server answers on this port",
    "a POP3 server answers on this port",
    "the server asks for a client certificate and does not take what it got {}; set tls.client_cert_file and tls.client_key_file",
    "the server broke the TLS handshake off",
    "the server demands stronger ciphers than we offer",
    "the server failed inside its own TLS; its error log says more",
    "the server found no cipher or signature that it has in common with us: it may know only old ones",
    "the server gave the handshake up",
    "the server has no site of this name",
    "the server speaks neither HTTP/2 nor HTTP/1.1 (ALPN)",
    "the server speaks only versions of TLS older than 1.2, which are not safe any more",
];

/// Details of several parts, as the prober puts them together.
const ASSEMBLED: &[&str] = &[
    "the server gave no response (HTTP/2 refused stream)",
    "the server ended the connection before any response (HTTP/2 no error)",
    "the server breaks the rules of HTTP/2 and was left (HTTP/2 protocol error)",
    "the response has more than 100 header lines or 64 KiB of headers, or announces a body of an absurd length",
    "the server broke the TLS handshake off (TLS alert AccessDenied)",
    "the server gave the handshake up (TLS alert UserCanceled)",
    "the server speaks neither HTTP/2 nor HTTP/1.1 (ALPN) (TLS alert NoApplicationProtocol)",
    "the server demands stronger ciphers than we offer (TLS alert InsufficientSecurity)",
    "the server has no site of this name (TLS alert UnrecognisedName)",
    "the server failed inside its own TLS; its error log says more (TLS alert InternalError); behind it the site answers (HTTP status 200)",
    "the server found no cipher or signature that it has in common with us: it may know only old ones (TLS alert HandshakeFailure)",
    "the server speaks only versions of TLS older than 1.2, which are not safe any more (TLS alert ProtocolVersion)",
    "the server asks for a client certificate and does not take what it got (TLS alert CertificateRequired); set tls.client_cert_file and tls.client_key_file",
    "the certificate is for a.test, b.test and 7 more, not for c.test; renew it with this name, or mend the name's server block",
    "the certificate expired on 2026-11-20, less than a day ago; renew it and reload the web server; also, the certificate is for a.test, not for c.test; behind it the site fails as well: connection refused: nothing listens there",
    "the certificate is not valid before 2027-01-01; also, the certificate is for no name at all, not for c.test; install it when that day has come, or look at this machine's clock; behind it the site gives no answer in time",
    "`</html>` not found in the body; the body begins: <p>",
    "`</html>` not found in the part of the body that was read (max_body); the body begins: <p>",
    "`^x$` does not match in the body; the body begins: <p>",
    "`^x$` does not match in the part of the body that was read (max_body); the body begins: <p>",
    "`Fatal error` stands in the body and must not; the place: <b>Fatal error</b>",
    "tls.ca_file /etc/x.pem holds no PEM certificate",
    "tls.ca_file /etc/x.pem holds no certificate that can be a root",
    "tls.ca_file /etc/x.pem cannot be read: Permission denied",
    "tls.crl_file /etc/x.pem is larger than 16 MiB",
    "tls.crl_file /etc/x.pem holds no revocation list that can be read (PEM or DER)",
    "the port does not speak TLS: plain HTTP answers on this port",
    "the port does not speak TLS: an SSH server answers on this port",
    "the port does not speak TLS: a mail or FTP server answers on this port",
    "the port does not speak TLS: a POP3 server answers on this port",
    "an SSH server answers on this port, no web server: SSH-2.0-OpenSSH_9.2p1",
    "what answers is not valid HTTP (its first lines cannot be parsed): a broken server, or something else listens there, on two connections in a row",
    "HTTP status 503: WordPress is in maintenance mode (an update is under way); Retry-After 600 s",
    "HTTP status 502, expected 200-399: the web server runs, but what stands behind it (PHP) does not answer; the body begins: <html> (at https://b.test/, after 2 redirects)",
    "IPv6 is dead and IPv4 answers: connection refused: nothing listens there",
    "no answer to the connection attempt within 10.0 s, and the SSH port of its host is silent, too",
    "the name shop.test does not exist (NXDOMAIN); its last good address 192.0.2.1 answers, but not well (HTTP status 502: server error)",
    "the name servers of shop.test did not answer in time; its last good address 192.0.2.1 still answers (HTTP status 200)",
    "this machine's own name server does not answer (timed out); its last good address 192.0.2.1 does not answer either: connection refused",
    "the certificate expires within a day, on 2026-12-01",
    "in maintenance for 3 min now, taken at its word for 10 min: HTTP status 503: WordPress is in maintenance mode (an update is under way); Retry-After 600 s",
    "in maintenance, taken at its word for 90 s: HTTP status 503; Retry-After 90 s",
    "in maintenance for 61 min now, not over after 60 min: HTTP status 503, expected 200-399; the body begins: <p> (at https://b.test/, after 1 redirect)",
    "the body's encoding is broken (corrupt brotli stream)",
    "a.test: no answer within 5 s; 192.0.2.1:443: HTTP status 511",
];

/// Literals with a space in them of all that the prober says, with `{}` for what is put in.
fn literals() -> BTreeSet<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    let mut files = vec![
        format!("{root}model/expect.rs"),
        format!("{root}policy/judge.rs"),
        format!("{root}policy/maintenance.rs"),
        format!("{root}engine/perform.rs"),
    ];
    for file in fs::read_dir(format!("{root}adapters/http")).unwrap() {
        files.push(file.unwrap().path().to_str().unwrap().to_owned());
    }
    // A literal goes on in the next line, and what is put in has a name here and there.
    let goes_on = Regex::new(r"\\\n\s*").unwrap();
    let remark = Regex::new(r"(?m)^\s*//.*$").unwrap();
    let literal = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let hole = Regex::new(r"\{[A-Za-z_]*(:[^}]*)?\}").unwrap();
    let mut found = BTreeSet::new();
    for file in files {
        if file.ends_with("/properties.rs") {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        let own = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        let own = remark.replace_all(own, "");
        let own = goes_on.replace_all(&own, "");
        for it in literal.captures_iter(&own) {
            found.insert(hole.replace_all(&it[1], "{}").into_owned());
        }
    }
    found
}

fn pairs() -> Vec<(&'static str, &'static str)> {
    let lines: Vec<&str> = BOOK
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(lines.len().is_multiple_of(2), "{}", lines.len());
    lines.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

/// English that is left in what is said in Japanese: two words of it in a row.
fn left_over(said: &str) -> Option<String> {
    let words = Regex::new(r"[a-z]{2,}[,;:]? [a-z]{2,}").unwrap();
    words.find(said).map(|found| found.as_str().to_owned())
}

#[test]
fn the_book_says_what_the_prober_says() {
    let source: Vec<String> = literals().into_iter().collect();
    let source = source.join("\n");
    let marks = Regex::new(r"\{[#*+]\}").unwrap();
    for (english, said) in pairs() {
        assert!(
            !english.starts_with(' ') && said.starts_with("  "),
            "{english}"
        );
        let whole = marks.replace_all(english, "{}");
        // A quotation is put behind by others.
        let words = whole.strip_suffix(": {}").unwrap_or(&whole);
        let assembled = Regex::new(&regex::escape(&whole).replace(r"\{\}", ".+?")).unwrap();
        let known = source.contains(words) || ASSEMBLED.iter().any(|it| assembled.is_match(it));
        assert!(known, "nobody says `{english}`");
        assert!(!said.is_ascii(), "{english}");
        let holes = whole.matches("{}").count();
        for hole in 1..=holes {
            let mark = format!("{{{hole}}}");
            assert_eq!(said.matches(&mark).count(), 1, "{english}");
        }
        assert_eq!(said.matches('{').count(), holes, "{english}");
    }
}

#[test]
fn all_that_the_prober_says_is_in_the_book() {
    let voice = Voice::plain(Language::Ja);
    let literals = literals();
    for other in OTHERS {
        assert!(literals.contains(*other), "nobody says `{other}` any more");
    }
    let mut missing = Vec::new();
    let others = |text: &&String| !OTHERS.contains(&text.as_str());
    for text in literals.iter().filter(others) {
        let filled = text.replace("{}", "3");
        if left_over(&filled).is_some() && left_over(&voice.detail(&filled)).is_some() {
            missing.push(text.clone());
        }
    }
    assert!(missing.is_empty(), "no phrase for {missing:#?}");
}

#[test]
fn details_of_several_parts_are_said_whole() {
    let voice = Voice::plain(Language::Ja);
    for detail in ASSEMBLED {
        let said = voice.detail(detail);
        assert_ne!(said, *detail);
        let quoted = [
            "refused stream",
            "no error",
            "protocol error",
            "Fatal error",
            "timed out",
            "Permission denied",
        ];
        let own = quoted
            .iter()
            .fold(said.clone(), |text, it| text.replace(it, ""));
        assert_eq!(left_over(&own), None, "{detail}\n{said}");
    }
}

/// Phrases without a hole.
fn plain() -> Vec<(&'static str, &'static str)> {
    let plain = pairs()
        .into_iter()
        .filter(|(english, _)| !english.contains('{'));
    plain
        .map(|(english, said)| (english, said.trim_start()))
        .collect()
}

proptest! {
    /// However pieces are put together, each that is known is said, and what is foreign stays as it was.
    #[test]
    fn pieces_in_any_order(
        parts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<bool>()), 1..6),
        foreign in "[a-z<>{}1*#+;: ]{0,12}",
    ) {
        let book = plain();
        let foreign = format!("zz{foreign}zz");
        let mut detail = String::new();
        let mut wanted: Vec<String> = Vec::new();
        for (which, known, stop) in &parts {
            let (english, said) = book[which.index(book.len())];
            if !detail.is_empty() {
                detail += if *stop { "; " } else { ": " };
            }
            detail += if *known { english } else { &foreign };
            wanted.push(if *known { said.to_owned() } else { foreign.replace("; ", "。") });
        }
        let said = Voice::plain(Language::Ja).detail(&detail);
        for part in wanted {
            prop_assert!(said.replace("; ", "。").contains(&part), "{detail}\n{said}\nlacks {part}");
        }
    }

    #[test]
    fn any_text_ends_as_some_text(text in "\\PC{0,400}") {
        let said = Voice::plain(Language::Ja).detail(&text);
        prop_assert_eq!(said.is_empty(), text.is_empty());
    }
}
