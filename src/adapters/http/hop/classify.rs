//! From an error of the HTTP client to a cause, by the types in its chain, never by its words.
//!
//! The chain is walked through `source()` and, because an I/O error hides what it wraps, through
//! `io::Error::get_ref()`. The first of these that holds names the cause: a connect that ran out of time; a flood; limits and
//! routes of our own machine; the recorded verdict on the certificate; TLS; HTTP/2; the operating system; HTTP/1. What
//! flooded stands in the trace, since HTTP/2 keeps of an I/O error no more than its words.

use std::error::Error;
use std::io;

use super::handshake;
use crate::adapters::http::client::hooks::{Astray, ConnectTimedOut};
use crate::adapters::http::fault::{Fault, Local};
use crate::adapters::http::meter::Flood;
use crate::adapters::http::trace::Trace;
use crate::model::{Cause, Finding, Phase, Quoted, limits};

type Link<'e> = &'e (dyn Error + 'static);

fn chain<'e>(error: Link<'e>) -> impl Iterator<Item = Link<'e>> {
    std::iter::successors(Some(error), |error: &Link<'e>| {
        let error: Link<'e> = *error;
        let outside = error.downcast_ref::<io::Error>();
        match outside.and_then(io::Error::get_ref) {
            Some(inside) => Some(inside as Link<'e>),
            None => error.source(),
        }
    })
}

fn find<E: Error + 'static>(error: Link<'_>) -> Option<&E> {
    chain(error).find_map(|link| link.downcast_ref())
}

/// The operating system's or the transport's own word: the innermost I/O error.
fn system(error: Link<'_>) -> Option<&io::Error> {
    let plain = chain(error)
        .filter_map(|link| link.downcast_ref::<io::Error>())
        .last();
    plain.or_else(|| find::<h2::Error>(error).and_then(h2::Error::get_io))
}

/// Why a request brought no response, or its body did not arrive. `host` is whom the certificate should be for.
pub(in crate::adapters::http) fn failure(error: Link<'_>, trace: &Trace, host: &str) -> Fault {
    let phase = trace.phase();
    if find::<ConnectTimedOut>(error).is_some() {
        return Fault::new(Cause::ConnectTimeout, Finding::ConnectSilent).at(phase);
    }
    if find::<Astray>(error).is_some() {
        return Fault::monitor(Finding::OutsideOfProbes).at(phase);
    }
    if let Some(flood) = trace.flood() {
        return Fault::new(Cause::Protocol, flooded(flood)).at(phase);
    }
    let system = system(error);
    if let Some(fault) = system.and_then(our_machine) {
        return fault.at(phase);
    }
    let named = match phase {
        Phase::Transfer => in_body(error, system),
        Phase::Dns | Phase::Connect | Phase::Tls | Phase::FirstByte => {
            before_body(error, system, trace, host)
        }
    };
    let fault = named.unwrap_or_else(|| {
        let innermost = chain(error).last().map(ToString::to_string);
        let why = Quoted::new(&innermost.unwrap_or_default());
        match phase {
            // A failure before anything was sent that we cannot name says nothing about the site.
            Phase::Dns | Phase::Connect => Fault::unaskable(Finding::CouldNotConnect { why }),
            Phase::Tls => Fault::new(Cause::TlsHandshake, Finding::HandshakeBroken { why }),
            Phase::FirstByte | Phase::Transfer => not_http(Finding::NotHttp { why }),
        }
    });
    fault.at(phase)
}

/// Linux's numbers: what a socket call says about ourselves.
const EPERM: i32 = 1;
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const EAFNOSUPPORT: i32 = 97;
const EADDRNOTAVAIL: i32 = 99;
const ENETDOWN: i32 = 100;
const ENETUNREACH: i32 = 101;
const ENOBUFS: i32 = 105;

/// What the kernel makes of rarer ICMP messages: ENONET, EPROTO, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP, EHOSTDOWN.
const BY_ICMP: [i32; 6] = [64, 71, 90, 92, 95, 112];

