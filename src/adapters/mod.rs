//! Neighbours on the third floor: each translates between one piece of the outside and the model. No decisions, no retries.

pub mod clock;
pub mod command;
pub mod http;
pub mod observe;
pub mod progress;
pub mod smtp;
pub mod ssh;
pub mod status;
pub mod store;
pub mod survey;
