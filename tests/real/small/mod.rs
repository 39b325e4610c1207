//! A small world, cheap enough for hundreds of outages: a site in this process, an `ssh` that is a script, a mailbox in
//! this process. What is tried in it is the program's own end: killed at every call, a disk that takes nothing, and files that are not as they were left.

mod disk;
mod kills;
mod rolled;
mod stage;
