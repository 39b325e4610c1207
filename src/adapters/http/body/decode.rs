//! Undoing a body's `Content-Encoding`, while it comes: a chain of decoders, each a [`Write`] that writes what it makes to the
//! next. Codings in `Transfer-Encoding` other than `chunked`, which nobody asked for, lie around it and are undone alike.
//!
//! Read are `gzip` (also `x-gzip`, and several members one after the other), `br`, and `deflate` in both forms found
//! in the wild, with zlib's frame and without; `identity` and curl's `none` stand for the bytes as they are. At most
//! two encodings are undone, the last one first. What follows the end of a stream is skipped, as browsers do. A body
//! without a byte has nothing to undo, whatever its header says. A word that is no encoding (`utf-8`, `text/html`, `binary`) is a common
//! slip; browsers ignore it, and so does this. One that is an encoding and cannot be undone here (`zstd`) leaves no text.
//!
//! Before each decoder and behind the last one stands a cap, which ends the whole with [`FULL`]: no decoder is given more than
//! a limit of bytes, and none makes more than the next one takes. So a stream that unfolds to nothing ends as soon as one
//! that unfolds without end.

use std::io::{self, ErrorKind, Write};

use brotli_decompressor::BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW;
use brotli_decompressor::DecompressorWriter;
use flate2::Decompress;
use flate2::write::{GzDecoder, ZlibDecoder};
use reqwest::header::{self, HeaderMap};

use crate::model::{Finding, Quoted};

/// Encodings that others undo and nobody asked for (IANA's list of HTTP content codings).
const ENCODINGS: [&str; 8] = [
    "aes128gcm",
    "compress",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
    "x-compress",
    "zstd",
];

/// Encodings that are undone; more than one is rare, more than two is an attack.
const MOST: usize = 2;

/// Made by one step of brotli. The flate decoders hold as much themselves.
const STEP: usize = 32 * 1024;

/// The error of a cap that is reached.
pub(super) const FULL: ErrorKind = ErrorKind::QuotaExceeded;

/// Takes the bytes of the wire, or of what an encoding was put around: so many, and no more.
pub(super) struct Chain<'s> {
    left: u64,
    next: Next<'s>,
}

enum Next<'s> {
    /// `None` behind an error.
    Decoder(Option<Box<Stage<'s>>>),
    Sink(&'s mut (dyn Write + Send)),
}

impl<'s> Chain<'s> {
    /// The decoders that the headers ask for; of a `Content-Encoding` that is not known nothing is undone. `limit`: bytes that each of them may be
    /// given; `cap`: those that `sink` may.
    ///
    /// # Errors
    /// For too many, and for a `Transfer-Encoding` that is not known.
    pub(super) fn try_of(
        headers: &HeaderMap,
        limit: u64,
        sink: &'s mut (dyn Write + Send),
        cap: u64,
    ) -> Result<Self, Finding> {
        let mut chain = Self {
            left: cap,
            next: Next::Sink(sink),
        };
        let mut undone = 0;
        for (word, transfer) in words(headers) {
            let coding = match coding(&word) {
                Ok(Some(coding)) => coding,
                // How the body is framed must be known.
                Err(()) if transfer => {
                    let word = Quoted::new(&word);
                    return Err(Finding::EncodingUnknown { word });
                }
                Ok(None) | Err(()) => continue,
            };
            undone += 1;
            if undone > MOST {
                let most = MOST as u64;
                return Err(Finding::EncodedTooOften { most });
            }
            let stage = Box::new(Stage::Before(coding, chain));
            chain = Self {
                left: limit,
                next: Next::Decoder(Some(stage)),
            };
        }
        Ok(chain)
    }

    /// The wire has ended.
    ///
    /// # Errors
    /// When a stream has not, or its checksum is wrong; [`FULL`].
    pub(super) fn finish(self) -> io::Result<()> {
        match self.next {
            Next::Decoder(stage) => stage.ok_or(ErrorKind::BrokenPipe)?.end()?.finish(),
            Next::Sink(_) => Ok(()),
        }
    }
}

impl Write for Chain<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        if left == 0 && !bytes.is_empty() {
            return Err(FULL.into());
        }
        let part = bytes.get(..left).unwrap_or(bytes);
        let taken = match &mut self.next {
            Next::Decoder(stage) => decode(stage, part)?,
            Next::Sink(sink) => sink.write(part)?,
        };
        self.left -= taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.next {
            Next::Decoder(stage) => stage.as_mut().ok_or(ErrorKind::BrokenPipe)?.flush(),
            Next::Sink(sink) => sink.flush(),
        }
    }
}

/// A word of a header, and whether that is `Transfer-Encoding`.
type Word = (String, bool);

/// The words of both headers, in the order in which the codings were put around the body.
fn words(headers: &HeaderMap) -> Vec<Word> {
    let both = [
        (header::CONTENT_ENCODING, false),
        (header::TRANSFER_ENCODING, true),
    ];
    let there = both
        .into_iter()
        .filter(|(name, _)| headers.contains_key(name));
    there
        .flat_map(|(name, transfer)| {
            headers.get_all(name).into_iter().flat_map(move |value| {
                let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
                let words = value
                    .split(',')
                    .map(|word| (word.trim().to_owned(), transfer));
                words.collect::<Vec<_>>()
            })
        })
        .collect()
}

/// What a word asks to undo; an error where it is not known.
fn coding(word: &str) -> Result<Option<Coding>, ()> {
    match word {
        // `chunked` belongs to the framing, which is undone already.
        "" | "identity" | "none" | "chunked" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Coding::Gzip)),
        "deflate" => Ok(Some(Coding::Deflate)),
        "br" => Ok(Some(Coding::Brotli)),
        _ => Err(()),
    }
}

