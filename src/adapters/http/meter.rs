//! How much a server may send that brings the check nowhere.
//!
//! A server, or whoever stands before it, can keep a client busy without ever answering: frames of HTTP/2 that carry nothing
//! (WINDOW_UPDATE, PING, those of unknown kinds), interim responses (103), tickets for sessions of TLS. The deadline ends such a flood,
//! but until then it costs a whole processor for each check. So two things are counted on a connection, neither by time, and both for as
//! long as it lasts:
//!
//! - Frames of HTTP/2 that carry no body, or next to none: at most [`limits::IDLE_FRAMES`]. Only their headers are read; what is in them is
//!   the client's affair.
//! - Bytes that bring nothing: what is in those frames beside DATA, what comes before the head of a response of HTTP/1, and records of TLS
//!   with something else than data. At most [`limits::IDLE_BYTES`].
//!
//! What is beyond that is a [`Flood`]. What brings a body is bounded by `max_body`.
//!
//! Where HTTP/2 is spoken is seen by its first byte: a frame of 64 KiB and more is none that anybody may send, and no line of HTTP/1
//! begins with a zero.

use crate::model::limits;

/// What a server sent too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flood {
    /// Bytes that bring nothing.
    #[error("more than {} bytes that bring nothing", limits::IDLE_BYTES)]
    Bytes,
    /// Frames of HTTP/2 that carry no body.
    #[error("more than {} frames without a body", limits::IDLE_FRAMES)]
    Frames {
        /// Which kind there was most of.
        kind: &'static str,
    },
}

/// A record of TLS, as it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// Its bytes on the wire.
    pub(super) size: usize,
    /// What HTTP sees of it; `None` in the records of TLS itself.
    pub(super) data: Option<&'a [u8]>,
    /// The head of the response had come.
    pub(super) answered: bool,
}

/// What one connection has brought.
#[derive(Debug, Default)]
pub(super) struct Meter {
    frames: Option<Frames>,
    begun: bool,
    idle: u64,
}

impl Meter {
    /// A record came.
    pub(super) fn came(&mut self, record: Record<'_>) -> Result<(), Flood> {
        let size = record.size as u64;
        match record.data {
            None | Some([]) => self.idle += size,
            Some(data @ [first, ..]) => {
                if !self.begun {
                    self.begun = true;
                    self.frames = (*first == 0).then(Frames::default);
                }
                match &mut self.frames {
                    Some(frames) => frames.read(data),
                    None if !record.answered => self.idle += size,
                    None => {}
                }
            }
        }
        let (frames, bytes) = match &self.frames {
            Some(frames) => (frames.idle(), frames.bytes),
            None => (0, 0),
        };
        if frames > limits::IDLE_FRAMES {
            let kind = self.frames.as_ref().map_or(UNKNOWN, Frames::most);
            return Err(Flood::Frames { kind });
        }
        if self.idle + bytes > limits::IDLE_BYTES {
            return Err(Flood::Bytes);
        }
        Ok(())
    }
}

/// Kinds of frames (RFC 9113, 6), by their number; the last stands for all others.
const KINDS: [&str; 11] = [
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
    UNKNOWN,
];

const UNKNOWN: &str = "unknown";

/// Length, kind, flags, stream.
const FRAME_HEADER: usize = 9;

/// The flag of a frame that has padding: its first byte is the length of it.
const PADDED: u8 = 8;

/// A DATA frame with less in it is as good as empty.
const DATA_WORTH: u32 = 64;

/// Frames as they pass by, in pieces of any size.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; FRAME_HEADER],
    known: usize,
    /// The next byte is the length of the padding of a DATA frame.
    padding: bool,
    /// Bytes until the next header.
    payload: u32,
    /// How many there were of each kind, and bytes in those that are not DATA.
    idle: [u64; KINDS.len()],
    bytes: u64,
}

