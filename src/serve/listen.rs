//! Binds the listeners.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::net::{TcpListener, UnixListener};

use super::StartError;

/// Who may open the admin socket: the vault's user and its group. The permissions are the
/// authorisation.
const SOCKET_MODE: u32 = 0o660;

/// A TCP listener on `address`.
///
/// # Errors
///
/// [`StartError::Listen`].
pub(super) async fn tcp(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { what: address.to_string(), source })
}

/// A listener on the UNIX socket at `path`. A socket that nobody answers on is a leftover and is
/// replaced; any other file is not touched.
///
/// # Errors
///
/// [`StartError::Listen`].
pub(super) fn unix(path: &Path) -> Result<UnixListener, StartError> {
    let failed = |source| StartError::Listen { what: path.display().to_string(), source };
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            match UnixStream::connect(path) {
                Err(refused) if refused.kind() == ErrorKind::ConnectionRefused => {}
                Ok(_) | Err(_) => return Err(failed(error)),
            }
            std::fs::remove_file(path).map_err(failed)?;
            UnixListener::bind(path)
        }
        result => result,
    };
    let listener = listener.map_err(failed)?;
    let mode = std::fs::Permissions::from_mode(SOCKET_MODE);
    std::fs::set_permissions(path, mode).map_err(failed)?;
    Ok(listener)
}
