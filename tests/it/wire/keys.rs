//! What operators are told about keys and rotations.

use facemap_vault::proto::admin::v1::key_service_client::KeyServiceClient;
use facemap_vault::proto::admin::v1::rewrap::State;
use facemap_vault::proto::admin::v1::{
    CancelRewrapRequest, GetRewrapRequest, ListKeyVersionsRequest, RetireKekRequest,
    RotateKekRequest, StartRewrapRequest,
};
use serde_json::json;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::support::caller::{Told, connect_socket};
use crate::support::served::Served;

fn told(status: &Status, code: Code, reason: &str) -> Told {
    let told = Told::by(status);
    assert_eq!(told.what(), (code, reason));
    told
}

fn retire(version: &str) -> RetireKekRequest {
    RetireKekRequest { version: version.to_owned(), confirm: version.to_owned() }
}

async fn ended(keys: &mut KeyServiceClient<Channel>) -> State {
    let wait = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let request = GetRewrapRequest { name: String::new(), wait };
    keys.get_rewrap(request).await.unwrap().into_inner().rewrap.unwrap().state()
}

#[tokio::test]
async fn one_rotation_at_a_time_and_no_key_that_is_needed_goes() {
    let served = Served::start(&[]).await;
    for _ in 0..5 {
        served.captured(json!({ "facemap_size": 100 })).await;
    }
    let mut keys = KeyServiceClient::new(connect_socket(&served.vault.admin).await);

    let refused = keys.get_rewrap(GetRewrapRequest::default()).await.unwrap_err();
    told(&refused, Code::NotFound, "REWRAP_NOT_FOUND");
    let refused = keys.retire_kek(retire("0.4711")).await.unwrap_err();
    told(&refused, Code::NotFound, "KEY_VERSION_NOT_FOUND");
    let listed = keys.list_key_versions(ListKeyVersionsRequest {}).await.unwrap().into_inner();
    let used = listed.key_versions.iter().find(|key| key.record_count > 0).unwrap();
    let refused = keys.retire_kek(retire(&used.version)).await.unwrap_err();
    let in_use = told(&refused, Code::FailedPrecondition, "KEY_VERSION_IN_USE");
    assert_eq!(in_use.metadata["enrollmentCount"], used.record_count.to_string());

    // One record a second: it is under way for a while.
    let slow = RotateKekRequest { rate_per_second: 1, ..RotateKekRequest::default() };
    let running = keys.rotate_kek(slow).await.unwrap().into_inner().rewrap.unwrap();
    let refused = keys.rotate_kek(RotateKekRequest::default()).await.unwrap_err();
    let open = told(&refused, Code::Aborted, "REWRAP_IN_PROGRESS");
    assert_eq!(open.metadata["name"], running.name);
    keys.cancel_rewrap(CancelRewrapRequest::default()).await.unwrap();
    assert_eq!(ended(&mut keys).await, State::Cancelled);

    keys.start_rewrap(StartRewrapRequest::default()).await.unwrap();
    assert_eq!(ended(&mut keys).await, State::Succeeded);
    let refused = keys.cancel_rewrap(CancelRewrapRequest::default()).await.unwrap_err();
    told(&refused, Code::FailedPrecondition, "REWRAP_NOT_CANCELLABLE");
}
