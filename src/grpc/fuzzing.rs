//! A door to the reading of requests for [`crate::fuzzing`].

use prost::Message;

use crate::model::Timestamp;
use crate::proto::v1;

use super::convert::{CreateEnrollment, GetAuthentication, ListEnrollments, enrollment_of};
use super::convert_callback::HeardFrom;
use super::convert_start::Start;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A request: which RPC, by the first byte, then the message.
pub(crate) fn request(bytes: &[u8]) -> bool {
    let Some((rpc, message)) = bytes.split_first() else { return false };
    match rpc {
        b'c' => read(message, |request: v1::CreateEnrollmentRequest| {
            CreateEnrollment::try_from(request).is_ok()
        }),
        b'g' => read(message, |request: v1::GetEnrollmentRequest| enrollment_of(&request).is_ok()),
        b'l' => read(message, |request: v1::ListEnrollmentsRequest| {
            ListEnrollments::try_from(request).is_ok()
        }),
        b's' => read(message, |request: v1::StartAuthenticationRequest| {
            Start::parse(request, false, NOW).is_ok()
        }),
        b'a' => read(message, |request: v1::GetAuthenticationRequest| {
            GetAuthentication::try_from(request).is_ok()
        }),
        b'i' => {
            read(message, |request: v1::IngestCallbackRequest| HeardFrom::try_from(request).is_ok())
        }
        _ => false,
    }
}

fn read<M: Message + Default>(bytes: &[u8], check: impl Fn(M) -> bool) -> bool {
    M::decode(bytes).is_ok_and(check)
}
