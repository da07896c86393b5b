//! Who asks.

use tonic::Extensions;
use tonic::transport::server::{TcpConnectInfo, UdsConnectInfo};

/// An identified peer. Request ids and page tokens are bound to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// Its name in this vault: where it came from.
    pub(super) name: String,
}

impl Caller {
    /// The peer of a request: a local process on the loopback listener, or an operator on the admin
    /// socket, whose file permissions say who that may be.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        if let Some(peer) = extensions.get::<UdsConnectInfo>() {
            let uid = peer.peer_cred.as_ref().map(|cred| cred.uid());
            return Some(Self { name: format!("socket:{}", uid.unwrap_or(u32::MAX)) });
        }
        let peer = extensions.get::<TcpConnectInfo>()?;
        peer.remote_addr()?.ip().is_loopback().then(|| Self { name: "loopback".to_owned() })
    }
}
