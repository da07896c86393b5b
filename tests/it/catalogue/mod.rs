//! One table knows every error reason: the proto, the page and the files for programs agree with it.

pub(crate) mod raised;
mod thirty;

use std::collections::BTreeSet;
use std::path::Path;

use facemap_vault::grpc::catalogue::{code_name, tables};
use facemap_vault::proto::DESCRIPTOR_SET;
use prost::Message as _;
use serde_json::Value;

use crate::support::process::{fmvault, run};

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[tokio::test]
async fn the_page_of_reasons_is_the_generated_one() {
    let made = run(&mut fmvault(&["api", "errors", "--markdown"])).await;
    let page = read("docs/src/reference/errors.md");
    let different = made.ok().lines().zip(page.lines()).find(|(made, page)| made != page);
    assert!(
        made.ok() == page,
        "the page differs, first in {different:?}; make it anew:\n\
         cargo run --release -- api errors --markdown > docs/src/reference/errors.md"
    );
}

/// Where a status is made, its reason and its text are the catalogue's, and nothing of what others said
/// can come through: there is one such place.
#[test]
fn statuses_are_made_in_one_place() {
    let makes = |text: &str| {
        let made = regex::Regex::new(r"\bStatus::(new|ok|with_|from_error|[a-z_]+\()").unwrap();
        let read = ["Status::from_header_map(", "Status::add_header("];
        let found: Vec<_> = made.find_iter(text).map(|found| found.start()).collect();
        found.into_iter().any(|at| !read.iter().any(|read| text[at..].starts_with(read)))
    };
    assert!(makes("Err(Status::internal(error.to_string()))") && makes("Status::new(code, text)"));
    assert!(!makes("let told = Status::from_header_map(headers);"));
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/grpc")];
    let mut makers = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if makes(&std::fs::read_to_string(&path).unwrap()) => makers.push(path),
                false => {}
            }
        }
    }
    let makers: Vec<_> = makers.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(makers, ["status.rs"]);
}

/// The comment of each value in the proto says what the catalogue says, for people who read only that.
#[test]
fn the_comments_of_the_proto_say_what_the_catalogue_says() {
    let proto = read("proto/facemapvault/v1/error_reason.proto");
    let comment = |name: &str| {
        let (before, _) = proto.split_once(&format!("  {name} = ")).expect("it is in the proto");
        let lines = before.lines().rev().take_while(|line| line.starts_with("  //"));
        lines.collect::<Vec<_>>().into_iter().rev().collect::<String>().replace("  //", "")
    };
    for entry in tables().flatten() {
        let comment = comment(entry.reason.as_str_name());
        assert!(comment.contains(&format!(" {}", code_name(entry.code))), "{comment}");
        assert_eq!(comment.contains("with RetryInfo"), entry.retry, "{}: {comment}", entry.name());
        let named: BTreeSet<_> = comment.split('`').skip(1).step_by(2).collect();
        for (key, _) in entry.metadata {
            assert!(named.contains(key), "{}: `{key}` is missing in {comment}", entry.name());
        }
    }
}

#[tokio::test]
async fn the_reasons_are_printed_for_programs() {
    let printed = run(&mut fmvault(&["api", "errors", "--json"])).await.json();
    let reasons = printed.as_array().unwrap();
    assert_eq!(reasons.len(), tables().flatten().count());
    let limited = reasons.iter().find(|reason| reason["reason"] == "JUMIO_RATE_LIMITED").unwrap();
    assert_eq!(limited["code"], "RESOURCE_EXHAUSTED");
    assert_eq!(limited["retry"], true);
    assert!(limited["metadata"]["limit"].as_str().unwrap().contains("`retrieval`"), "{limited}");
}

#[tokio::test]
async fn the_descriptors_are_written_to_a_file_or_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fmvault.protoset");
    run(&mut fmvault(&["api", "descriptor", "--out", file.to_str().unwrap()])).await.ok();
    let written = std::fs::read(&file).unwrap();
    assert_eq!(written, DESCRIPTOR_SET);
    let set = prost_types::FileDescriptorSet::decode(&*written).unwrap();
    let services: Vec<_> = set.file.iter().flat_map(|file| &file.service).collect();
    assert!(services.iter().any(|service| service.name() == "FacemapVaultService"));

    let piped = fmvault(&["api", "descriptor"]).output().await.unwrap();
    assert_eq!(piped.stdout, DESCRIPTOR_SET);
}

/// gRPC clients refuse a service config that is wrong in any place, some of them without a word.
#[tokio::test]
async fn the_service_config_is_one_that_grpc_takes() {
    let printed = run(&mut fmvault(&["api", "service-config"])).await;
    assert_eq!(printed.ok(), read("proto/service_config.json"));
    let config = printed.json();
    let service = "facemapvault.v1.FacemapVaultService";
    assert_eq!(config["healthCheckConfig"]["serviceName"], service);
    let method = &config["methodConfig"][0];
    assert_eq!(method["name"][0]["service"], service);
    let policy = &method["retryPolicy"];
    // 2 to 5 attempts, and at least one code (gRFC A6).
    assert_eq!(policy["maxAttempts"], 4);
    assert_eq!(policy["retryableStatusCodes"], Value::from(vec!["UNAVAILABLE"]));
    for key in ["initialBackoff", "maxBackoff"] {
        assert!(policy[key].as_str().unwrap().ends_with('s'), "{policy}");
    }
}
