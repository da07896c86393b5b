//! The thirty bad inputs that a vault must know, and the tests that give them to a listening one.

use std::collections::BTreeSet;
use std::process::Command;

/// What comes in, and who tests that it gets the status it must get.
const INPUTS: [(&str, &[&str]); 30] = [
    (
        "no client certificate",
        &["tls::certificates::none_of_fourteen_certificates_gets_anything_done"],
    ),
    (
        "two URIs in a certificate",
        &["tls::certificates::none_of_fourteen_certificates_gets_anything_done"],
    ),
    (
        "an identity that the policy does not have",
        &["tls::lookalikes::none_of_twenty_four_lookalikes_is_taken_for_the_caller"],
    ),
    (
        "a backend calls what operators call",
        &["tls::permissions::each_method_is_open_to_one_permission_and_to_no_other"],
    ),
    ("unknown method or service", &["bad_input::what_is_no_request_is_refused_at_once"]),
    ("a message a byte over the limit", &["bad_input::what_is_no_request_is_refused_at_once"]),
    ("a compressed request", &["bad_input::a_compressed_request_is_not_supported"]),
    ("4 GiB announced", &["bad_input::what_is_no_request_is_refused_at_once"]),
    ("a message that is none", &["bad_input::what_is_no_request_is_refused_at_once"]),
    ("an id that is none", &["wire::fields::what_is_no_id_is_refused_wherever_an_id_belongs"]),
    ("a path for an id", &["wire::fields::what_is_no_id_is_refused_wherever_an_id_belongs"]),
    ("the nil UUID", &["wire::fields::what_is_no_id_is_refused_wherever_an_id_belongs"]),
    ("a wrong reference", &["wire::fields::a_reference_that_jumio_would_refuse_is_refused_here"]),
    ("a wrong token lifetime", &["wire::fields::each_field_of_a_start_is_checked"]),
    ("a wrong callback URL", &["wire::fields::each_field_of_a_start_is_checked"]),
    ("a request id used for another", &["wire::requests::a_request_id_names_one_request"]),
    (
        "another's request id",
        &["tls::permissions::another_caller_gets_nothing_by_a_request_id_or_page_token"],
    ),
    ("a forged page token", &["wire::requests::a_page_token_belongs_to_one_list_of_one_caller"]),
    (
        "a deadline that is over",
        &[
            "bad_input::a_deadline_that_is_over_reaches_nobody",
            "wire::jumio::a_deadline_is_kept_and_named",
        ],
    ),
    ("an unknown account", &["wire::capture::an_account_that_was_never_enrolled_is_not_found"]),
    (
        "pending, lost, erased",
        &[
            "wire::capture::a_facemap_that_is_not_here_yet_says_how_else_and_when",
            "wire::capture::a_facemap_that_jumio_deleted_first_is_lost",
            "wire::capture::an_erased_facemap_stays_erased",
        ],
    ),
    ("one is running", &["wire::deciding::one_authentication_at_a_time_unless_superseded"]),
    ("a damaged record", &["wire::store::a_damaged_facemap_is_data_loss"]),
    (
        "a consent too old, or of tomorrow",
        &[
            "wire::requests::a_consent_that_is_too_old_is_refused_before_anything_else",
            "wire::fields::each_field_of_a_start_is_checked",
        ],
    ),
    (
        "an onboarding that was rejected, or is none",
        &["wire::capture::an_onboarding_that_was_not_accepted_is_refused"],
    ),
    (
        "Jumio names a foreign host, redirects, or names another account",
        &[
            "wire::jumio::links_to_other_hosts_are_refused_and_not_followed",
            "wire::jumio::faults_of_jumio_say_whether_to_try_again",
        ],
    ),
    (
        "Jumio refuses, throttles, fails, is slow, or talks nonsense",
        &[
            "wire::jumio::refusals_of_jumio_are_told_as_our_own_affair",
            "wire::jumio::faults_of_jumio_say_whether_to_try_again",
        ],
    ),
    (
        "a facemap that is empty, a page, or over the limit",
        &["wire::capture::a_facemap_that_cannot_be_captured_says_why"],
    ),
    (
        "a rotation while one runs; a key in use; an erasure on hold",
        &[
            "wire::keys::one_rotation_at_a_time_and_no_key_that_is_needed_goes",
            "wire::store::a_legal_hold_forbids_the_erasure",
        ],
    ),
    (
        "no key, full disk, read-only, no audit trail, older than acknowledged",
        &[
            "fail_closed::every_cause_has_its_own_reason_and_nothing_is_written",
            "trail::outcomes::a_slow_trail_refuses_soon_and_recovers_by_itself",
            "trail::recovery::a_store_that_was_set_back_does_not_start_until_it_is_recovered",
            "wire::store::faults_of_the_store_are_told_by_what_can_be_done",
        ],
    ),
];

#[test]
fn every_bad_input_has_its_test() {
    let listed = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests: BTreeSet<_> =
        listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    for (number, (input, by)) in (1..).zip(INPUTS) {
        assert!(!by.is_empty(), "{number}, {input}: which test gives it?");
        for test in by {
            assert!(tests.contains(test), "{number}, {input}: there is no test {test}");
        }
    }
}
