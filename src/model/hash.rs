//! A hash whose value is the same on every machine and in every release.

/// FNV-1a, 64 bit, over the parts with a separator between them.
///
/// For jitter, message ids and the identity of a configuration: stable across processes, which the standard library's
/// hasher does not promise. Not for anything an attacker may choose.
#[must_use]
pub fn fnv1a<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    // FNV's high bits hardly move for short inputs; one multiply-shift round spreads them.
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
