//! The mails: what they say in each language, and what no text from outside can do to them.

mod crowds;
mod endings;
pub(crate) mod entries;
mod hostile;
mod letters;
mod pictures;
mod quoted;
mod readers;
mod sentences;
mod threads;
mod truth;
pub(crate) mod weeks;
mod words;
