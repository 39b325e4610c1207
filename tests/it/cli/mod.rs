//! What stands on the command line, and what people and scripts get to read.

mod documents;
mod fixture;
mod live;
mod parsing;
mod places;
mod screens;
mod severity;
mod texts;
mod worlds;
