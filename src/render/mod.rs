//! First floor: words and documents for people and machines, pure functions of the model.

pub mod duration;
pub mod explain;
pub mod mail;
pub mod report;
pub mod terminal;
