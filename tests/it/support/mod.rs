//! What the tests share.

pub(crate) mod stub_jumio;
