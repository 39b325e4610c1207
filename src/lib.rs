//! `probe` watches web sites from outside and restarts their web server over SSH when it has really stopped.

pub mod adapters;
pub mod app;
pub mod cli;
pub mod config;
pub mod engine;
pub mod exit;
pub mod model;
pub mod names;
pub mod policy;
pub mod ports;
pub mod process;
pub mod render;
pub mod replay;
