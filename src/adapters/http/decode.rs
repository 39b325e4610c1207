//! Undoing a body's `Content-Encoding`, step by step, so that caps hold between any two steps. Codings in
//! `Transfer-Encoding` other than `chunked`, which nobody asked for, lie around it and are undone alike.
//!
//! Read are `gzip` (also `x-gzip`, and several members one after the other), `br`, and `deflate` in both forms found
//! in the wild, with zlib's frame and without; `identity` and curl's `none` stand for the bytes as they are. At most
//! two encodings are undone, the last one first. What follows the end of a stream is skipped, as browsers do. A body
//! without a byte has nothing to undo, whatever its header says.
//!
//! No decoder is given more than a limit of bytes: the wire's to the first, the first one's output to the second. So
//! a stream that unfolds to nothing ends as soon as one that unfolds without end.

use std::io::{self, Write};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};
use reqwest::header::{self, HeaderMap};

use crate::model::{Finding, Quoted};

/// Encodings that are undone; more than one is rare, more than two is an attack.
const MOST: usize = 2;

/// Made by one step of brotli. The flate decoders hold as much themselves.
const STEP: usize = 32 * 1024;

/// What the encodings were put around.
pub(super) trait Sink {
    /// Takes bytes; `Full` when it wants no more.
    fn take(&mut self, bytes: &[u8]) -> Flow;
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// More is welcome.
    On,
    /// A cap is reached.
    Full,
}

/// The decoders of one body, the one nearest to the wire first.
pub(super) struct Decoders {
    coats: Vec<Coat>,
}

impl Decoders {
    /// The decoders that the headers ask for. `limit`: bytes that each of them may be given.
    ///
    /// # Errors
    /// For an encoding that is not known, or for too many.
    pub(super) fn try_of(headers: &HeaderMap, limit: u64) -> Result<Self, Finding> {
        let mut coats = vec![];
        let transfer = headers.get_all(header::TRANSFER_ENCODING);
        for value in headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .chain(transfer)
        {
            let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            for word in value.split(',').map(str::trim) {
                let stage = match word {
                    // `chunked` belongs to the framing, which is undone already.
                    "" | "identity" | "none" | "chunked" => continue,
                    "gzip" | "x-gzip" => Stage::Gzip(GzDecoder::new(vec![])),
                    "deflate" => Stage::Deflate,
                    "br" => Stage::Brotli(Box::default()),
                    _ => {
                        let word = Quoted::new(word);
                        return Err(Finding::EncodingUnknown { word });
                    }
                };
                coats.push(Coat {
                    stage,
                    limit,
                    given: 0,
                    over: false,
                });
                if coats.len() > MOST {
                    let most = MOST as u64;
                    return Err(Finding::EncodedTooOften { most });
                }
            }
        }
        coats.reverse();
        Ok(Self { coats })
    }

    /// Undoes the encodings of the next bytes of the wire.
    ///
    /// # Errors
    /// When they are not what the header says.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) -> io::Result<Flow> {
        feed(&mut self.coats, bytes, sink)
    }

    /// The wire has ended.
    ///
    /// # Errors
    /// When a stream has not, or its checksum is wrong.
    pub(super) fn finish(mut self, sink: &mut impl Sink) -> io::Result<Flow> {
        let mut coats = self.coats.as_mut_slice();
        while let Some((coat, inner)) = coats.split_first_mut() {
            if coat.given > 0 && !coat.over {
                coat.stage.finish()?;
                if feed(inner, &coat.stage.made(), sink)? == Flow::Full {
                    return Ok(Flow::Full);
                }
            }
            coats = inner;
        }
        Ok(Flow::On)
    }
}

/// One encoding.
struct Coat {
    stage: Stage,
    limit: u64,
    given: u64,
    over: bool,
}

fn feed(coats: &mut [Coat], bytes: &[u8], sink: &mut impl Sink) -> io::Result<Flow> {
    let Some((coat, inner)) = coats.split_first_mut() else {
        return Ok(sink.take(bytes));
    };
    let left = usize::try_from(coat.limit - coat.given).unwrap_or(usize::MAX);
    let mut part = bytes.get(..left).unwrap_or(bytes);
    coat.given += part.len() as u64;
    let cut = part.len() < bytes.len();
    let mut pending = !part.is_empty();
    while pending && !coat.over {
        let step = coat.stage.step(part)?;
        part = part.get(step.taken..).unwrap_or_default();
        pending = step.more || !part.is_empty();
        coat.over = step.over;
        if feed(inner, &coat.stage.made(), sink)? == Flow::Full {
            return Ok(Flow::Full);
        }
    }
    Ok(if cut { Flow::Full } else { Flow::On })
}