fn our_machine(error: &io::Error) -> Option<Fault> {
    let (finding, local) = match error.raw_os_error()? {
        EMFILE | ENFILE => (Finding::NoDescriptors, None),
        ENOMEM | ENOBUFS => (Finding::NoMemory, None),
        EPERM | EACCES => (Finding::OwnFirewall, Some(Local::Forbidden)),
        ENETUNREACH | ENETDOWN => (Finding::NoRoute, Some(Local::NoRoute)),
        EADDRNOTAVAIL => (Finding::NoLocalAddress, Some(Local::NoRoute)),
        EAFNOSUPPORT => (Finding::NoFamily, Some(Local::NoRoute)),
        _ => return None,
    };
    Some(Fault {
        local,
        ..Fault::monitor(finding)
    })
}

fn before_body(
    error: Link<'_>,
    system: Option<&io::Error>,
    trace: &Trace,
    host: &str,
) -> Option<Fault> {
    if let Some(tls) = find::<rustls::Error>(error) {
        return Some(handshake::failure(tls, trace, host));
    }
    if let Some(h2) = find::<h2::Error>(error)
        && !h2.is_io()
    {
        return Some(h2_failure(h2));
    }
    if let Some(fault) = system.and_then(|error| connection(error, trace.phase())) {
        return Some(fault);
    }
    http_failure(error)
}

fn connection(error: &io::Error, phase: Phase) -> Option<Fault> {
    use io::ErrorKind as K;
    let kind = error.kind();
    let (cause, finding) = if kind == K::ConnectionRefused {
        (Cause::Refused, Finding::Refused)
    } else if matches!(kind, K::ConnectionReset | K::ConnectionAborted) {
        let finding = match phase {
            Phase::Tls => Finding::ResetInHandshake,
            Phase::Dns | Phase::Connect | Phase::FirstByte | Phase::Transfer => {
                Finding::ResetBeforeResponse
            }
        };
        (Cause::Reset, finding)
    } else if matches!(kind, K::UnexpectedEof | K::BrokenPipe | K::NotConnected) {
        let finding = match phase {
            Phase::Tls => Finding::ClosedInHandshake,
            Phase::Dns | Phase::Connect | Phase::FirstByte | Phase::Transfer => {
                Finding::ClosedBeforeResponse
            }
        };
        (Cause::Closed, finding)
    } else if kind == K::TimedOut {
        match phase {
            Phase::Dns | Phase::Connect => (Cause::ConnectTimeout, Finding::ConnectSilent),
            Phase::Tls => (Cause::TlsTimeout, Finding::HandshakeSilent),
            Phase::FirstByte | Phase::Transfer => (Cause::ResponseTimeout, Finding::WentSilent),
        }
    } else if matches!(kind, K::HostUnreachable | K::NetworkUnreachable)
        || error.raw_os_error().is_some_and(|n| BY_ICMP.contains(&n))
    {
        (Cause::Unreachable, Finding::UnreachableByIcmp)
    } else {
        return None;
    };
    Some(Fault::new(cause, finding))
}

fn h2_failure(error: &h2::Error) -> Fault {
    use h2::Reason;
    if error.is_library() && error.is_reset() && error.reason() == Some(Reason::PROTOCOL_ERROR) {
        return Fault {
            forbidden_head: true,
            ..Fault::new(Cause::Protocol, Finding::ForbiddenHead)
        };
    }
    let gone = [Reason::NO_ERROR, Reason::REFUSED_STREAM, Reason::CANCEL];
    let cause = match error.reason() {
        Some(reason) if error.is_remote() && gone.contains(&reason) => Cause::Closed,
        Some(Reason::INTERNAL_ERROR) if error.is_remote() => Cause::Reset,
        _ => Cause::Protocol,
    };
    let untaken = error.is_remote()
        && (error.reason() == Some(Reason::REFUSED_STREAM)
            || error.is_go_away() && error.reason() == Some(Reason::NO_ERROR));
    let finding = match (
        error.is_remote(),
        error.is_go_away(),
        error.reason().map(reason_word),
    ) {
        (false, _, None) => Finding::BrokeHttp2,
        (false, _, Some(reason)) => Finding::BrokeHttp2By { reason },
        (true, true, None) => Finding::EndedByServer,
        (true, true, Some(reason)) => Finding::EndedByServerFor { reason },
        (true, false, None) => Finding::NoResponse,
        (true, false, Some(reason)) => Finding::NoResponseFor { reason },
    };
    Fault {
        untaken,
        ..Fault::new(cause, finding)
    }
}

fn reason_word(reason: h2::Reason) -> String {
    format!("{reason:?}").replace('_', " ").to_lowercase()
}

