//! Which onboarding may give an account its reference facemap.
//!
//! The attack that matters most is to make another face the reference: by a rejected or fraudulent
//! onboarding, by a workflow that is not an onboarding at all, or by a second FACEMAP credential. So
//! every condition below must hold, and a missing fact counts as a failed condition.

use crate::jumio::{DecisionType, ExecutionStatus, Liveness, OnboardingDetails};
use crate::model::{Blocked, CredentialId};

/// What may be captured, from the settings.
#[derive(Debug, Clone)]
pub struct AdmissionPolicy {
    /// Workflow keys of onboardings. Authentications (10014, 10071) do not belong here: their facemap
    /// is the one to be checked, not the one to check against.
    pub workflow_keys: Vec<String>,
    /// Also accept an onboarding that passed with doubts (overall decision WARNING).
    pub accept_warning: bool,
    /// Try the link of the liveness check where the part itself has none. Jumio's older guide did so;
    /// off by default, since the link is also shown where downloads are not allowed.
    pub try_liveness_link: bool,
}

/// What to do about an onboarding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// Capture the facemap of this credential.
    Capture {
        /// The FACEMAP credential.
        credential: CredentialId,
        /// What made it.
        liveness_type: String,
    },
    /// Jumio has not decided yet.
    NotYet,
    /// It cannot be captured until someone acts.
    Blocked(Blocked),
    /// Jumio has deleted it.
    Lost,
}

/// Judges an onboarding by what Jumio says about it.
pub(super) fn admit(details: &OnboardingDetails, policy: &AdmissionPolicy) -> Admission {
    let not_accepted = Admission::Blocked(Blocked::OnboardingNotAccepted);
    if !policy.workflow_keys.contains(&details.workflow_key) {
        return not_accepted;
    }
    match details.status {
        ExecutionStatus::Initiated
        | ExecutionStatus::AcquisitionStarted
        | ExecutionStatus::Acquired => return Admission::NotYet,
        ExecutionStatus::SessionExpired | ExecutionStatus::TokenExpired => return not_accepted,
        ExecutionStatus::Processed => {}
    }
    let decision_accepted = match details.decision {
        Some(DecisionType::Passed) => true,
        Some(DecisionType::Warning) => policy.accept_warning,
        Some(DecisionType::Rejected | DecisionType::NotExecuted) => false,
        // Jumio may delete the decision with the rest; what is gone is lost, not refused.
        None => details.deleted.is_some(),
    };
    if !decision_accepted {
        return not_accepted;
    }
    if details.deleted.is_some() {
        return Admission::Lost;
    }
    let Some(liveness) = the_liveness(&details.liveness) else { return not_accepted };
    let unsupported = liveness.liveness_type.starts_with("JUMIO_");
    let Some(credential) = liveness.valid_facemap else {
        return match unsupported {
            true => Admission::Blocked(Blocked::LivenessUnsupported),
            false => not_accepted,
        };
    };
    let Some(part) = details.facemaps.iter().find(|part| part.credential == credential) else {
        return not_accepted;
    };
    if !liveness.credentials.contains(&credential) {
        return not_accepted;
    }
    if !part.downloadable && !policy.try_liveness_link {
        return Admission::Blocked(match unsupported {
            true => Blocked::LivenessUnsupported,
            false => Blocked::DownloadNotEnabled,
        });
    }
    Admission::Capture { credential, liveness_type: liveness.liveness_type.clone() }
}

