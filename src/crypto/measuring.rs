//! Doors to sealing alone, without records, randomness and checksums around it, so that `make bench` can
//! hold it against the provider's raw speed.

use super::chunked::{self, SALT_LEN};
use super::key::KEY_LEN;
use super::provider::Provider;
use crate::model::Buffer;

const KEY: [u8; KEY_LEN] = [1; KEY_LEN];
const CONTEXT: &[u8] = &[2; 128];

/// Seals `message` as a facemap is sealed, padding left out.
pub(crate) fn seal(message: &[u8]) -> Buffer {
    chunked::seal_large(Provider::AwsLc, &KEY, &[3; SALT_LEN], CONTEXT, message, 0)
}

/// Opens what [`seal`] made; nothing if it was changed.
pub(crate) fn open(sealed: &[u8]) -> Option<Buffer> {
    chunked::open_large(Provider::AwsLc, &KEY, CONTEXT, sealed).ok()
}
