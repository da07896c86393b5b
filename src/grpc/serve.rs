//! Two listeners, one vault: callers on TCP, operators on a UNIX socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic_health::server::{HealthReporter, health_reporter};
use tower::layer::util::{Identity, Stack};

use crate::proto::DESCRIPTOR_SET;
use crate::proto::admin::v1::audit_service_server::AuditServiceServer;
use crate::proto::admin::v1::doctor_service_server::DoctorServiceServer;
use crate::proto::admin::v1::enrollment_admin_service_server::EnrollmentAdminServiceServer;
use crate::proto::admin::v1::key_service_server::KeyServiceServer;
use crate::proto::admin::v1::status_service_server::StatusServiceServer;
use crate::proto::admin::v1::sweep_service_server::SweepServiceServer;
use crate::proto::v1::facemap_vault_service_server::FacemapVaultServiceServer;
use crate::tls::{Door, Limits, incoming};
use crate::vault::{Jumio, Store, Vault};

use super::admin_service::AdminService;
use super::audit_service::Audit;
use super::bound::BoundLayer;
use super::count::CountLayer;
use super::doctor_process::ProcessMemory;
use super::doctor_service::Doctor;
use super::guard::GuardLayer;
use super::inform::InformLayer;
use super::key_service::Keys;
use super::policy::Policy;
use super::readiness;
use super::record::RecordLayer;
use super::sweep_service::SweepService;
use super::vault_service::VaultService;

/// How the services are served.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Which caller may do what.
    pub policy: Arc<Policy>,
    /// After this time a connection of a caller is closed, as soon as its running calls have ended.
    pub connection_age: Duration,
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

/// How callers come in.
#[derive(Debug)]
pub enum Public {
    /// Without TLS: for a simulator, on loopback. Peers from elsewhere are refused.
    Plain(TcpListener),
    /// With TLS and a certificate of each caller.
    Tls(TcpListener, Arc<Door>, Limits),
}

/// Where to listen. Bound by the wiring, so that it can tell the addresses before anyone connects.
#[derive(Debug)]
pub struct Listeners {
    /// For callers.
    pub public: Public,
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
/// Requests at once on one connection; without a limit one peer could hold all memory. RFC 9113 advises
/// against less than 100.
const STREAMS_MAX: u32 = 100;
/// What one request, and one connection, may have sent before we have read it, in bytes.
const WINDOWS: [u32; 2] = [64 * 1024, 512 * 1024];
/// How long calls may go on after their connection has reached its age: the longest wait, and its answer.
const AGE_GRACE: Duration = Duration::from_secs(310);
/// Largest header list, in bytes.
const HEADER_LIST_MAX: u32 = 16 * 1024;
/// A peer that does not answer a ping for this long is gone.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// What reflection tells callers of.
const PUBLIC_SERVICES: [&str; 2] = ["facemapvault.v1.FacemapVaultService", "grpc.health.v1.Health"];
/// What reflection tells operators of.
const ALL_SERVICES: [&str; 8] = [
    "facemapvault.v1.FacemapVaultService",
    "grpc.health.v1.Health",
    "facemapvault.admin.v1.AuditService",
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
    let reflection = settings.public_reflection;
    let services = Services { vault, settings, stop: stop.clone() };
    let (public, one) = services.router(reflection, false);
    let (admin, other) = services.router(true, true);
    let metrics = Arc::clone(services.vault.metrics());
    let told = readiness::keep_told(services.vault, [one, other], stop.clone());
    let callers = async {
        let stopped = stopped(stop.clone());
        match listeners.public {
            Public::Plain(listener) => {
                let incoming = TcpListenerStream::new(listener);
                public.serve_with_incoming_shutdown(incoming, stopped).await
            }
            Public::Tls(listener, door, limits) => {
                let incoming = incoming(listener, door, limits, metrics, stop.clone());
                public.serve_with_incoming_shutdown(incoming, stopped).await
            }
        }
    };
    let operators = UnixListenerStream::new(listeners.admin);
    let operators = admin.serve_with_incoming_shutdown(operators, stopped(stop.clone()));
    let (callers, operators, ()) = tokio::join!(callers, operators, told);
    callers.and(operators)
}

/// Around every service, from the inside: who may; a reason for every error; recorded, also what was
/// refused; not without end; counted.
type Layers = Stack<
    GuardLayer,
    Stack<InformLayer, Stack<RecordLayer, Stack<BoundLayer, Stack<CountLayer, Identity>>>>,
>;

struct Services<S, J> {
    vault: Arc<Vault<S, J>>,
    settings: ServerSettings,
    stop: watch::Receiver<bool>,
}

impl<S: Store, J: Jumio> Services<S, J> {
    fn router(&self, reflection: bool, admin: bool) -> (Router<Layers>, HealthReporter) {
        let vault = || Arc::clone(&self.vault);
        let public = VaultService::new(vault(), self.settings.capture_at_once);
        let public = FacemapVaultServiceServer::new(public)
            .max_decoding_message_size(MESSAGE_LEN_MAX)
            .max_encoding_message_size(ANSWER_LEN_MAX);
        let (reporter, health) = health_reporter();
        let [stream_window, connection_window] = WINDOWS;
        let mut server = Server::builder();
        if !admin {
            server = server
                .max_connection_age(self.settings.connection_age)
                .max_connection_age_grace(AGE_GRACE);
        }
        let mut router = server
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(stream_window)
            .initial_connection_window_size(connection_window)
            .http2_max_header_list_size(HEADER_LIST_MAX)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .layer(CountLayer(Arc::clone(self.vault.metrics())))
            .layer(BoundLayer(self.stop.clone()))
            .layer(RecordLayer::new(&self.vault))
            .layer(InformLayer)
            .layer(GuardLayer(Arc::clone(&self.settings.policy)))
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
                    AuditServiceServer::new(Audit(vault()))
                        .max_decoding_message_size(MESSAGE_LEN_MAX),
                )
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
        (router, reporter)
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone also means: stop.
    let _ = stop.wait_for(|stop| *stop).await;
}
