//! What operators are told about sweeps that run already, or never did.

use facemap_vault::proto::admin::v1::start_sweep_request::IfRunning;
use facemap_vault::proto::admin::v1::sweep_service_client::SweepServiceClient;
use facemap_vault::proto::admin::v1::{CancelSweepRequest, GetSweepRequest, StartSweepRequest};
use serde_json::json;
use tonic::Code;

use crate::support::caller::{Told, connect_socket, enroll};
use crate::support::served::Served;

#[tokio::test]
async fn one_sweep_at_a_time() {
    let served = Served::start(&[("capture.immediate", "false")]).await;
    let person = served.onboard(json!({ "facemap_size": 100 })).await;
    served.caller.clone().create_enrollment(enroll(&person, 0)).await.unwrap();
    served.spoil("GET", "/workflow-executions/", json!({ "delay": "30s" })).await;

    let mut sweeps = SweepServiceClient::new(connect_socket(&served.vault.admin).await);
    let request = StartSweepRequest {
        horizon: Some(prost_types::Duration { seconds: 60 * 86_400, nanos: 0 }),
        if_running: IfRunning::Reject.into(),
        ..StartSweepRequest::default()
    };
    let running = sweeps.start_sweep(request).await.unwrap().into_inner().sweep.unwrap();
    let told = Told::by(&sweeps.start_sweep(request).await.unwrap_err());
    assert_eq!(told.what(), (Code::Aborted, "SWEEP_IN_PROGRESS"));
    assert_eq!(told.keys(), ["name"]);
    assert_eq!(told.metadata["name"], running.name, "usable as it is in GetSweep");
    sweeps.get_sweep(GetSweepRequest { name: running.name.clone(), wait: None }).await.unwrap();
    sweeps.cancel_sweep(CancelSweepRequest { name: running.name }).await.unwrap();
}

#[tokio::test]
async fn a_sweep_that_never_was_is_not_found() {
    let served = Served::start(&[]).await;
    let mut sweeps = SweepServiceClient::new(connect_socket(&served.vault.admin).await);
    let get = |name: &str| GetSweepRequest { name: name.to_owned(), wait: None };
    let unknown = "sweeps/00000000-0000-4000-8000-00000000beef";
    let told = Told::by(&sweeps.get_sweep(get(unknown)).await.unwrap_err());
    assert_eq!(told.what(), (Code::NotFound, "SWEEP_NOT_FOUND"));
    let cancel = CancelSweepRequest { name: unknown.to_owned() };
    let told = Told::by(&sweeps.cancel_sweep(cancel).await.unwrap_err());
    assert_eq!(told.what(), (Code::NotFound, "SWEEP_NOT_FOUND"));
    for name in ["", "sweeps/", "sweeps/17", "enrollments/00000000-0000-4000-8000-00000000beef"] {
        let told = Told::by(&sweeps.get_sweep(get(name)).await.unwrap_err());
        assert_eq!(
            (told.what(), &*told.fields),
            ((Code::InvalidArgument, "FIELD_INVALID"), &["name".to_owned()][..]),
            "{name:?}"
        );
    }
}
