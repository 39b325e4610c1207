//! Which of the texts that are looked for stand in a page.

/// The texts themselves ([`signs`](super::signs) finds them).
#[derive(Debug, Default)]
pub(super) struct Signs(pub(super) Vec<&'static str>);

impl Signs {
    pub(super) fn has(&self, sign: &str) -> bool {
        self.0.contains(&sign)
    }
}
