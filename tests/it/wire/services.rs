//! Which services are where: health, reflection, and a public port that stays on this machine.

use facemap_vault::config::{Config, Profile};
use serde_json::json;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::support::caller::{Told, connect, connect_socket};
use crate::support::served::Served;

const VAULT: &str = "facemapvault.v1.FacemapVaultService";

/// Every service of our proto files.
fn described() -> Vec<String> {
    use prost::Message as _;
    let files = facemap_vault::proto::DESCRIPTOR_SET;
    let files = prost_types::FileDescriptorSet::decode(files).unwrap().file;
    let ours = files.iter().filter(|file| file.package().starts_with("facemapvault."));
    let names = |file: &prost_types::FileDescriptorProto| -> Vec<String> {
        file.service.iter().map(|s| format!("{}.{}", file.package(), s.name())).collect()
    };
    let names: Vec<_> = ours.flat_map(names).collect();
    assert!(names.len() > 3, "{names:?}");
    names
}

async fn public(served: &Served) -> Channel {
    connect(&served.vault.grpc.to_string()).await
}

#[tokio::test]
async fn health_answers_for_the_process_and_for_the_service() {
    let served = Served::start(&[]).await;
    for channel in [public(&served).await, connect_socket(&served.vault.admin).await] {
        let mut health = HealthClient::new(channel);
        for service in ["", VAULT] {
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer = health.check(request).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
        }
        let request = HealthCheckRequest { service: "facemapvault.v1.Nothing".to_owned() };
        assert_eq!(health.check(request).await.unwrap_err().code(), Code::NotFound);
    }
    for page in ["livez", "readyz"] {
        let url = format!("http://{}/{page}", served.vault.http);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        assert_eq!(http.get(url).send().await.unwrap().status(), 200, "{page}");
    }
}

/// The services that reflection lists, by its older and its newer protocol.
async fn reflected(channel: Channel) -> Option<(Vec<String>, Vec<String>)> {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    use v1alpha::server_reflection_request::MessageRequest as OldRequest;
    use v1alpha::server_reflection_response::MessageResponse as OldResponse;

    let request = v1::ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await;
    let answer = match answers {
        Ok(mut answers) => answers.get_mut().message().await.unwrap().unwrap(),
        Err(status) => {
            assert_eq!(status.code(), Code::Unimplemented);
            return None;
        }
    };
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("no list: {answer:?}")
    };
    let newer = list.service.into_iter().map(|service| service.name).collect();

    let request = v1alpha::ServerReflectionRequest {
        message_request: Some(OldRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.get_mut().message().await.unwrap().unwrap();
    let Some(OldResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("no list: {answer:?}")
    };
    Some((newer, list.service.into_iter().map(|service| service.name).collect()))
}

#[tokio::test]
async fn reflection_is_for_operators_and_for_callers_only_if_switched_on() {
    let served = Served::start(&[]).await;
    let (newer, older) = reflected(connect_socket(&served.vault.admin).await).await.unwrap();
    for list in [&newer, &older] {
        for service in described().iter().map(String::as_str).chain(["grpc.health.v1.Health"]) {
            assert!(list.iter().any(|name| name == service), "{service} is not in {list:?}");
        }
    }
    assert!(reflected(public(&served).await).await.is_none(), "off unless switched on");

    let open = Served::start(&[("listen.public.reflection", "true")]).await;
    let (newer, older) = reflected(public(&open).await).await.unwrap();
    assert!(newer.iter().any(|name| name == VAULT) && older.iter().any(|name| name == VAULT));
}

/// Operators' services are not on the callers' port, whoever asks.
#[tokio::test]
async fn admin_services_are_on_the_socket_only() {
    use facemap_vault::proto::admin::v1::GetStatusRequest;
    use facemap_vault::proto::admin::v1::status_service_client::StatusServiceClient;

    let served = Served::start(&[]).await;
    let refused = StatusServiceClient::new(public(&served).await)
        .get_status(GetStatusRequest {})
        .await
        .unwrap_err();
    assert_eq!(Told::by(&refused).what(), (Code::PermissionDenied, "PERMISSION_MISSING"));

    served.captured(json!({})).await;
    let mut admin = StatusServiceClient::new(connect_socket(&served.vault.admin).await);
    let status = admin.get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.enrollments.unwrap().active, 1);

    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&served.vault.admin).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "others may not open the socket");
}

#[test]
fn what_has_no_certificates_stays_on_this_machine() {
    let manual = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/fmvault.toml");
    let dev = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(dev.path(), Config::example(Profile::Dev)).unwrap();
    let load = |file: &std::path::Path, key: &str, address: &str| {
        let flags = [(key, address.to_owned())];
        Config::load(Some(file), std::iter::empty(), &flags).map_err(|all| all.to_string())
    };
    let (public, http) = ("listen.public.address", "listen.http.address");
    for (file, key) in [(dev.path(), public), (dev.path(), http), (&*manual, http)] {
        for address in ["0.0.0.0:50061", "192.0.2.1:50061", "[::]:50061", "[2001:db8::1]:1"] {
            let problems = load(file, key, address).err();
            let problems = problems.unwrap_or_else(|| panic!("{key} = {address} was accepted"));
            assert!(problems.contains(key), "{problems}");
        }
        for address in ["127.0.0.1:50077", "[::1]:50077"] {
            assert!(load(file, key, address).is_ok(), "{address}");
        }
    }
    assert!(load(&manual, public, "0.0.0.0:50061").is_ok(), "with certificates it may be anywhere");
}
