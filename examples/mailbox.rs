//! A mailbox for looking at: takes mail over SMTP on a loopback port and keeps each message as a file.
//!
//! `mailbox PORT FOLDER` listens on 127.0.0.1 and writes `FOLDER/01-SUBJECT.eml`, `02-…` in order of arrival. It speaks
//! just enough SMTP to be delivered to, believes everyone and forwards nothing: for a demonstration, not for the world.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a program of its own"
)]

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// More messages than any demonstration sends.
const MOST: usize = 1000;
/// Longer than any message of ours.
const MOST_BYTES: usize = 4 * 1024 * 1024;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (Some(port), Some(folder)) = (words.next(), words.next()) else {
        eprintln!("usage: mailbox PORT FOLDER");
        return ExitCode::from(3);
    };
    match serve(&port, &PathBuf::from(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mailbox: {error}");
            ExitCode::from(2)
        }
    }
}

/// Takes one client after the other until [`MOST`] messages are kept.
fn serve(port: &str, folder: &Path) -> io::Result<()> {
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let mut kept = 0;
    for stream in listener.incoming() {
        // A client that goes away in the middle is its own affair.
        let _ = stream.and_then(|stream| talk(stream, folder, &mut kept));
        if kept >= MOST {
            break;
        }
    }
    Ok(())
}

/// One SMTP session.
fn talk(mut stream: TcpStream, folder: &Path, kept: &mut usize) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    stream.write_all(b"220 mailbox ready\r\n")?;
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let verb: String = line
            .chars()
            .take(4)
            .collect::<String>()
            .to_ascii_uppercase();
        let answer = match verb.trim_end() {
            "DATA" => {
                stream.write_all(b"354 go on, end with a dot\r\n")?;
                let message = read_message(&mut lines)?;
                *kept += 1;
                std::fs::write(folder.join(file_name(*kept, &message)), message)?;
                "250 kept"
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            "EHLO" | "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => "250 fine",
            _ => "502 not here",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
        line.clear();
    }
    Ok(())
}

/// Lines up to the lone dot, with the dots that SMTP doubles taken back.
fn read_message(lines: &mut impl BufRead) -> io::Result<String> {
    let mut message = String::new();
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 && line.trim_end() != "." {
        message += line.strip_prefix('.').unwrap_or(&line);
        if message.len() > MOST_BYTES {
            return Err(io::Error::other("message too long"));
        }
        line.clear();
    }
    Ok(message)
}

/// `03-UP-shop-back-after-7s.eml`.
fn file_name(number: usize, message: &str) -> String {
    let subject = message
        .lines()
        .find_map(|line| line.strip_prefix("Subject: "))
        .unwrap_or("no subject");
    let words: Vec<&str> = subject
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let name: String = words.join("-").chars().take(60).collect();
    format!("{number:02}-{name}.eml")
}