/// What a step did.
struct Step {
    /// Bytes of the input.
    taken: usize,
    /// It could go on without input.
    more: bool,
    /// The stream has ended; what follows is none of it.
    over: bool,
}

/// A decoder; what it made waits in it until it is fetched.
enum Stage {
    Gzip(GzDecoder<Vec<u8>>),
    /// Zlib's frame or not: the first byte will tell.
    Deflate,
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
    Brotli(Box<Brotli>),
}

impl Stage {
    /// One step with `input`, which is empty only after a step that had `more`.
    fn step(&mut self, input: &[u8]) -> io::Result<Step> {
        if matches!(self, Self::Deflate) {
            *self = match input.first() {
                // Method 8, window up to 32 KiB. As raw deflate it were a stored block with dirty padding.
                Some(first) if first & 0x8f == 8 => Self::Zlib(ZlibDecoder::new(vec![])),
                Some(_) => Self::Raw(DeflateDecoder::new(vec![])),
                None => Self::Deflate,
            };
        }
        let taken = match self {
            Self::Gzip(gzip) => match gzip.write(input)? {
                0 => return Self::next_member(gzip, input),
                taken => taken,
            },
            Self::Zlib(zlib) => zlib.write(input)?,
            Self::Raw(raw) => raw.write(input)?,
            Self::Brotli(brotli) => return brotli.step(input),
            Self::Deflate => input.len(),
        };
        if taken == 0 {
            self.finish()?;
        }
        Ok(Step {
            taken,
            more: false,
            over: taken == 0,
        })
    }

    /// A gzip member has ended and this follows it.
    fn next_member(gzip: &mut GzDecoder<Vec<u8>>, input: &[u8]) -> io::Result<Step> {
        gzip.try_finish()?;
        let over = input.first() != Some(&0x1f);
        if !over {
            let made = std::mem::take(gzip.get_mut());
            *gzip = GzDecoder::new(made);
        }
        Ok(Step {
            taken: 0,
            more: !over,
            over,
        })
    }

    fn made(&mut self) -> Vec<u8> {
        match self {
            Self::Gzip(gzip) => std::mem::take(gzip.get_mut()),
            Self::Zlib(zlib) => std::mem::take(zlib.get_mut()),
            Self::Raw(raw) => std::mem::take(raw.get_mut()),
            Self::Brotli(brotli) => std::mem::take(&mut brotli.made),
            Self::Deflate => vec![],
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(gzip) => gzip.try_finish(),
            Self::Zlib(zlib) => zlib.try_finish(),
            Self::Raw(raw) => raw.try_finish(),
            // It says by itself when it is over.
            Self::Brotli(_) => Err(io::Error::other("incomplete brotli stream")),
            Self::Deflate => Ok(()),
        }
    }
}

struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    made: Vec<u8>,
    total: usize,
}

impl Default for Brotli {
    fn default() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            // Strict: windows up to 16 MiB as HTTP has them (RFC 7932), not those of 1 GiB that the format also knows.
            state: BrotliState::new_strict(alloc(), alloc(), alloc()),
            made: vec![],
            total: 0,
        }
    }
}

impl Brotli {
    fn step(&mut self, input: &[u8]) -> io::Result<Step> {
        let (mut left, mut taken) = (input.len(), 0);
        let (mut room, mut length) = (STEP, 0);
        self.made.resize(STEP, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut taken,
            input,
            &mut room,
            &mut length,
            &mut self.made,
            &mut self.total,
            &mut self.state,
        );
        self.made.truncate(length);
        let (more, over) = match result {
            BrotliResult::NeedsMoreInput => (false, false),
            BrotliResult::NeedsMoreOutput => (true, false),
            BrotliResult::ResultSuccess => (false, true),
            BrotliResult::ResultFailure => {
                return Err(io::Error::other("corrupt brotli stream"));
            }
        };
        Ok(Step { taken, more, over })
    }
}