/// The liveness check that counts: all must have passed, and all must name the same facemap.
fn the_liveness(checks: &[Liveness]) -> Option<&Liveness> {
    let (first, others) = checks.split_first()?;
    let agrees = |check: &Liveness| {
        check.decision == DecisionType::Passed && check.valid_facemap == first.valid_facemap
    };
    (agrees(first) && others.iter().all(agrees)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jumio::FacemapPart;
    use crate::model::Timestamp;

    const FACEMAP: CredentialId = CredentialId::from_bytes([1; 16]);
    const OTHER: CredentialId = CredentialId::from_bytes([2; 16]);

    fn policy() -> AdmissionPolicy {
        AdmissionPolicy {
            workflow_keys: vec!["10011".to_owned()],
            accept_warning: false,
            try_liveness_link: false,
        }
    }

    fn good() -> OnboardingDetails {
        OnboardingDetails {
            status: ExecutionStatus::Processed,
            workflow_key: "10011".to_owned(),
            completed: Some(Timestamp::from_millis(1)),
            deleted: None,
            decision: Some(DecisionType::Passed),
            liveness: vec![Liveness {
                decision: DecisionType::Passed,
                liveness_type: "IPROOV_STANDARD".to_owned(),
                credentials: vec![OTHER, FACEMAP],
                valid_facemap: Some(FACEMAP),
            }],
            facemaps: vec![FacemapPart { credential: FACEMAP, downloadable: true }],
        }
    }

    type Row = (&'static str, fn(&mut OnboardingDetails), Admission);

    /// One row per way an onboarding can be wrong. Each starts from one that is captured.
    fn wrong_onboardings() -> [Row; 24] {
        let blocked = Admission::Blocked;
        let refused = || blocked(Blocked::OnboardingNotAccepted);
        let not_enabled = || blocked(Blocked::DownloadNotEnabled);
        [
            ("not begun", |d| d.status = ExecutionStatus::Initiated, Admission::NotYet),
            ("begun", |d| d.status = ExecutionStatus::AcquisitionStarted, Admission::NotYet),
            ("being decided", |d| d.status = ExecutionStatus::Acquired, Admission::NotYet),
            ("session expired", |d| d.status = ExecutionStatus::SessionExpired, refused()),
            ("token expired", |d| d.status = ExecutionStatus::TokenExpired, refused()),
            ("an authentication, stored", |d| d.workflow_key = "10071".into(), refused()),
            ("an authentication", |d| d.workflow_key = "10014".into(), refused()),
            ("unknown workflow", |d| d.workflow_key = "99999".into(), refused()),
            ("no decision", |d| d.decision = None, refused()),
            ("rejected", |d| d.decision = Some(DecisionType::Rejected), refused()),
            ("with doubts", |d| d.decision = Some(DecisionType::Warning), refused()),
            ("not executed", |d| d.decision = Some(DecisionType::NotExecuted), refused()),
            ("no liveness check", |d| d.liveness.clear(), refused()),
            ("liveness rejected", |d| d.liveness[0].decision = DecisionType::Rejected, refused()),
            (
                "second liveness rejected",
                |d| {
                    let mut second = d.liveness[0].clone();
                    second.decision = DecisionType::Rejected;
                    d.liveness.push(second);
                },
                refused(),
            ),
            (
                "two liveness checks disagree",
                |d| {
                    let mut second = d.liveness[0].clone();
                    second.valid_facemap = Some(OTHER);
                    d.liveness.push(second);
                },
                refused(),
            ),
            ("names another credential", |d| d.liveness[0].valid_facemap = Some(OTHER), refused()),
            ("names none it looked at", |d| d.liveness[0].credentials = vec![OTHER], refused()),
            ("names none", |d| d.liveness[0].valid_facemap = None, refused()),
            (
                "newest liveness, names none",
                |d| {
                    d.liveness[0].valid_facemap = None;
                    d.liveness[0].liveness_type = "JUMIO_STANDARD".into();
                },
                blocked(Blocked::LivenessUnsupported),
            ),
            ("download off", |d| d.facemaps[0].downloadable = false, not_enabled()),
            ("deleted", |d| d.deleted = Some(Timestamp::from_millis(9)), Admission::Lost),
            (
                "deleted with its decision",
                |d| {
                    d.deleted = Some(Timestamp::from_millis(9));
                    d.decision = None;
                },
                Admission::Lost,
            ),
            (
                "deleted but for a rejection",
                |d| {
                    d.deleted = Some(Timestamp::from_millis(9));
                    d.decision = Some(DecisionType::Rejected);
                },
                refused(),
            ),
        ]
    }

    #[test]
    fn only_an_accepted_onboarding_gives_the_reference() {
        let capture =
            Admission::Capture { credential: FACEMAP, liveness_type: "IPROOV_STANDARD".to_owned() };
        assert_eq!(admit(&good(), &policy()), capture, "before any change");
        for (what, change, want) in wrong_onboardings() {
            let mut details = good();
            change(&mut details);
            assert_eq!(admit(&details, &policy()), want, "{what}");
        }
    }

    #[test]
    fn a_second_facemap_credential_is_never_chosen() {
        let mut details = good();
        details.facemaps.insert(0, FacemapPart { credential: OTHER, downloadable: true });
        let Admission::Capture { credential, .. } = admit(&details, &policy()) else {
            panic!("not captured");
        };
        assert_eq!(credential, FACEMAP);
    }

    #[test]
    fn the_settings_may_widen_it() {
        let mut details = good();
        details.decision = Some(DecisionType::Warning);
        details.facemaps[0].downloadable = false;
        let wide = AdmissionPolicy { accept_warning: true, try_liveness_link: true, ..policy() };
        assert!(matches!(admit(&details, &wide), Admission::Capture { .. }));
    }
}