fn http_failure(error: Link<'_>) -> Option<Fault> {
    let innermost = chain(error)
        .filter_map(|link| link.downcast_ref::<hyper::Error>())
        .last()?;
    if innermost.is_parse_too_large() {
        // The same error stands for a `Content-Length` near the end of all numbers.
        let finding = Finding::HeadersOrLengthTooLarge {
            lines: limits::HEADER_LINES as u64,
            kib: limits::HEADER_BYTES as u64 / 1024,
        };
        return Some(Fault::new(Cause::HeadersTooLarge, finding));
    }
    if innermost.is_parse() {
        return Some(not_http(Finding::NotHttpLines));
    }
    if innermost.is_incomplete_message() || innermost.is_closed() || innermost.is_canceled() {
        return Some(Fault::new(Cause::Closed, Finding::ClosedBeforeResponse));
    }
    None
}

pub(super) fn headers_too_large() -> Fault {
    let finding = Finding::HeadersTooLarge {
        lines: limits::HEADER_LINES as u64,
        kib: limits::HEADER_BYTES as u64 / 1024,
    };
    Fault::new(Cause::HeadersTooLarge, finding)
}

fn not_http(finding: Finding) -> Fault {
    Fault {
        foreign: true,
        ..Fault::new(Cause::Protocol, finding)
    }
}

fn in_body(error: Link<'_>, system: Option<&io::Error>) -> Option<Fault> {
    use io::ErrorKind as K;
    let malformed = system.is_some_and(|e| matches!(e.kind(), K::InvalidInput | K::InvalidData));
    if malformed && find::<rustls::Error>(error).is_none() {
        return Some(Fault::new(Cause::Protocol, Finding::ChunksMalformed));
    }
    // What the client itself ended for good: too many frames that carry nothing.
    if let Some(h2) = find::<h2::Error>(error)
        && h2.is_library()
        && h2.is_go_away()
    {
        return Some(h2_failure(h2));
    }
    if system.is_some_and(|e| e.kind() == K::TimedOut) {
        return Some(Fault::new(Cause::ResponseTimeout, Finding::SilentInBody));
    }
    Some(Fault::new(Cause::Truncated, Finding::BrokeOffInBody))
}

fn flooded(flood: Flood) -> Finding {
    match flood {
        Flood::Bytes => Finding::FloodOfBytes {
            mib: limits::IDLE_BYTES / (1024 * 1024),
        },
        Flood::Frames { kind } => Finding::FloodOfFrames {
            count: limits::IDLE_FRAMES,
            kind: kind.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::http::trace::Mark;

    /// As hyper-rustls does it: an I/O error inside an I/O error.
    fn wrapped(errno: i32) -> io::Error {
        io::Error::other(io::Error::from_raw_os_error(errno))
    }

    #[test]
    fn the_system_says_whose_trouble_it_is() {
        for (errno, cause, local) in [
            (111, Cause::Refused, None),
            (104, Cause::Reset, None),
            (110, Cause::ConnectTimeout, None),
            (113, Cause::Unreachable, None),
            (112, Cause::Unreachable, None),
            (92, Cause::Unreachable, None),
            (ENETUNREACH, Cause::Monitor, Some(Local::NoRoute)),
            (EADDRNOTAVAIL, Cause::Monitor, Some(Local::NoRoute)),
            (EMFILE, Cause::Monitor, None),
            (ENFILE, Cause::Monitor, None),
            (ENOMEM, Cause::Monitor, None),
            (EPERM, Cause::Monitor, Some(Local::Forbidden)),
        ] {
            let fault = failure(&wrapped(errno), &Trace::new(false), "");
            assert_eq!(fault.cause, cause, "errno {errno}: {fault:?}");
            assert_eq!(fault.local, local, "errno {errno}");
            assert_eq!(fault.phase, Some(Phase::Connect));
        }
    }

    #[test]
    fn a_time_out_of_the_kernel_is_told_by_phase() {
        let trace = Trace::new(true);
        for (mark, cause) in [
            (Mark::Connected, Cause::TlsTimeout),
            (Mark::Ready, Cause::ResponseTimeout),
        ] {
            trace.mark(mark);
            assert_eq!(failure(&wrapped(110), &trace, "").cause, cause);
        }
    }
}
