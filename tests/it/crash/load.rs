//! Load on a server that may die at any moment: enrollments with their captures, authentications,
//! erasures, side by side.

use facemap_vault::proto::admin::v1::EraseEnrollmentRequest;
use facemap_vault::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::ledger::Shared;
use crate::support::caller::{Caller, connect, connect_socket, enroll, start};
use crate::support::process::Process;
use crate::support::rng::Rng;
use crate::support::site::{Person, Site};

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
    server: &Process,
    ledger: &Shared,
    people: Vec<Person>,
    rng: &mut Rng,
) -> Load {
    let mut tasks = JoinSet::new();
    let channel = connect(&super::address(server)).await;
    // Half of them all at once, waiting until they are captured; the others one after the other.
    let (waiting, hasty) = people.split_at(people.len() / 2);
    for person in waiting {
        let caller = Caller::new(channel.clone());
        tasks.spawn(enrolling(caller, vec![person.clone()], 5, ledger.clone()));
    }
    tasks.spawn(enrolling(Caller::new(channel.clone()), hasty.to_vec(), 0, ledger.clone()));
    let seed = rng.next();
    tasks.spawn(authenticating(Caller::new(channel), ledger.clone(), Rng::new(seed)));
    let admin = connect_socket(&site.path("admin.sock")).await;
    tasks.spawn(erasing(admin, ledger.clone(), Rng::new(seed ^ 1)));
    Load(tasks)
}

async fn enrolling(mut caller: Caller, people: Vec<Person>, wait: i64, ledger: Shared) {
    for person in people {
        let Ok(answer) = caller.create_enrollment(enroll(&person, wait)).await else { return };
        ledger.enrolled(&person, &answer.into_inner().enrollment.unwrap());
    }
}

async fn authenticating(mut caller: Caller, ledger: Shared, mut rng: Rng) {
    loop {
        let Some((account, _)) = ledger.now().sample(&mut rng, 1).pop() else { return };
        let mut request = start(&account);
        request.on_in_progress = 2;
        match caller.start_authentication(request).await {
            Ok(_) => {}
            // Somebody erased it since we looked.
            Err(status) if status.metadata().contains_key("fmvault-reason") => {}
            Err(_) => return,
        }
    }
}

async fn erasing(admin: Channel, ledger: Shared, mut rng: Rng) {
    let mut admin = EnrollmentAdminServiceClient::new(admin);
    // One now and then, so that enough is left to serve.
    if !rng.one_in(4) {
        return;
    }
    let Some(account) = ledger.to_erase(&mut rng) else { return };
    let request = EraseEnrollmentRequest { name: format!("enrollments/{account}") };
    if admin.erase_enrollment(request).await.is_ok() {
        ledger.erased(&account);
    }
}
