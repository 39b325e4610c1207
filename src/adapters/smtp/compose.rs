//! A letter as the bytes that go over the wire: the same letter, the same bytes.
//!
//! The mail library's builder writes every header but the subject, which `encoded` makes of letters that cannot end a line,
//! so that no value can become a second header. Bodies are
//! quoted-printable, which needs no 8BITMIME and no line longer than 76 characters; the boundary follows from the
//! message id. A picture hangs on the HTML (`multipart/related`), in base64.

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::model::{Timestamp, fnv1a};
use crate::render::mail::Letter;

use super::encoded;

/// Why a letter cannot be put into bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// `from` or `to`.
    #[error("`{text}` is no mail address that can be used ({why}); correct it in `alerts.email`")]
    Address {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A header's name.
    #[error("`{0}` is no header name")]
    HeaderName(String),
    /// The library refused the whole.
    #[error("{0}")]
    Message(String),
}

/// A message and its envelope.
pub(super) struct Parcel {
    /// Who sends.
    pub(super) from: Address,
    /// The one recipient.
    pub(super) to: Address,
    /// Header and body with CRLF line ends, dots not yet doubled.
    pub(super) bytes: Vec<u8>,
}

/// The bytes of a letter, with CRLF line ends.
///
/// # Errors
/// When `from` or `to` is no ASCII mail address.
pub fn bytes(letter: &Letter) -> Result<Vec<u8>, BuildError> {
    parcel(letter).map(|parcel| parcel.bytes)
}

/// The bytes with their envelope.
pub(super) fn parcel(letter: &Letter) -> Result<Parcel, BuildError> {
    let from = mailbox(&letter.from)?;
    let to = mailbox(&letter.to)?;
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.email.clone()])
        .map_err(|fault| BuildError::Message(fault.to_string()))?;
    let (sender, recipient) = (from.email.clone(), to.email.clone());
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(from)
        .to(to)
        .date(UNIX_EPOCH + since_epoch(letter.date))
        .message_id(Some(letter.message_id.clone()));
    builder = builder.raw_header(subject(&letter.subject)?);
    if let Some(first) = &letter.in_reply_to {
        builder = builder.in_reply_to(first.clone());
    }
    if !letter.references.is_empty() {
        builder = builder.references(letter.references.join(" "));
    }
    for (name, value) in &letter.headers {
        let known = HeaderName::new_from_ascii(name.clone())
            .map_err(|_| BuildError::HeaderName(name.clone()))?;
        builder = builder.raw_header(HeaderValue::new(known, value.clone()));
    }
    let message = builder
        .multipart(alternatives(letter))
        .map_err(|fault| BuildError::Message(fault.to_string()))?;
    Ok(Parcel {
        from: sender,
        to: recipient,
        bytes: message.formatted(),
    })
}

/// Encoded by ourselves: the library cuts words wherever a line ends.
fn subject(text: &str) -> Result<HeaderValue, BuildError> {
    const NAME: &str = "Subject";
    let name = HeaderName::new_from_ascii(NAME.to_owned())
        .map_err(|_| BuildError::HeaderName(NAME.to_owned()))?;
    let value = encoded::header(NAME, text);
    Ok(HeaderValue::dangerous_new_pre_encoded(
        name,
        text.to_owned(),
        value,
    ))
}

fn alternatives(letter: &Letter) -> MultiPart {
    let hash = fnv1a([letter.message_id.as_bytes()]);
    let text = part(ContentType::TEXT_PLAIN, letter.text.clone());
    let html = part(ContentType::TEXT_HTML, letter.html.clone());
    let alternatives = MultiPart::alternative()
        .boundary(format!("=_probe_{hash:016x}"))
        .singlepart(text);
    match letter.figure.as_ref().zip(picture()) {
        None => alternatives.singlepart(html),
        Some((figure, kind)) => {
            let inline = Attachment::new_inline(figure.id.clone()).body(figure.png.clone(), kind);
            let related = MultiPart::related()
                .boundary(format!("=_probe_{hash:016x}_p"))
                .singlepart(html)
                .singlepart(inline);
            alternatives.multipart(related)
        }
    }
}

fn picture() -> Option<ContentType> {
    ContentType::parse("image/png").ok()
}

fn part(content_type: ContentType, text: String) -> SinglePart {
    SinglePart::builder()
        .header(content_type)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(text)
}

fn mailbox(text: &str) -> Result<Mailbox, BuildError> {
    let refuse = |why: &str| BuildError::Address {
        text: text.to_owned(),
        why: why.to_owned(),
    };
    let mailbox: Mailbox = text
        .parse()
        .map_err(|fault: lettre::address::AddressError| refuse(&fault.to_string()))?;
    let address: &str = mailbox.email.as_ref();
    if address.is_ascii() {
        Ok(mailbox)
    } else {
        Err(refuse(
            "relays take addresses in ASCII only; write the domain as xn--…",
        ))
    }
}

/// Mail dates have whole seconds and begin in 1970.
fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(at.0.div_euclid(1000)).unwrap_or(0))
}
