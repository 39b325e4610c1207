//! `alerts.command`: what the program gets, and what becomes of whatever it does.

mod document;
mod examples;
mod program;
mod schema;
