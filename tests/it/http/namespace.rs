//! Network namespaces with routes of their own; gone with their handle. They need root and iproute2.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A namespace: its loopback is up, nothing else is there.
pub(super) struct Namespace(String);

impl Namespace {
    pub(super) fn new(label: &str) -> Self {
        let name = format!("probe-{}-{label}", std::process::id());
        run(&["netns", "add", &name]);
        let made = Self(name);
        made.ip("link set lo up");
        made
    }

    /// Its name, for `ip`.
    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// `ip` inside.
    pub(super) fn ip(&self, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        run(&[&["-n", &self.0], words.as_slice()].concat());
    }

    /// Passes on what is not its own.
    pub(super) fn forward(&self) {
        self.within(|| {
            std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
            std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        });
    }

    /// Does this on a thread whose sockets are inside.
    pub(super) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let place = File::open(format!("/run/netns/{}", self.0)).unwrap();
        std::thread::scope(|threads| {
            let thread = threads.spawn(|| {
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(place.as_fd(), network).unwrap();
                work()
            });
            thread.join().unwrap()
        })
    }

    /// Awaits this inside.
    pub(super) fn awaits<T: Send, F: Future<Output = T>>(
        &self,
        work: impl FnOnce() -> F + Send,
    ) -> T {
        self.within(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(work())
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn run(words: &[&str]) {
    let output = Command::new("ip").args(words).output();
    let output = output.unwrap_or_else(|error| panic!("ip ({error}): apt-get install iproute2"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "ip {}: {said} (network namespaces need root)",
        words.join(" ")
    );
}
