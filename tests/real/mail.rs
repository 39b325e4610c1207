//! Just enough SMTP to be delivered to.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One session. Each message is kept with `Delivered-To` before it, before it is acknowledged; a client that goes away in
/// the middle is its own affair.
pub(crate) fn take(mut stream: TcpStream, mut keep: impl FnMut(String)) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let (mut recipient, mut answer) = (String::new(), "220 ready");
    loop {
        stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
        let line = lines.next()?.ok()?;
        answer = "250 ok";
        match line.get(..4)?.to_ascii_uppercase().as_str() {
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1)?.to_owned();
            }
            "DATA" => {
                stream.write_all(b"354 go ahead\r\n").ok()?;
                let mut text = format!("Delivered-To: {recipient}\n");
                loop {
                    let line = lines.next()?.ok()?;
                    if line == "." {
                        break;
                    }
                    text += line.strip_prefix('.').unwrap_or(&line);
                    text += "\n";
                }
                keep(text);
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n").ok(),
            _ => {}
        }
    }
}
