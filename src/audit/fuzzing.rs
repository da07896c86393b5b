//! A door to this module's reader of bytes for `crate::fuzzing`.

use super::record::{append, parse_unproved};

/// A record without its checksum, which is added, since chance never makes one. An accepted one is
/// written again as the same bytes, but for its MAC, which takes a key.
pub(crate) fn record(bytes: &[u8]) -> bool {
    let _ = parse_unproved(bytes);
    let mut whole = bytes.to_vec();
    whole.extend_from_slice(&crc32fast::hash(bytes).to_be_bytes());
    let Some((record, len)) = parse_unproved(&whole) else { return false };
    assert_eq!(len, whole.len());
    let mut again = Vec::new();
    let no_key = |_: &[&[u8]]| [0; 32];
    append(&mut again, &record.entry, record.sequence, &record.previous, &[0; 16], &no_key);
    let mac = again.len() - 16 - 4;
    assert_eq!(again.get(..mac), whole.get(..mac), "two records read the same");
    true
}
