//! What a relay says: a code of three digits and lines of text (RFC 5321, 4.2), taken as relays really send it.
//!
//! A line ends with CRLF or with LF alone. The text may be missing, with and without the blank or the hyphen before it; it may be of any
//! bytes. A code that changes within one reply, and a line without a code, are no reply.

use std::collections::BTreeSet;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    lines: Vec<String>,
}

/// A reply so far.
#[derive(Debug, Default)]
pub(super) struct Growing {
    code: Option<u16>,
    lines: Vec<String>,
}

impl Growing {
    /// Takes the next line, its end included; a reply when it was the last. `Err`: this is not SMTP.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, ()> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (digits, rest) = line.split_at_checked(3).ok_or(())?;
        if !digits.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&digits[0]) {
            return Err(());
        }
        let code = digits
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        if *self.code.get_or_insert(code) != code {
            return Err(());
        }
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(()),
        };
        let text = String::from_utf8_lossy(text);
        self.lines.push(text.trim().to_owned());
        Ok(last.then(|| Reply {
            code,
            lines: std::mem::take(&mut self.lines),
        }))
    }
}

impl Reply {
    /// It was done.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self.code, 200..300)
    }

    /// It was not, now or for good.
    pub(super) const fn is_no(&self) -> bool {
        self.code >= 400
    }

    /// `250 2.1.0 Ok`: the lines as one; an enhanced code (RFC 3463) that each of them repeats stands there once.
    pub(super) fn words(&self) -> String {
        let first = self.lines.first().map_or("", String::as_str);
        let mark = first.split(' ').next().filter(|word| is_enhanced(word));
        let mut words = format!("{} {first}", self.code);
        for line in self.lines.iter().skip(1) {
            let after = mark.and_then(|mark| line.strip_prefix(mark));
            let told = after.filter(|rest| rest.starts_with(' ')).unwrap_or(line);
            words.push(' ');
            words.push_str(told.trim_start());
        }
        words.trim_end().to_owned()
    }

    /// The first line alone.
    pub(super) fn head(&self) -> String {
        let first = self.lines.first().map_or("", String::as_str);
        format!("{} {first}", self.code).trim_end().to_owned()
    }
}

fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number)
}

/// What we use of what an EHLO says that a relay can do; keywords count in any case (RFC 5321, 2.4).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// It would begin TLS.
    pub(super) starttls: bool,
    /// Ways to log in, in capitals, in the order in which they stand; `AUTH=` is how the word was written before RFC 2554.
    pub(super) logins: Vec<String>,
    eight_bit: bool,
}

impl Offers {
    /// Of the reply to an EHLO.
    pub(super) fn of(reply: &Reply) -> Self {
        let mut offers = Self::default();
        let mut known = BTreeSet::new();
        for line in &reply.lines {
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_whitespace();
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("AUTH") => {
                    let words = words.map(str::to_owned);
                    offers
                        .logins
                        .extend(words.filter(|word| known.insert(word.clone())));
                }
                Some(_) | None => {}
            }
        }
        offers
    }

    /// `STARTTLS, AUTH PLAIN LOGIN`.
    pub(super) fn shown(&self) -> String {
        let logins = format!("AUTH {}", self.logins.join(" "));
        let parts = [
            self.starttls.then_some("STARTTLS"),
            (!self.logins.is_empty()).then_some(logins.as_str()),
            self.eight_bit.then_some("8BITMIME"),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            "nothing we use".to_owned()
        } else {
            parts.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reply that a text is, and how many bytes of it.
    fn read(text: &[u8]) -> Result<Option<Reply>, ()> {
        let mut growing = Growing::default();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if let Some(reply) = growing.line(line)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    #[test]
    fn replies_as_relays_send_them() {
        let table: [(&[u8], &str); 13] = [
            (b"250 ok\r\n", "250 ok"),
            (b"250 ok\n", "250 ok"),
            (b"250\r\n", "250"),
            (b"250\n", "250"),
            (b"250 \r\n", "250"),
            (b"250-\r\n250 \r\n", "250"),
            (
                b"220-guarded by\r\n220-the devil\r\n220\r\n",
                "220 guarded by the devil",
            ),
            (b"220-a\n220-b\r\n220 c\n", "220 a b c"),
            (b"250 \xe9t\xe9\r\n", "250 \u{fffd}t\u{fffd}"),
            (
                b"550-5.7.1 no\r\n550-5.7.1  mail\r\n550 5.7.1 from you\r\n",
                "550 5.7.1 no mail from you",
            ),
            (
                b"550-5.7.2 no\r\n550 5.7.25 mail\r\n",
                "550 5.7.2 no 5.7.25 mail",
            ),
            (b"550-5.7.2\r\n550 5.7.2\r\n", "550 5.7.2 5.7.2"),
            (b"421 4.3.2 \tgo away \r\r\n", "421 4.3.2 \tgo away"),
        ];
        for (text, words) in table {
            let shown = String::from_utf8_lossy(text);
            let reply = read(text).unwrap().unwrap();
            assert_eq!(reply.words(), words, "{shown:?}");
        }
    }

    #[test]
    fn what_is_no_reply() {
        let table: [&[u8]; 12] = [
            b"\r\n",
            b"25\r\n",
            b"2x0 ok\r\n",
            b"250ok\r\n",
            b"2500 ok\r\n",
            b"150 ok\r\n",
            b"650 ok\r\n",
            b" 250 ok\r\n",
            b"HTTP/1.1 400 Bad Request\r\n",
            b"250-ok\r\n550 no\r\n",
            b"250-ok\r\n\r\n250 ok\r\n",
            b"\xff\xff\xff\r\n",
        ];
        for text in table {
            assert_eq!(read(text), Err(()), "{:?}", String::from_utf8_lossy(text));
        }
        assert_eq!(read(b"250-ok\r\n250-more\r\n"), Ok(None));
    }

    #[test]
    fn offers_count_in_any_case_and_spelling() {
        for (text, shown) in [
            ("250 me\n", "nothing we use"),
            ("250\n", "nothing we use"),
            ("250-me\n250-STARTTLS\n250 8BITMIME\n", "STARTTLS, 8BITMIME"),
            ("250-me\n250-starttls\n250 8bitmime\n", "STARTTLS, 8BITMIME"),
            ("250-me\n250 auth login Plain\n", "AUTH LOGIN PLAIN"),
            (
                "250-me\n250-AUTH  LOGIN\tPLAIN \n250 SIZE\n",
                "AUTH LOGIN PLAIN",
            ),
            ("250-me\n250 AUTH=LOGIN\n", "AUTH LOGIN"),
            (
                "250-me\n250-Auth=login PLAIN\n250 AUTH PLAIN CRAM-MD5\n",
                "AUTH LOGIN PLAIN CRAM-MD5",
            ),
            ("250-me\n250 AUTHENTICATE PLAIN\n", "nothing we use"),
            ("250-me\n250 X-AUTH=PLAIN\n", "nothing we use"),
            ("250-me\n250 AUTH\n", "nothing we use"),
        ] {
            let reply = read(text.as_bytes()).unwrap().unwrap();
            assert_eq!(Offers::of(&reply).shown(), shown, "{text:?}");
        }
    }
}
