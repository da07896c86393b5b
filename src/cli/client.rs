//! Speaks to the running vault over its admin socket.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::config::Admin;
use crate::proto::admin::v1::audit_service_client::AuditServiceClient;
use crate::proto::admin::v1::doctor_service_client::DoctorServiceClient;
use crate::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;
use crate::proto::admin::v1::key_service_client::KeyServiceClient;
use crate::proto::admin::v1::status_service_client::StatusServiceClient;
use crate::proto::admin::v1::sweep_service_client::SweepServiceClient;
use crate::proto::v1::facemap_vault_service_client::FacemapVaultServiceClient;

use super::Session;
use super::exit::{Exit, Failure};

/// A connection to the vault.
pub(super) struct Client {
    channel: Channel,
    timeout: std::time::Duration,
}

impl Client {
    /// Connects to the socket of `--socket`, else of the settings.
    ///
    /// # Errors
    ///
    /// [`Exit::NotReachable`] if nobody listens there.
    pub(super) async fn connect(session: &Session) -> Result<Self, Failure> {
        let path = socket_path(session)?;
        let timeout = session.global.timeout;
        Self::connect_to(&path, timeout).await
    }

    /// Connects to the socket at `path`.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub(super) async fn connect_to(
        path: &Path,
        timeout: std::time::Duration,
    ) -> Result<Self, Failure> {
        let socket = path.to_owned();
        let connect = service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        // The address is never used: the connector knows where to go.
        let channel = Endpoint::from_static("http://fmvault.invalid")
            .connect_with_connector(connect)
            .await
            .map_err(|error| not_connected(path, &error))?;
        Ok(Self { channel, timeout })
    }

    /// A message with the deadline of `--timeout`.
    pub(super) fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    pub(super) fn vault(&self) -> FacemapVaultServiceClient<Channel> {
        FacemapVaultServiceClient::new(self.channel.clone())
    }

    pub(super) fn status(&self) -> StatusServiceClient<Channel> {
        StatusServiceClient::new(self.channel.clone())
    }

    pub(super) fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    pub(super) fn keys(&self) -> KeyServiceClient<Channel> {
        KeyServiceClient::new(self.channel.clone())
    }

    pub(super) fn doctor(&self) -> DoctorServiceClient<Channel> {
        DoctorServiceClient::new(self.channel.clone())
    }

    pub(super) fn sweeps(&self) -> SweepServiceClient<Channel> {
        SweepServiceClient::new(self.channel.clone())
    }

    pub(super) fn enrollment_admin(&self) -> EnrollmentAdminServiceClient<Channel> {
        EnrollmentAdminServiceClient::new(self.channel.clone())
    }
}

/// Why the socket at `path` leads to nobody.
fn not_connected(path: &Path, error: &(dyn Error + 'static)) -> Failure {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    let is_forbidden = causes.any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    });
    let path = path.display();
    if is_forbidden {
        let message = format!("{path} may not be used by this user");
        return Failure::new(Exit::NotPermitted, message, "become a member of the socket's group");
    }
    Failure::new(
        Exit::NotReachable,
        format!("no vault answers at {path}"),
        "fmvault server --config FILE, or name its socket with --socket",
    )
}

/// Of `--socket`, else of the settings file, else where the settings have it by default.
fn socket_path(session: &Session) -> Result<PathBuf, Failure> {
    match (&session.global.socket, &session.global.config) {
        (Some(path), _) => Ok(path.clone()),
        (None, Some(_)) => Ok(super::config::load(session)?.config.listen.admin.socket),
        (None, None) => Ok(Admin::default().socket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the transport wraps what the system says.
    #[derive(Debug, thiserror::Error)]
    #[error("transport error")]
    struct Wrapped(#[source] io::Error);

    #[test]
    fn a_socket_of_others_is_told_from_one_without_a_vault() {
        let path = Path::new("admin.sock");
        for (kind, exit) in [
            (io::ErrorKind::PermissionDenied, Exit::NotPermitted),
            (io::ErrorKind::ConnectionRefused, Exit::NotReachable),
            (io::ErrorKind::NotFound, Exit::NotReachable),
        ] {
            let wrapped = Wrapped(io::Error::from(kind));
            assert_eq!(not_connected(path, &wrapped).exit, exit, "{kind}");
        }
    }
}
