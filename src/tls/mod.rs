//! Who connects: certificates, revocation, limits on connections. Callers prove themselves here, before
//! a byte of HTTP/2 is read; what they may do is decided in `grpc`.

mod accept;
mod door;
pub(crate) mod fuzzing;
mod identity;
mod peer;
mod places;
mod verifier;

pub use accept::{Connection, Limits, incoming};
pub use door::{Door, Material, TlsError, certificate_expiry};
pub use identity::{Identity, NoIdentity};
pub use peer::{Peer, Unacceptable};
