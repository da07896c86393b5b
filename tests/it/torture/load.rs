//! Load on a server that may die at any moment: four callers and an operator, side by side. They enroll
//! and capture, authenticate, erase, and sweep.

use std::path::Path;
use std::time::Duration;

use facemap_vault::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;
use facemap_vault::proto::admin::v1::sweep_service_client::SweepServiceClient;
use facemap_vault::proto::admin::v1::{EraseEnrollmentRequest, GetSweepRequest, StartSweepRequest};
use facemap_vault::sim::Remote;
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::Channel;

use super::journal::Shared;
use super::server::Server;
use crate::support::caller::{
    Caller, connect, connect_socket, enroll, start, try_connect, try_connect_socket,
};
use crate::support::rng::Rng;
use crate::support::site::{Person, Site, uploads};

/// Running load.
pub(super) struct Load(JoinSet<()>);

impl Load {
    /// Ends with the server: every task stops at its first error.
    pub(super) async fn end(mut self) {
        while let Some(ended) = self.0.join_next().await {
            ended.unwrap();
        }
    }
}

/// Begins to enroll `people`, and to use and erase those who are there already.
pub(super) async fn begin(
    site: &Site,
    server: &Server,
    journal: &Shared,
    people: Vec<Person>,
    rng: &mut Rng,
) -> Load {
    let mut tasks = JoinSet::new();
    // It may be dead already.
    let Some(channel) = try_connect(server.address()).await else { return Load(tasks) };
    // Half of them all at once, waiting until they are captured; the others one after the other.
    let (waiting, hasty) = people.split_at(people.len() / 2);
    for person in waiting {
        let caller = Caller::new(channel.clone());
        tasks.spawn(enrolling(caller, vec![person.clone()], 5, journal.clone()));
    }
    tasks.spawn(enrolling(Caller::new(channel.clone()), hasty.to_vec(), 0, journal.clone()));
    let seed = rng.next();
    let remote = site.remote.clone();
    tasks.spawn(authenticating(Caller::new(channel), remote, journal.clone(), Rng::new(seed)));
    let Some(admin) = try_connect_socket(&site.path("admin.sock")).await else {
        return Load(tasks);
    };
    tasks.spawn(erasing(admin.clone(), journal.clone(), Rng::new(seed ^ 1)));
    tasks.spawn(sweeping(admin));
    Load(tasks)
}

async fn enrolling(mut caller: Caller, people: Vec<Person>, wait: i64, journal: Shared) {
    for person in people {
        let Ok(answer) = caller.create_enrollment(enroll(&person, wait)).await else { return };
        journal.heard(answer.metadata());
        journal.enrolled(&person, &answer.into_inner().enrollment.unwrap());
    }
}

async fn authenticating(mut caller: Caller, remote: Remote, journal: Shared, mut rng: Rng) {
    loop {
        let Some((account, sha256)) = journal.now().sample(&mut rng, 1).pop() else { return };
        let mut request = start(&account);
        request.on_in_progress = 2;
        match caller.start_authentication(request).await {
            // Who has tokens can go on at once, so the upload must be complete by now.
            Ok(started) => {
                let execution = started.into_inner().authentication.unwrap().workflow_execution_id;
                let uploads = uploads(&remote, &execution).await;
                if uploads != std::slice::from_ref(&sha256) {
                    journal.accuse(format!("tokens of {execution}, Jumio received {uploads:?}"));
                }
            }
            // Somebody erased it since we looked.
            Err(status) if status.metadata().contains_key("fmvault-reason") => {}
            Err(_) => return,
        }
    }
}

async fn erasing(admin: Channel, journal: Shared, mut rng: Rng) {
    let mut admin = EnrollmentAdminServiceClient::new(admin);
    // One now and then, so that enough is left to serve.
    if rng.one_in(2) {
        return;
    }
    let Some(account) = journal.to_erase(&mut rng) else { return };
    let request = EraseEnrollmentRequest { name: format!("enrollments/{account}") };
    if admin.erase_enrollment(request).await.is_ok() {
        journal.erased(&account);
    }
}

/// An operator who sweeps without end.
async fn sweeping(admin: Channel) {
    let mut admin = SweepServiceClient::new(admin);
    while let Ok(started) = admin.start_sweep(StartSweepRequest::default()).await {
        let name = started.into_inner().sweep.unwrap().name;
        let wait = Some(prost_types::Duration { seconds: 1, nanos: 0 });
        if admin.get_sweep(GetSweepRequest { name, wait }).await.is_err() {
            return;
        }
    }
}

/// Everything that changes the disk, one after the other; what went wrong.
pub(super) async fn quiet(
    dir: &Path,
    server: &Server,
    journal: &Shared,
    people: &[Person],
) -> Vec<Status> {
    let mut caller = Caller::new(connect(server.address()).await);
    let admin = connect_socket(&dir.join("admin.sock")).await;
    let mut admin = EnrollmentAdminServiceClient::new(admin);
    let mut told = Vec::new();
    for person in people {
        match caller.create_enrollment(enroll(person, 2)).await {
            Ok(answer) => {
                journal.heard(answer.metadata());
                journal.enrolled(person, &answer.into_inner().enrollment.unwrap());
            }
            Err(status) => told.push(status),
        }
    }
    let serving = journal.now().sample(&mut Rng::new(0), usize::MAX);
    for (account, _) in &serving {
        let mut request = tonic::Request::new(start(account));
        request.set_timeout(Duration::from_secs(20));
        match caller.start_authentication(request).await {
            Ok(answer) => journal.heard(answer.metadata()),
            Err(status) => told.push(status),
        }
    }
    let Some(account) = journal.to_erase(&mut Rng::new(1)) else { return told };
    let request = EraseEnrollmentRequest { name: format!("enrollments/{account}") };
    match admin.erase_enrollment(request).await {
        Ok(answer) => {
            journal.heard(answer.metadata());
            journal.erased(&account);
        }
        Err(status) => told.push(status),
    }
    told
}
