//! What the tests share.

pub(crate) mod mem_store;
pub(crate) mod rocks;
pub(crate) mod sealed;
pub(crate) mod stub_jumio;
