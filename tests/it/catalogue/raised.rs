//! Every reason is raised by a test, over the wire or by a vault that refuses to start. Here stands by
//! which; they are run once more by themselves, and what they have truly been told is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::Command;

use facemap_vault::grpc::catalogue::{Raised, reason_name, tables};
use facemap_vault::proto::v1::ErrorReason as R;

/// Names the file in which [`note`] writes.
const NOTES: &str = "FMVAULT_TEST_RAISED";

/// Notes that a test was told `reason`, if somebody collects it.
pub(crate) fn note(reason: &str) {
    if let Some(path) = std::env::var_os(NOTES) {
        let mut notes = OpenOptions::new().append(true).open(path).unwrap();
        notes.write_all(format!("{reason}\n").as_bytes()).unwrap();
    }
}

/// The test that raises `reason`; empty for one that nothing raises. A new reason does not compile
/// until it is here.
fn raised_by(reason: R) -> &'static str {
    match reason {
        R::Unspecified | R::BackupInProgress => "",

        R::FieldInvalid => "wire::fields::each_field_of_a_start_is_checked",
        R::InternalReferenceInvalid => {
            "wire::fields::a_reference_that_jumio_would_refuse_is_refused_here"
        }
        R::RequestIdReused => "wire::requests::a_request_id_names_one_request",
        R::PageTokenInvalid => "wire::requests::a_page_token_belongs_to_one_list_of_one_caller",
        R::CallerUnauthenticated => {
            "tls::lookalikes::none_of_twenty_four_lookalikes_is_taken_for_the_caller"
        }
        R::PermissionMissing => {
            "tls::lookalikes::none_of_twenty_four_lookalikes_is_taken_for_the_caller"
        }
        R::CallerRateLimited => {
            "tls::permissions::who_asks_too_often_is_told_to_wait_and_others_are_not"
        }
        R::MethodUnknown => "tls::permissions::what_is_no_method_of_ours_is_there_for_nobody",
        R::MessageInvalid | R::MessageTooLarge | R::NameUnknown => {
            "bad_input::what_is_no_request_is_refused_at_once"
        }
        R::CompressionUnsupported => "bad_input::a_compressed_request_is_not_supported",

        R::EnrollmentNotFound => "wire::fields::each_field_of_a_start_is_checked",
        R::OnboardingNotAccepted => "wire::capture::an_onboarding_that_was_not_accepted_is_refused",
        R::FacemapNotCaptured => {
            "wire::capture::a_facemap_that_is_not_here_yet_says_how_else_and_when"
        }
        R::FacemapLost => "wire::capture::a_facemap_that_jumio_deleted_first_is_lost",
        R::FacemapErased => "wire::capture::an_erased_facemap_stays_erased",
        R::FacemapDownloadNotEnabled | R::FacemapFormatUnsupported | R::FacemapTooLarge => {
            "wire::capture::a_facemap_that_cannot_be_captured_says_why"
        }
        R::FacemapCorrupt => "wire::store::a_damaged_facemap_is_data_loss",
        R::FacemapCaptured => "backlog::blocked_ones_are_tried_again_or_closed",
        R::LegalHold => "wire::store::a_legal_hold_forbids_the_erasure",
        R::Conflict => "wire::store::faults_of_the_store_are_told_by_what_can_be_done",
        R::ConsentExpired => {
            "wire::requests::a_consent_that_is_too_old_is_refused_before_anything_else"
        }
        R::AuthenticationInProgress => {
            "wire::deciding::one_authentication_at_a_time_unless_superseded"
        }
        R::AuthenticationExpired => {
            "wire::requests::a_request_whose_session_is_over_is_told_so_and_opens_no_other"
        }
        R::AuthenticationNotFound => {
            "wire::deciding::an_authentication_that_does_not_exist_is_not_found"
        }

        R::JumioWorkflowNotEnabled => "wire::jumio::a_tenant_without_the_workflow_is_told_so",
        R::JumioTimeout => "wire::jumio::a_deadline_is_kept_and_named",
        R::JumioCredentialsRejected
        | R::JumioPermissionMissing
        | R::JumioRateLimited
        | R::JumioAccountUnknown
        | R::JumioRefused => "wire::jumio::refusals_of_jumio_are_told_as_our_own_affair",
        R::JumioUnavailable
        | R::JumioOutcomeUnknown
        | R::UploadInterrupted
        | R::JumioResponseUnexpected
        | R::JumioUrlRejected => "wire::jumio::faults_of_jumio_say_whether_to_try_again",

        R::StoreFull | R::StoreReadOnly | R::StoreFailed => {
            "wire::store::faults_of_the_store_are_told_by_what_can_be_done"
        }
        R::Internal => "wire::store::a_defect_says_so_and_leaves_the_connection_usable",
        R::ShuttingDown => "wire::stop::who_still_waits_is_told_to_come_again",
        R::SweepInProgress => "wire::sweeps::one_sweep_at_a_time",
        R::SweepNotFound => "wire::sweeps::a_sweep_that_never_was_is_not_found",
        R::StoreRolledBack => {
            "trail::recovery::a_store_that_was_set_back_does_not_start_until_it_is_recovered"
        }
        R::AuditUnavailable => "trail::outcomes::a_slow_trail_refuses_soon_and_recovers_by_itself",
        R::VaultSealed => "fail_closed::every_cause_has_its_own_reason_and_nothing_is_written",
        R::KeyMismatch => "fail_closed::every_cause_has_its_own_reason_and_nothing_is_written",
        R::KeyVersionMissing => "fail_closed::missing_keys_are_named_with_the_number_of_records",
        R::KeyVersionInUse => "wire::keys::one_rotation_at_a_time_and_no_key_that_is_needed_goes",
        R::RewrapInProgress => "wire::keys::one_rotation_at_a_time_and_no_key_that_is_needed_goes",
        R::KeyringFailed => "wire::store::a_keyring_that_cannot_be_written_is_not_changed",
        R::KeyVersionNotFound => {
            "wire::keys::one_rotation_at_a_time_and_no_key_that_is_needed_goes"
        }
        R::RewrapNotFound => "wire::keys::one_rotation_at_a_time_and_no_key_that_is_needed_goes",
        R::RewrapNotCancellable => {
            "wire::keys::one_rotation_at_a_time_and_no_key_that_is_needed_goes"
        }
        R::KeyVersionWornOut => {
            "wire::store::a_key_that_has_wrapped_as_many_as_one_may_wraps_no_more"
        }
    }
}

#[test]
fn every_reason_is_raised_by_a_test() {
    let notes = tempfile::NamedTempFile::new().unwrap();
    File::create(notes.path()).unwrap();
    let mut wanted = BTreeMap::<_, BTreeSet<_>>::new();
    for entry in tables().flatten() {
        let test = raised_by(entry.reason);
        let never = entry.raised == Raised::Nowhere;
        assert_eq!(test.is_empty(), never, "{}: which test raises it?", entry.name());
        if !never {
            wanted.entry(test).or_default().insert(reason_name(entry.reason));
        }
    }

    let mut again = Command::new(std::env::current_exe().unwrap());
    again.arg("--exact").args(wanted.keys()).env(NOTES, notes.path());
    let ran = again.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));

    let told = std::fs::read_to_string(notes.path()).unwrap();
    let told: BTreeSet<_> = told.lines().collect();
    for (test, reasons) in wanted {
        let missing: Vec<_> = reasons.iter().filter(|reason| !told.contains(*reason)).collect();
        assert!(missing.is_empty(), "{test} does not raise {missing:?}");
    }
    for entry in tables().flatten().filter(|entry| entry.raised == Raised::Nowhere) {
        assert!(!told.contains(entry.name()), "{} is raised after all", entry.name());
    }
}
