//! What the tests share.

pub(crate) mod caller;
pub(crate) mod fake_jumio;
pub(crate) mod flood;
pub(crate) mod ledger;
pub(crate) mod mem_store;
pub(crate) mod pki;
pub(crate) mod process;
pub(crate) mod rng;
pub(crate) mod rocks;
pub(crate) mod rotating;
pub(crate) mod sealed;
pub(crate) mod secured;
pub(crate) mod served;
pub(crate) mod site;
pub(crate) mod snapshot;
pub(crate) mod stub_jumio;
pub(crate) mod tale;
pub(crate) mod wobbly;
pub(crate) mod world;
