//! A small world, cheap enough for hundreds of outages: a site in this process, an `ssh` that is a script, a mailbox in
//! this process. What is tried in it is the program's own end: killed at every call, and a disk that takes nothing.

mod disk;
mod kills;
mod stage;
