//! A hash whose value is the same on every machine and in every release.

/// FNV-1a, 64 bit, over the parts with a separator between them.
///
/// For jitter, message ids and the identity of a configuration: stable across processes, which the standard library's
/// hasher does not promise. Not for anything an attacker may choose.
#[must_use]
pub fn fnv1a<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let add = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for part in parts {
        hash = add(part.iter().fold(hash, add), &0xff);
    }
    // The high bits of FNV change little for short inputs; one multiply-shift round spreads them.
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written in states and mails was made of these values.
    #[test]
    fn the_value_is_the_same_in_every_release() {
        let row: [&[u8]; 3] = [b"profile", b"shop", b"{}"];
        assert_eq!(fnv1a(row), 0xe3f9_8250_abf1_bca0);
        assert_eq!(fnv1a([&b""[..]]), 0x28fb_dd7f_396b_07ca);
        assert_eq!(fnv1a([]), 0x8570_e254_d5cb_36d5);
    }
}
