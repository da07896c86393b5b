//! Who asks, and whether they may.

use std::sync::Arc;

use tokio::time::Instant;
use tonic::Extensions;
use tonic::transport::server::{Connected, TcpConnectInfo, UdsConnectInfo};

use crate::model::{Permission, Timestamp};
use crate::tls::{Connection, Peer};

use super::policy::{Known, Policy, Turn};
use super::rpcs::Needs;
use super::status::RpcError;

/// An identified peer. Request ids and page tokens are bound to its name.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Its name in this vault: the URI in its certificate, `dns:` and the DNS name, `socket:` and the
    /// user's number, or `loopback`.
    pub(super) name: Arc<str>,
    role: Role,
}

/// What decides about a peer's calls.
#[derive(Debug, Clone)]
enum Role {
    /// Somebody on the admin socket, whose file permissions say who that may be: everything.
    Operator,
    /// A process of this machine on a listener without TLS, which only simulator mode has: everything
    /// that callers can be permitted.
    Local,
    /// A caller in the policy: what it was given.
    Known(Arc<Known>),
    /// A good certificate that the policy does not know: nothing.
    Unknown,
}

impl Connected for Connection {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Arc<Peer> {
        Arc::clone(self.peer())
    }
}

impl Caller {
    /// The peer of a request, by what the transport knows and by the policy of this moment.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unauthenticated`]: nobody can say who it is.
    pub(super) fn of(
        extensions: &Extensions,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Self, RpcError> {
        if let Some(peer) = extensions.get::<Arc<Peer>>() {
            let identity = peer.identity(now).map_err(|error| {
                tracing::info!(address = %peer.address(), %error, "a caller is not identified");
                RpcError::Unauthenticated
            })?;
            let role = policy.find(identity).map_or(Role::Unknown, Role::Known);
            return Ok(Self { name: identity.to_string().into(), role });
        }
        if let Some(peer) = extensions.get::<UdsConnectInfo>() {
            let credentials = peer.peer_cred.as_ref().ok_or(RpcError::Unauthenticated)?;
            let name = format!("socket:{}", credentials.uid()).into();
            return Ok(Self { name, role: Role::Operator });
        }
        let address = extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
        match address.is_some_and(|address| address.ip().is_loopback()) {
            true => Ok(Self { name: "loopback".into(), role: Role::Local }),
            false => Err(RpcError::Unauthenticated),
        }
    }

    /// The name of whoever calls, as far as the transport knows it: for the audit trail, which also says
    /// who was refused.
    pub(super) fn name(extensions: &Extensions, now: Timestamp) -> Option<String> {
        if let Some(peer) = extensions.get::<Arc<Peer>>() {
            return peer.identity(now).ok().map(ToString::to_string);
        }
        if let Some(peer) = extensions.get::<UdsConnectInfo>() {
            return peer.peer_cred.as_ref().map(|peer| format!("socket:{}", peer.uid()));
        }
        let address = extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr)?;
        address.ip().is_loopback().then(|| "loopback".to_owned())
    }

    /// Whether it may call what needs `needs`, once more.
    ///
    /// # Errors
    ///
    /// [`RpcError::NotPermitted`], [`RpcError::TooMany`].
    pub(super) fn admit(&self, needs: Needs) -> Result<Option<Turn>, RpcError> {
        let refused = |permission| {
            let caller = Arc::clone(&self.name);
            Err(RpcError::NotPermitted { permission, caller })
        };
        match (&self.role, needs) {
            (Role::Operator, Needs::Operator | Needs::Permission(_))
            | (Role::Local, Needs::Permission(_)) => Ok(None),
            (Role::Known(known), Needs::Permission(permission)) if known.may(permission) => {
                known.turn(Instant::now()).map(Some).map_err(|wait| RpcError::TooMany { wait })
            }
            (Role::Known(_) | Role::Unknown, Needs::Permission(permission)) => {
                refused(Permission::name(permission))
            }
            (Role::Local | Role::Known(_) | Role::Unknown, Needs::Operator) => refused("operator"),
        }
    }
}
