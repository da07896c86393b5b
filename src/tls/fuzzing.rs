//! Readers of bytes in this module, for `crate::fuzzing`.

use super::{Identity, verifier};

/// A certificate in DER. Whoever it names can be shown in a log.
pub(crate) fn certificate(bytes: &[u8]) -> bool {
    let _ = verifier::expiry(bytes);
    let _ = verifier::is_for_clients(bytes);
    match Identity::of(bytes) {
        Ok(identity) => {
            let name = identity.to_string();
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
            true
        }
        Err(_) => false,
    }
}