/// What is to be said of the codings that are not undone, the first of them.
pub(super) fn left(headers: &HeaderMap) -> Option<Left> {
    if !headers.contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    let (word, _) = words(headers)
        .into_iter()
        .find(|(word, transfer)| !transfer && coding(word).is_err())?;
    let encoded = ENCODINGS.contains(&word.as_str());
    let word = Quoted::new(&word);
    Some(if encoded {
        Left::Encoded(Finding::EncodingUnknown { word })
    } else {
        Left::Plain(Finding::EncodingIgnored { word })
    })
}

/// What a body is whose coding is not undone.
#[derive(Debug, Clone)]
pub(super) enum Left {
    /// Something that is an encoding: the bytes are no text.
    Encoded(Finding),
    /// Whatever it is, no encoding: the bytes are taken as they stand.
    Plain(Finding),
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// How far one encoding is undone.
enum Stage<'s> {
    /// The first byte will tell which form it has.
    Before(Coding, Chain<'s>),
    Gzip(GzDecoder<Chain<'s>>),
    Deflate(ZlibDecoder<Chain<'s>>),
    Brotli(Box<DecompressorWriter<Chain<'s>>>),
    /// The stream has ended; what follows is none of it.
    After(Chain<'s>),
}

impl<'s> Stage<'s> {
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Before(_, next) | Self::After(next) => next.flush(),
            Self::Gzip(decoder) => decoder.flush(),
            Self::Deflate(decoder) => decoder.flush(),
            Self::Brotli(decoder) => decoder.flush(),
        }
    }

    /// The stage behind this one, when this byte follows.
    fn then(self, byte: u8) -> io::Result<Self> {
        Ok(match self {
            Self::Before(Coding::Gzip, next) => Self::Gzip(GzDecoder::new(next)),
            Self::Before(Coding::Deflate, next) => {
                // Method 8, window up to 32 KiB. As raw deflate it were a stored block with dirty padding.
                let framed = Decompress::new(byte & 0x8f == 8);
                Self::Deflate(ZlibDecoder::new_with_decompress(next, framed))
            }
            Self::Before(Coding::Brotli, next) => {
                let mut decoder = Box::new(DecompressorWriter::new(next, STEP));
                // Windows up to 16 MiB as HTTP has them (RFC 7932), not those of 1 GiB that the format also knows.
                decoder.set_parameter(BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                Self::Brotli(decoder)
            }
            // Another member.
            Self::Gzip(decoder) if byte == 0x1f => Self::Gzip(GzDecoder::new(decoder.finish()?)),
            Self::Gzip(_) | Self::Deflate(_) | Self::Brotli(_) | Self::After(_) => {
                Self::After(self.end()?)
            }
        })
    }

    /// What the encoding was put around.
    fn end(self) -> io::Result<Chain<'s>> {
        match self {
            Self::Before(_, next) | Self::After(next) => Ok(next),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Deflate(decoder) => decoder.finish(),
            Self::Brotli(decoder) => {
                let ended = decoder.into_inner();
                ended.map_err(|_| io::Error::other("incomplete brotli stream"))
            }
        }
    }
}

/// Gives bytes to a decoder, of which there is at least one; how many it took, also at least one.
fn decode(at: &mut Option<Box<Stage<'_>>>, bytes: &[u8]) -> io::Result<usize> {
    loop {
        let mut stage = at.take().ok_or(ErrorKind::BrokenPipe)?;
        let taken = match &mut *stage {
            Stage::Before(..) => 0,
            Stage::After(_) => bytes.len(),
            Stage::Gzip(decoder) => decoder.write(bytes)?,
            Stage::Deflate(decoder) => decoder.write(bytes)?,
            Stage::Brotli(decoder) => decoder.write(bytes).map_err(told)?,
        };
        let Some(next) = bytes.first().filter(|_| taken == 0) else {
            *at = Some(stage);
            return Ok(taken);
        };
        *at = Some(Box::new(stage.then(*next)?));
    }
}

/// Brotli's error is of a kind that no other decoder's is, and says nothing.
fn told(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::InvalidData {
        io::Error::other("corrupt brotli stream")
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coding: &'static str, bytes: &[u8], limit: u64, cap: u64) -> io::Result<Vec<u8>> {
        let coding = header::HeaderValue::from_static(coding);
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, coding)]);
        let mut made = Vec::new();
        let mut chain = Chain::try_of(&headers, limit, &mut made, cap).unwrap();
        chain.write_all(bytes)?;
        chain.finish().map(|()| made)
    }

    #[test]
    fn a_cap_is_reached_only_by_what_is_beyond_it() {
        let page = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x02\x00\xfd\xffhi\xac\x2a\x93\xd8\x02\0\0\0";
        let wire = page.len() as u64;
        assert_eq!(decoded("gzip", page, wire, 2).unwrap(), b"hi");
        for (limit, cap) in [(wire - 1, 2), (wire, 1)] {
            let full = decoded("gzip", page, limit, cap).unwrap_err();
            assert_eq!(full.kind(), FULL, "{limit} {cap}");
        }
    }

    /// An empty stream whose window, of 1 GiB, is none of RFC 7932.
    #[test]
    fn a_window_that_http_does_not_have_is_refused() {
        let refused = decoded("br", b"\x11\xde", 10, 10).unwrap_err();
        assert_eq!(refused.to_string(), "corrupt brotli stream");
    }
}
