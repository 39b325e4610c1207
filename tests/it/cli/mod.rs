//! What stands on the command line, and what people and scripts get to read; then the whole program as people use it.

mod cycle;
mod daemon;
mod documents;
mod drill;
mod ears;
mod fixture;
mod ground;
mod heal;
mod heart;
mod init;
mod live;
mod mails;
mod metrics;
mod outside;
mod page;
mod parsing;
mod places;
mod process;
mod recall;
mod screens;
mod severity;
mod standing;
mod terminal;
mod texts;
mod urls;
mod worlds;
