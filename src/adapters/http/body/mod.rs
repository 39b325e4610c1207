//! Reading a response's body: no more than allowed, and as text (`charset`), which alone is kept.
//!
//! Decoded bytes count against `max_body`, so a small compressed body that unfolds without end costs no more memory
//! than a plain one; and an encoded body may take [`limits::ENCODING_ROOM`] more than that on the wire, so one that
//! unfolds to nothing ends too. Either way the rest is not read, which by itself is no fault. Only what the judgement
//! needs is kept, and of the text no more bytes than of the body: a page of `max_body` in Shift_JIS is cut.

mod charset;
mod decode;
#[cfg(test)]
mod properties;

use std::io::{self, Write};

use reqwest::Response;
use reqwest::header::HeaderMap;

use charset::Text;
use decode::{Chain, FULL, Left};

use super::trace::Sight;
use crate::model::{Finding, Quoted, limits};

/// Wire bytes decoded at once; in between, other tasks run and the deadline may strike.
const SLICE: usize = 16 * 1024;

/// A body while it is read.
pub(super) struct Body {
    text: Text,
    read: u64,
    left: Option<Left>,
    /// It came to its end.
    ended: bool,
}

/// What was read of a body.
#[derive(Debug)]
pub(super) struct Page {
    /// The part of the text that was kept.
    pub(super) text: String,
    /// Decoded bytes that were read.
    pub(super) read: u64,
    /// There was more than the cap, or not all of it came.
    pub(super) capped: bool,
    /// The text is all of it.
    pub(super) whole: bool,
    /// Its encoding is not one that is undone: there is no text, and this is why.
    pub(super) encoded: Option<Finding>,
    /// Its header names as an encoding what is none.
    pub(super) ignored: Option<Finding>,
}

impl Body {
    /// A body of which this much text is kept.
    pub(super) fn of(headers: &HeaderMap, keep: u64) -> Self {
        Self {
            text: Text::of(headers, keep),
            read: 0,
            left: decode::left(headers),
            ended: false,
        }
    }

    /// What was read.
    pub(super) fn end(self) -> Page {
        let capped = !self.ended;
        let (text, cut) = self.text.end();
        // Without a byte there was nothing to undo.
        let (encoded, ignored) = match self.left.filter(|_| self.read > 0) {
            Some(Left::Encoded(finding)) => (Some(finding), None),
            Some(Left::Plain(finding)) => (None, Some(finding)),
            None => (None, None),
        };
        Page {
            text,
            read: self.read,
            capped,
            whole: !capped && !cut,
            encoded,
            ignored,
        }
    }
}

/// Why a body could not be read.
#[derive(Debug)]
pub(super) enum Broken {
    /// It did not arrive.
    Wire(reqwest::Error),
    /// It arrived, but is not what its `Content-Encoding` says.
    Encoding(Finding),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Encoding(Finding::EncodingBroken {
            why: Quoted::new(&error.to_string()),
        })
    }
}

/// Reads at most `cap` decoded bytes into `body`, which holds what came also when the rest does not come.
pub(super) async fn read(
    response: &mut Response,
    headers: &HeaderMap,
    cap: u64,
    sight: &Sight,
    body: &mut Body,
) -> Result<(), Broken> {
    let limit = cap.saturating_add(limits::ENCODING_ROOM);
    let mut kept = Kept { body, sight };
    let mut chain = Chain::try_of(headers, limit, &mut kept, cap);
    let mut fed = 0;
    while let Some(chunk) = response.chunk().await.map_err(Broken::Wire)? {
        for slice in chunk.chunks(SLICE) {
            let chain = chain.as_mut();
            let chain = chain.map_err(|finding| Broken::Encoding(finding.clone()))?;
            if is_full(feed(chain, slice))? {
                return Ok(());
            }
            fed += slice.len();
            if fed >= SLICE {
                fed = 0;
                tokio::task::yield_now().await;
            }
        }
    }
    let ended = chain.map_or(Ok(()), Chain::finish);
    body.ended = !is_full(ended)?;
    Ok(())
}

/// What came is decoded at once, so that it is known also when nothing more comes.
fn feed(chain: &mut Chain<'_>, bytes: &[u8]) -> io::Result<()> {
    chain.write_all(bytes)?;
    chain.flush()
}

/// Whether a cap was reached.
fn is_full(fed: io::Result<()>) -> Result<bool, Broken> {
    match fed {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == FULL => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Keeps what is decoded.
struct Kept<'b> {
    body: &'b mut Body,
    sight: &'b Sight,
}

impl Write for Kept<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !matches!(self.body.left, Some(Left::Encoded(_))) {
            self.body.text.push(bytes);
        }
        self.body.read += bytes.len() as u64;
        self.sight
            .learn(|result| result.body_bytes = self.body.read);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