impl Frames {
    fn read(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            if self.padding {
                self.padding = false;
                self.payload -= 1;
                self.data(self.payload.saturating_sub(u32::from(*first)));
                bytes = rest;
            } else if self.payload > 0 {
                let skipped = bytes.len().min(self.payload as usize);
                bytes = &bytes[skipped..];
                self.payload -= u32::try_from(skipped).unwrap_or(self.payload);
            } else {
                self.header[self.known] = *first;
                self.known += 1;
                bytes = rest;
                if self.known == FRAME_HEADER {
                    self.known = 0;
                    self.begin();
                }
            }
        }
    }

    fn begin(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.header;
        self.payload = u32::from_be_bytes([0, high, middle, low]);
        if kind != 0 {
            self.idle[usize::from(kind).min(KINDS.len() - 1)] += 1;
            self.bytes += FRAME_HEADER as u64 + u64::from(self.payload);
        } else if flags & PADDED != 0 && self.payload > 0 {
            self.padding = true;
        } else {
            self.data(self.payload);
        }
    }

    /// A DATA frame with so many bytes of a body.
    const fn data(&mut self, bytes: u32) {
        if bytes < DATA_WORTH {
            self.idle[0] += 1;
        }
    }

    fn idle(&self) -> u64 {
        self.idle.iter().sum()
    }

    fn most(&self) -> &'static str {
        let counted = KINDS.iter().zip(self.idle);
        let most = counted.max_by_key(|(_, count)| *count);
        most.map_or(UNKNOWN, |(kind, _)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let [_, high, middle, low] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let header = [high, middle, low, kind, flags, 0, 0, 0, 1];
        [&header, payload].concat()
    }

    fn data(bytes: &[u8]) -> Record<'_> {
        Record {
            size: bytes.len(),
            data: Some(bytes),
            answered: false,
        }
    }

    #[test]
    fn frames_are_counted_in_pieces_of_any_size() {
        let padded = |length: u8, worth: usize| {
            let payload = [vec![length], vec![0xff; worth], vec![0; length.into()]];
            frame(0, PADDED, &payload.concat())
        };
        let stream = [
            frame(4, 0, &[0xff; 18]),
            frame(8, 0, &[0xff; 4]),
            frame(0, 0, &[0xff; 63]),
            frame(0, 0, &[0xff; 64]),
            padded(255, 63),
            padded(255, 64),
            frame(0, PADDED, &[]),
            frame(0xb7, 0, &[]),
            frame(8, 0, &[0xff; 4]),
            frame(8, 0, &[0xff; 4]),
            frame(8, 0, &[0xff; 4]),
        ];
        let stream = stream.concat();
        for size in 1..=stream.len() {
            let mut frames = Frames::default();
            for piece in stream.chunks(size) {
                frames.read(piece);
            }
            assert_eq!(frames.idle(), 9, "pieces of {size}");
            assert_eq!(frames.bytes, 9 * 6 + 18 + 4 * 4, "pieces of {size}");
            assert_eq!(frames.most(), "WINDOW_UPDATE", "pieces of {size}");
        }
    }

    #[test]
    fn one_frame_and_one_byte_more_than_allowed_is_a_flood() {
        let mut meter = Meter::default();
        let ping = frame(6, 0, &[0; 8]);
        for _ in 0..limits::IDLE_FRAMES {
            meter.came(data(&ping)).unwrap();
        }
        let body = frame(0, 0, &[1; 16 * 1024]);
        for _ in 0..4096 {
            meter.came(data(&body)).unwrap();
        }
        let flood = Flood::Frames { kind: "PING" };
        assert_eq!(meter.came(data(&ping)), Err(flood));

        let size = usize::try_from(limits::IDLE_BYTES).unwrap();
        let mut meter = Meter::default();
        let great = frame(0xb7, 0, &vec![0; size / 2 - FRAME_HEADER]);
        meter.came(data(&great)).unwrap();
        meter.came(data(&great)).unwrap();
        assert_eq!(meter.came(data(&ping)), Err(Flood::Bytes));
    }

    #[test]
    fn bytes_of_http_1_count_until_its_head_is_there() {
        let size = usize::try_from(limits::IDLE_BYTES).unwrap();
        let mut meter = Meter::default();
        let line = Record {
            size,
            ..data(b"HTTP/1.1 103 Early Hints")
        };
        meter.came(line).unwrap();
        let page = Record {
            answered: true,
            ..line
        };
        for _ in 0..64 {
            meter.came(page).unwrap();
        }
        let ticket = Record {
            data: None,
            size: 1,
            ..page
        };
        assert_eq!(meter.came(ticket), Err(Flood::Bytes));
        let mut meter = Meter::default();
        meter.came(line).unwrap();
        assert_eq!(meter.came(data(b"H")), Err(Flood::Bytes));
    }
}
