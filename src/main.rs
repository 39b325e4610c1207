//! The program: everything is in the library, here is only how it ends.
//!
//! A panic that reaches this place ends with exit code 3, "could not tell": never Rust's own 101, which no monitoring
//! system knows.

use std::process::ExitCode;

use probe::exit::Exit;

fn main() -> ExitCode {
    std::panic::catch_unwind(|| probe::app::run(std::env::args_os()))
        .unwrap_or(Exit::Unknown)
        .into()
}
