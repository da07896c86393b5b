//! What callers send cannot forge a line of the log, or do anything to the terminal it is read on.

use facemap_vault::proto::v1::{
    GetEnrollmentRequest, IngestCallbackRequest, ListEnrollmentsRequest,
};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::caller::{Caller, connect, enroll, start};
use crate::support::site::Site;

/// Ten ways to break a line or a terminal, each with a word before and after.
const BREAKS: [&str; 10] = [
    "\n{\"level\":\"ERROR\",\"message\":\"forged\"}\n",
    "\r\nERROR forged",
    "\u{1b}[2J\u{1b}[31m",
    "\u{1b}]0;title\u{7}",
    "\u{202e}desrever",
    "\u{2066}isolated\u{2069}",
    "\u{2028}separated\u{2029}",
    "\u{85}next",
    "\0zero\u{8}\u{8}back",
    "\u{9b}31mred\u{7f}",
];

fn payload(number: usize) -> String {
    format!("before-{number}{}after", BREAKS[number % BREAKS.len()])
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_callers_send_breaks_a_line_of_the_log() {
    for format in ["json", "text"] {
        let site = Site::start(&[("log.level", "trace"), ("log.format", format)]).await;
        site.keys_init().await;
        let server = site.serve(&["-v"]).await;
        let mut caller = Caller::new(connect(server.told("grpc")).await);
        for number in 0..50 {
            send(&mut caller, number).await;
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/%1b[2J%0aforged", server.told("http"));
        http.get(url).header("user-agent", "a\tb").send().await.unwrap();
        let (_, ended) = server.stop(Signal::TERM).await;
        assert_eq!(ended.code(), Some(0));

        let log = site.log();
        assert!(log.lines().count() > 1_000 && log.contains("refused"), "too little was logged");
        let bad = |c: char| c != '\n' && (c.is_control() || is_reordering(c));
        for line in log.lines() {
            assert!(!line.contains(bad), "{format}: {line:?}");
            match format {
                "json" => {
                    let event: Value = serde_json::from_str(line).expect(line);
                    assert!(event["level"].is_string() && event["target"].is_string(), "{line}");
                }
                _ => assert!(line.starts_with("20") && line.contains('Z'), "{line:?}"),
            }
        }
    }
}

/// One payload in each field that takes a text.
async fn send(caller: &mut Caller, number: usize) {
    let text = payload(number);
    let name = format!("enrollments/{text}");
    caller.get_enrollment(GetEnrollmentRequest { name: name.clone() }).await.unwrap_err();
    let mut request = start(&text);
    request.request_id.clone_from(&text);
    request.customer_internal_reference.clone_from(&text);
    request.user_reference.clone_from(&text);
    request.callback_url.clone_from(&text);
    caller.start_authentication(request).await.unwrap_err();
    let person = crate::support::site::Person {
        account: text.clone(),
        execution: text.clone(),
        sha256: String::new(),
    };
    caller.create_enrollment(enroll(&person, 0)).await.unwrap_err();
    let list = ListEnrollmentsRequest { page_token: text.clone(), ..Default::default() };
    caller.list_enrollments(list).await.unwrap_err();
    let body =
        json!({ "workflowExecution": { "id": text, "status": text }, "account": { "id": text } });
    let body = body.to_string().into_bytes();
    let ingest = IngestCallbackRequest { body, source_ip: text };
    // Taken or refused, as its status is understood.
    let _ = caller.ingest_callback(ingest).await;
}

/// Characters that change the order in which others are shown, or end a line for some readers.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
