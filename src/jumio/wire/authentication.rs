//! The status and the details of an authentication.

use super::{capability, decision, execution_status, same_id, time};
use crate::jumio::json::{At, Json};
use crate::jumio::{AuthenticationDetails, DecisionType, ExecutionStatus, JumioError};
use crate::model::{AccountId, WorkflowExecutionId};

/// Reads the status of `execution`: no decision yet, or never.
pub(in crate::jumio) fn status(
    json: &Json,
    account: AccountId,
    execution: WorkflowExecutionId,
) -> Result<AuthenticationDetails, JumioError> {
    let top = json.top();
    same_id(&top.need("account")?, account)?;
    let workflow = top.need("workflowExecution")?;
    same_id(&workflow, execution)?;
    status_of(&workflow)
}

fn status_of(workflow: &At<'_>) -> Result<AuthenticationDetails, JumioError> {
    Ok(AuthenticationDetails {
        status: execution_status(workflow)?,
        workflow_key: workflow.need("definitionKey")?.word()?.to_owned(),
        created: None,
        customer_internal_reference: None,
        decision: None,
        label: None,
    })
}

/// Reads the details of `execution`, which is processed.
pub(in crate::jumio) fn processed(
    json: &Json,
    account: AccountId,
    execution: WorkflowExecutionId,
) -> Result<AuthenticationDetails, JumioError> {
    let top = json.top();
    same_id(&top.need("account")?, account)?;
    let workflow = top.need("workflow")?;
    same_id(&workflow, execution)?;
    let status = execution_status(&workflow)?;
    if status != ExecutionStatus::Processed {
        // Expired between our two questions: what details then say of a decision is contradictory.
        return status_of(&workflow);
    }
    let overall = decision(&top)?;
    let authentication = capability(&top, "authentication")?;
    if overall == DecisionType::Passed {
        // The thresholds of the overall decision are the tenant's to move. It is no proof of its own
        // that the two facemaps were compared.
        let none =
            JumioError::ResponseUnexpected { pointer: "/capabilities/authentication".into() };
        if authentication.is_empty() {
            return Err(none);
        }
        for at in &authentication {
            match decision(at)? {
                DecisionType::Passed | DecisionType::Warning => {}
                DecisionType::Rejected | DecisionType::NotExecuted => return Err(at.unexpected()),
            }
        }
    }
    let label = match authentication.first().map(|at| at.field("decision")).transpose()?.flatten() {
        Some(decision) => match decision.field("details")? {
            Some(details) => details.field("label")?.map(|at| at.word()).transpose()?,
            None => None,
        },
        None => None,
    };
    let reference = workflow.field("customerInternalReference")?;
    Ok(AuthenticationDetails {
        status,
        workflow_key: workflow.need("definitionKey")?.word()?.to_owned(),
        created: time(&top, "createdAt")?,
        customer_internal_reference: reference
            .map(|at| at.text().map(str::to_owned))
            .transpose()?,
        decision: Some(overall),
        label: label.map(str::to_owned),
    })
}
