//! Reasons that lie in the request, the connection or the caller.

use tonic::Code as C;

use crate::proto::v1::ErrorReason as R;

use super::{Acts, Entry, new};

pub(super) const ENTRIES: &[Entry] = &[
    new(
        R::FieldInvalid,
        C::InvalidArgument,
        Acts::Caller,
        "The request is not valid.",
        "Fix the fields that are named.",
    )
    .note(
        "`google.rpc.BadRequest` names each wrong field and what it must be, all of them at once; the \
         message repeats it. The values are never repeated.",
    ),
    new(
        R::InternalReferenceInvalid,
        C::InvalidArgument,
        Acts::Caller,
        "The customer_internal_reference must have 1 to 100 printable characters and none of \
         < > \" / ; ` % { } |.",
        "Choose another one.",
    )
    .carries(&[("position", "where the first wrong character stands, from 0")])
    .note("Jumio keeps it for years: no personal data in it."),
    new(
        R::RequestIdReused,
        C::InvalidArgument,
        Acts::Caller,
        "The request_id was used for another request.",
        "Make a new UUID for a new request.",
    ),
    new(
        R::PageTokenInvalid,
        C::InvalidArgument,
        Acts::Caller,
        "The page_token is not of this list.",
        "Start the list again.",
    )
    .note("It is not one of ours, or belongs to other filters or another caller."),
    new(
        R::CallerUnauthenticated,
        C::Unauthenticated,
        Acts::Caller,
        "The vault cannot tell who is calling.",
        "Present the client certificate that the operator issued.",
    ),
    new(
        R::PermissionMissing,
        C::PermissionDenied,
        Acts::Operator,
        "The caller may not do this.",
        "Ask the operator for the permission.",
    )
    .carries(&[("permission", "the one that is missing"), ("caller", "whom the vault sees")])
    .note("Said before it is looked whether the record exists."),
    new(
        R::CallerRateLimited,
        C::ResourceExhausted,
        Acts::Wait,
        "This caller asks more than its share.",
        "Retry after the given time, and slow down.",
    )
    .retry(),
    new(
        R::MethodUnknown,
        C::Unimplemented,
        Acts::Caller,
        "There is no such method here.",
        "Check service and method; operators' services answer on the admin socket only.",
    )
    .note("`fmvault api descriptor` writes what there is."),
    new(
        R::MessageInvalid,
        C::InvalidArgument,
        Acts::Caller,
        "The message is cut short or not of the method's type.",
        "Send one whole message, made from the vault's proto files.",
    )
    .note("Text that is not UTF-8 and groups within groups are among these."),
    new(
        R::MessageTooLarge,
        C::OutOfRange,
        Acts::Caller,
        "The message is over the size limit.",
        "Send less at once: callers 64 KiB, operators 256 KiB.",
    ),
    new(
        R::CompressionUnsupported,
        C::Unimplemented,
        Acts::Caller,
        "Compressed messages are not read.",
        "Switch compression off in the client.",
    ),
    new(
        R::NameUnknown,
        C::NotFound,
        Acts::Caller,
        "Health or reflection does not know this name.",
        "Ask for one that the list of services has.",
    ),
];
