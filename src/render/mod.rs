//! First floor: words and documents for people and machines, pure functions of the model.

pub mod ailment;
pub mod duration;
pub mod event;
pub mod explain;
pub mod facts;
pub mod history;
pub mod init;
pub mod mail;
pub mod metrics;
pub mod page;
pub mod picture;
pub mod progress;
pub mod record;
pub mod replay;
pub mod report;
mod standing;
pub mod terminal;
pub mod text;
pub mod webhook;
pub mod why;
pub mod words;
