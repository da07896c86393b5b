//! Two listeners, one vault: callers on TCP, operators on a UNIX socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic_health::ServingStatus;
use tonic_health::server::health_reporter;
use tower::layer::util::{Identity, Stack};

use crate::proto::DESCRIPTOR_SET;
use crate::proto::admin::v1::doctor_service_server::DoctorServiceServer;
use crate::proto::admin::v1::enrollment_admin_service_server::EnrollmentAdminServiceServer;
use crate::proto::admin::v1::key_service_server::KeyServiceServer;
use crate::proto::admin::v1::status_service_server::StatusServiceServer;
use crate::proto::admin::v1::sweep_service_server::SweepServiceServer;
use crate::proto::v1::facemap_vault_service_server::FacemapVaultServiceServer;
use crate::vault::{Jumio, Store, Vault};

use super::admin_service::AdminService;
use super::count::CountLayer;
use super::doctor_process::ProcessMemory;
use super::doctor_service::Doctor;
use super::key_service::Keys;
use super::sweep_service::SweepService;
use super::vault_service::VaultService;

/// How the services are served.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Reflection on the callers' listener too. It is always on for operators.
    pub public_reflection: bool,
    /// Capture right after an enrollment, not only by the sweep.
    pub capture_at_once: bool,
    /// How far a sweep looks ahead if nobody says.
    pub horizon: Duration,
    /// The store and Jumio are simulated.
    pub simulator: bool,
    /// Looks how well the memory of this process is kept.
    pub memory: fn() -> ProcessMemory,
}

/// Where to listen. Bound by the wiring, so that it can tell the addresses before anyone connects.
#[derive(Debug)]
pub struct Listeners {
    /// For callers.
    pub public: TcpListener,
    /// For operators.
    pub admin: UnixListener,
}

/// Largest message accepted or sent, in bytes. Facemaps never travel by gRPC.
const MESSAGE_LEN_MAX: usize = 64 * 1024;
/// Largest message accepted from operators, in bytes: a page of 1,000 rows to register, about 100 bytes
/// each, twice over.
const ADMIN_MESSAGE_LEN_MAX: usize = 256 * 1024;
/// Largest page of a list is bounded by its entries, about 300 bytes each.
const ANSWER_LEN_MAX: usize = 1024 * 1024;
/// Requests at once on one connection; without a limit one peer could hold all memory.
const STREAMS_MAX: u32 = 256;
/// Largest header list, in bytes.
const HEADER_LIST_MAX: u32 = 16 * 1024;
/// A peer that does not answer a ping for this long is gone.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// What reflection tells callers of.
const PUBLIC_SERVICES: [&str; 2] = ["facemapvault.v1.FacemapVaultService", "grpc.health.v1.Health"];
/// What reflection tells operators of.
const ALL_SERVICES: [&str; 7] = [
    "facemapvault.v1.FacemapVaultService",
    "grpc.health.v1.Health",
    "facemapvault.admin.v1.DoctorService",
    "facemapvault.admin.v1.EnrollmentAdminService",
    "facemapvault.admin.v1.KeyService",
    "facemapvault.admin.v1.StatusService",
    "facemapvault.admin.v1.SweepService",
];

/// Serves until `stop` says so, then lets running requests end.
///
/// # Errors
///
/// What the transport reports if a listener fails.
pub async fn serve<S: Store, J: Jumio>(
    vault: Arc<Vault<S, J>>,
    listeners: Listeners,
    settings: ServerSettings,
    stop: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    let services = Services { vault, settings };
    let public = services.router(settings.public_reflection, false).await;
    let admin = services.router(true, true).await;
    let (public, admin) = tokio::join!(
        public.serve_with_incoming_shutdown(
            TcpListenerStream::new(listeners.public),
            stopped(stop.clone())
        ),
        admin.serve_with_incoming_shutdown(UnixListenerStream::new(listeners.admin), stopped(stop)),
    );
    public.and(admin)
}

struct Services<S, J> {
    vault: Arc<Vault<S, J>>,
    settings: ServerSettings,
}

impl<S: Store, J: Jumio> Services<S, J> {
    async fn router(&self, reflection: bool, admin: bool) -> Router<Stack<CountLayer, Identity>> {
        let vault = || Arc::clone(&self.vault);
        let public = FacemapVaultServiceServer::new(VaultService::new(
            vault(),
            self.settings.capture_at_once,
        ))
        .max_decoding_message_size(MESSAGE_LEN_MAX)
        .max_encoding_message_size(ANSWER_LEN_MAX);
        let (reporter, health) = health_reporter();
        reporter
            .set_service_status("facemapvault.v1.FacemapVaultService", ServingStatus::Serving)
            .await;
        let mut router = Server::builder()
            .max_concurrent_streams(STREAMS_MAX)
            .http2_max_header_list_size(HEADER_LIST_MAX)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .layer(CountLayer(Arc::clone(self.vault.metrics())))
            .add_service(public)
            .add_service(health);
        if reflection {
            let services: &[&str] = if admin { &ALL_SERVICES } else { &PUBLIC_SERVICES };
            let build = || {
                let builder = tonic_reflection::server::Builder::configure()
                    .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                    .include_reflection_service(true);
                services.iter().fold(builder, |builder, name| builder.with_service_name(*name))
            };
            let known = "the descriptors are made by our own build";
            router = router
                .add_service(build().build_v1().expect(known))
                .add_service(build().build_v1alpha().expect(known));
        }
        if admin {
            let service = || AdminService::new(vault(), self.settings.simulator);
            router = router
                .add_service(
                    DoctorServiceServer::new(Doctor::new(vault(), self.settings.memory))
                        .max_decoding_message_size(MESSAGE_LEN_MAX),
                )
                .add_service(
                    StatusServiceServer::new(service()).max_decoding_message_size(MESSAGE_LEN_MAX),
                )
                .add_service(
                    KeyServiceServer::new(Keys::new(vault()))
                        .max_decoding_message_size(MESSAGE_LEN_MAX),
                )
                .add_service(
                    EnrollmentAdminServiceServer::new(service())
                        .max_decoding_message_size(ADMIN_MESSAGE_LEN_MAX),
                )
                .add_service(
                    SweepServiceServer::new(SweepService::new(vault(), self.settings.horizon))
                        .max_decoding_message_size(MESSAGE_LEN_MAX),
                );
        }
        router
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone also means: stop.
    let _ = stop.wait_for(|stop| *stop).await;
}
