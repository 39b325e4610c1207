//! Reading a response's body: no more than allowed, and as text (`charset`), which alone is kept.
//!
//! Decoded bytes count against `max_body`, so a small compressed body that unfolds without end costs no more memory
//! than a plain one; and an encoded body may take [`limits::ENCODING_ROOM`] more than that on the wire, so one that
//! unfolds to nothing ends too. Either way the rest is not read, which by itself is no fault. Only what the judgement
//! needs is kept, and of the text no more bytes than of the body: a page of `max_body` in Shift_JIS is cut.

use reqwest::Response;
use reqwest::header::HeaderMap;

use super::charset::Text;
use super::decode::{Decoders, Flow, Sink};
use super::trace::Sight;
use crate::model::{Finding, Quoted, limits};

/// Wire bytes decoded at once; in between, other tasks run and the deadline may strike.
const SLICE: usize = 16 * 1024;

/// A body while it is read.
pub(super) struct Body {
    text: Text,
    read: u64,
    capped: bool,
}

/// What was read of a body.
#[derive(Debug)]
pub(super) struct Page {
    /// The part of the text that was kept.
    pub(super) text: String,
    /// Decoded bytes that were read.
    pub(super) read: u64,
    /// There was more than the cap.
    pub(super) capped: bool,
    /// The text is all of it.
    pub(super) whole: bool,
}

impl Body {
    /// A body of which this much text is kept.
    pub(super) fn of(headers: &HeaderMap, keep: u64) -> Self {
        Self {
            text: Text::of(headers, keep),
            read: 0,
            capped: false,
        }
    }

    /// What was read. `broken_off`: not as far as it was wanted.
    pub(super) fn end(self, broken_off: bool) -> Page {
        let capped = self.capped || broken_off;
        let (text, cut) = self.text.end();
        Page {
            text,
            read: self.read,
            capped,
            whole: !capped && !cut,
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

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
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
    let mut decoders = Decoders::try_of(headers, limit);
    let (mut kept, mut fed) = (Kept { body, cap }, 0);
    while let Some(chunk) = response.chunk().await.map_err(Broken::Wire)? {
        for slice in chunk.chunks(SLICE) {
            let decoders = decoders.as_mut();
            let decoders = decoders.map_err(|finding| Broken::Encoding(finding.clone()))?;
            let flow = decoders.feed(slice, &mut kept);
            sight.learn(|result| result.body_bytes = kept.body.read);
            if flow? == Flow::Full {
                kept.body.capped = true;
                return Ok(());
            }
            fed += slice.len();
            if fed >= SLICE {
                fed = 0;
                tokio::task::yield_now().await;
            }
        }
    }
    if let Ok(decoders) = decoders {
        let ended = decoders.finish(&mut kept);
        sight.learn(|result| result.body_bytes = kept.body.read);
        kept.body.capped = ended? == Flow::Full;
    }
    Ok(())
}

/// The decoded body, between its caps.
struct Kept<'b> {
    body: &'b mut Body,
    cap: u64,
}

impl Sink for Kept<'_> {
    fn take(&mut self, bytes: &[u8]) -> Flow {
        let left = usize::try_from(self.cap - self.body.read).unwrap_or(usize::MAX);
        let part = bytes.get(..left).unwrap_or(bytes);
        self.body.text.push(part);
        self.body.read += part.len() as u64;
        if part.len() < bytes.len() {
            Flow::Full
        } else {
            Flow::On
        }
    }
}
