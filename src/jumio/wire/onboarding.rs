//! The details of an onboarding.

use super::{capability, decision, execution_status, overall, same_id, time};
use crate::jumio::json::{At, Json};
use crate::jumio::links::{Links, same};
use crate::jumio::{ExecutionStatus, FacemapPart, JumioError, Liveness, OnboardingDetails};
use crate::model::{AccountId, CredentialId, WorkflowExecutionId};

/// Reads the details of `execution`.
pub(in crate::jumio) fn onboarding(
    json: &Json,
    links: &Links,
    account: AccountId,
    execution: WorkflowExecutionId,
) -> Result<OnboardingDetails, JumioError> {
    let top = json.top();
    same_id(&top.need("account")?, account)?;
    let workflow = top.need("workflow")?;
    same_id(&workflow, execution)?;
    let status = execution_status(&workflow)?;
    // Unreadable does not mean not deleted.
    let deleted = top.field("wipedOutAt")?.map(|at| at.time()).transpose()?;
    let decided = status == ExecutionStatus::Processed && deleted.is_none();
    let mut liveness = Vec::new();
    let mut facemaps = Vec::new();
    // Before the result these are half filled, and nobody may act on them.
    if status == ExecutionStatus::Processed {
        for at in capability(&top, "liveness")? {
            liveness.push(one_liveness(&at, links, account)?);
        }
        for at in top.items("credentials")? {
            facemaps.extend(facemap_part(&at, links, account)?);
        }
    }
    Ok(OnboardingDetails {
        status,
        workflow_key: workflow.need("definitionKey")?.word()?.to_owned(),
        completed: time(&top, "completedAt")?,
        deleted,
        decision: overall(&top, decided)?,
        liveness,
        facemaps,
    })
}

fn one_liveness(at: &At<'_>, links: &Links, account: AccountId) -> Result<Liveness, JumioError> {
    let mut credentials = Vec::new();
    for credential in at.items("credentials")? {
        credentials.push(credential.need("id")?.id()?);
    }
    let valid_facemap = match at.field("validFaceMapForAuthentication")? {
        Some(link) => Some(links.facemap_credential(account, link.text()?, link.pointer())?),
        None => None,
    };
    let liveness_type = match at.field("data")? {
        Some(data) => data.field("type")?.map(|at| at.word()).transpose()?.unwrap_or(""),
        None => "",
    };
    Ok(Liveness {
        decision: decision(at)?,
        liveness_type: liveness_type.to_owned(),
        credentials,
        valid_facemap,
    })
}

/// The FACEMAP part of a credential, if it is a FACEMAP credential that has one.
fn facemap_part(
    at: &At<'_>,
    links: &Links,
    account: AccountId,
) -> Result<Option<FacemapPart>, JumioError> {
    if at.need("category")?.text()? != "FACEMAP" {
        return Ok(None);
    }
    let credential: CredentialId = at.need("id")?.id()?;
    let mut found = None;
    for part in at.items("parts")? {
        if part.need("classifier")?.text()? != "FACEMAP" {
            continue;
        }
        if found.is_some() {
            // Which of the two is downloaded would be chance.
            return Err(part.unexpected());
        }
        let downloadable = match part.field("href")? {
            Some(href) => {
                let ours = links.facemap(account, credential);
                same(href.text()?, &ours, href.pointer())?;
                true
            }
            None => false,
        };
        found = Some(FacemapPart { credential, downloadable });
    }
    Ok(found)
}
