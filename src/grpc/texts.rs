//! What callers read, one text a reason: what happened, and what to do. Fixed; ids and causes go to
//! the log.

pub(super) const REFERENCE: &str = "The reference must have 1 to 100 printable characters and none of \
    < > \" / ; ` % { } |. Change it.";
pub(super) const UNAUTHENTICATED: &str = "The caller cannot be identified. Connect from this machine or \
    over the admin socket.";
pub(super) const DEADLINE: &str =
    "The deadline passed. Allow 10 s, or retry with the same request_id.";
pub(super) const INTERNAL: &str = "The vault has a defect. Report it with the time of the request.";

pub(super) const NOT_ENROLLED: &str = "The account is not enrolled. Call CreateEnrollment.";
pub(super) const LOST: &str = "The facemap was not captured before Jumio deleted it, or was given up. \
    Onboard the person again.";
pub(super) const CAPTURED: &str =
    "The facemap is stored, so there is nothing to give up. To remove it, erase it.";
pub(super) const ERASED: &str = "The facemap was erased. Onboard the person again, if you may.";
pub(super) const LEGAL_HOLD: &str = "A legal hold forbids the erasure. Release it first.";
pub(super) const DOWNLOAD_NOT_ENABLED: &str = "Jumio does not let this facemap be downloaded. Ask Jumio \
    to switch on \"Allow download of facemap\" for the tenant.";
pub(super) const LIVENESS_UNSUPPORTED: &str = "This facemap was made by a liveness technology whose \
    facemaps cannot be downloaded. Talk to Jumio.";
pub(super) const NOT_ACCEPTED: &str = "The onboarding was not accepted, or is no onboarding. Enroll a \
    passed onboarding.";
pub(super) const TOO_LARGE: &str = "The facemap is over the limit. The operator can raise \
    capture.max_facemap_bytes.";
pub(super) const CORRUPT: &str = "The stored facemap cannot be read. Tell the operator.";

pub(super) const ALREADY_STARTED: &str = "The account has a running authentication. Use it, or set \
    on_in_progress to SUPERSEDE.";
pub(super) const REQUEST_ID_REUSED: &str = "The request_id was used for another request. Make a new one \
    for a new request.";
pub(super) const NO_AUTHENTICATION: &str = "The account has no such authentication. Use the name that \
    StartAuthentication returned.";
pub(super) const CONSENT_EXPIRED: &str =
    "The consent is too old to be used again. Ask the person again.";
pub(super) const CONFLICT: &str = "The enrollment changed meanwhile; nothing was done. Retry.";
pub(super) const PAGE_TOKEN: &str = "The page_token is not of this list. Start the list again.";

pub(super) const SWEEP_IN_PROGRESS: &str =
    "A sweep is running. Watch it, or ask for the running one to be returned.";
pub(super) const SWEEP_NOT_FOUND: &str = "There is no such sweep: fifty are remembered, until the vault \
    stops. List them.";

pub(super) const KEYRING_FAILED: &str = "The keyring could not be written. The operator must look at its disk, then \
    resume the rotation.";
pub(super) const REWRAP_IN_PROGRESS: &str =
    "A rotation is open. Watch it, resume it, or cancel it before another begins.";
pub(super) const REWRAP_NOT_FOUND: &str =
    "There is no such rotation. Leave the name out for the newest one.";
pub(super) const PAST_CANCELLING: &str = "The rotation has ended or is destroying the old key: nothing is left to \
    cancel. Watch it.";
pub(super) const KEY_VERSION_NOT_FOUND: &str =
    "The keyring has no such key version. List the key versions.";
pub(super) const KEY_VERSION_IN_USE: &str =
    "The key version is still in use. Rotate or rewrap until no record names it, then retire it.";
pub(super) const KEY_VERSION_WORN_OUT: &str = "The key version has wrapped as many keys as one may. The operator must \
    rotate: fmvault keys rotate.";

pub(super) const STORE_FULL: &str =
    "The disk is full; nothing was done. The operator must make room.";
pub(super) const STORE_READ_ONLY: &str =
    "The store takes no changes. The operator must look at the disk.";
pub(super) const STORE_FAILED: &str = "The store failed. Tell the operator.";
pub(super) const SHUTTING_DOWN: &str = "The vault is stopping. Retry with the same request_id.";

pub(super) const THROTTLED: &str =
    "The tenant's call limit at Jumio is used up. Retry after the given time.";
pub(super) const JUMIO_UNAVAILABLE: &str = "Jumio is unavailable. Retry with the same request_id.";
pub(super) const JUMIO_TIMEOUT: &str =
    "Jumio did not answer in time. Retry with the same request_id.";
pub(super) const CREDENTIALS: &str = "Jumio refuses the client id and secret. The operator must check \
    them and the region.";
pub(super) const PERMISSION: &str = "Jumio does not permit this. The operator must extend the OAuth2 \
    client's permissions.";
pub(super) const WORKFLOW: &str = "The tenant has no authentication workflow. The operator must ask Jumio \
    to enable it.";
pub(super) const ACCOUNT_UNKNOWN: &str =
    "Jumio does not know the account. Check tenant and region.";
pub(super) const REFUSED: &str =
    "Jumio refused, and will again. The operator must look at the tenant.";
pub(super) const UNEXPECTED: &str = "Jumio's answer is not as documented. Report it.";
pub(super) const URL_REJECTED: &str = "Jumio's answer points at a place that is not followed. The \
    operator must check the region and the configured addresses.";
pub(super) const OUTCOME_UNKNOWN: &str = "Jumio may have received the request. Start anew with a new \
    request_id.";
pub(super) const UPLOAD_INTERRUPTED: &str = "The upload was interrupted; no token was handed out. Retry \
    with the same request_id.";
