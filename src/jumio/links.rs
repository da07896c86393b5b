//! Jumio's URLs: always built here, never followed as given.
//!
//! Jumio's answers carry absolute links. A link we would send a token to is built from our own base
//! and the ids, and the one in the answer must be the same text. So no trick of spelling matters: two
//! texts are the same or they are not.

use url::Url;

use super::{JumioError, Settings};
use crate::model::{AccountId, CredentialId, WorkflowExecutionId};

/// The four bases, and every URL that we ask.
#[derive(Debug, Clone)]
pub(super) struct Links {
    auth: Url,
    account: Url,
    api: Url,
    retrieval: Url,
    simulator: bool,
}

impl Links {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            auth: settings.auth_url.clone(),
            account: settings.account_url.clone(),
            api: settings.api_url.clone(),
            retrieval: settings.retrieval_url.clone(),
            simulator: settings.simulator,
        }
    }

    /// Where access tokens come from.
    pub(super) fn token(&self) -> Url {
        under(&self.auth, "/oauth2/token")
    }

    /// Where an account is updated.
    pub(super) fn account(&self, account: AccountId) -> Url {
        under(&self.account, &account_path(account))
    }

    /// Where an execution's details are.
    pub(super) fn details(&self, account: AccountId, execution: WorkflowExecutionId) -> Url {
        under(&self.retrieval, &execution_path(account, execution))
    }

    /// Where an execution's status is.
    pub(super) fn status(&self, account: AccountId, execution: WorkflowExecutionId) -> Url {
        under(&self.retrieval, &format!("{}/status", execution_path(account, execution)))
    }

    /// Where a FACEMAP part is downloaded.
    pub(super) fn facemap(&self, account: AccountId, credential: CredentialId) -> Url {
        under(&self.retrieval, &format!("{}/{}", account_path(account), part_path(credential)))
    }

    /// Where a FACEMAP part is uploaded.
    pub(super) fn upload(
        &self,
        account: AccountId,
        execution: WorkflowExecutionId,
        credential: CredentialId,
    ) -> Url {
        let execution = execution_path(account, execution);
        under(&self.api, &format!("{execution}/{}", part_path(credential)))
    }

    /// Whose FACEMAP part `link` is, if it is one of `account`'s at our retrieval base.
    ///
    /// # Errors
    ///
    /// [`JumioError::UrlRejected`] naming `pointer` if the link is anything else.
    pub(super) fn facemap_credential(
        &self,
        account: AccountId,
        link: &str,
        pointer: &str,
    ) -> Result<CredentialId, JumioError> {
        let id = link.rsplit('/').nth(2).and_then(|id| id.parse().ok());
        let credential = id.ok_or_else(|| rejected(pointer))?;
        same(link, &self.facemap(account, credential), pointer)?;
        Ok(credential)
    }

    /// Checks a link that we hand to the person's browser and never follow ourselves: its host is the
    /// tenant's own and unknown to us, so only what is wrong for any host is refused.
    ///
    /// # Errors
    ///
    /// [`JumioError::UrlRejected`] naming `pointer`.
    pub(super) fn check_web(&self, link: &str, pointer: &str) -> Result<(), JumioError> {
        let printable = link.len() <= WEB_LEN_MAX && link.bytes().all(|b| b.is_ascii_graphic());
        let url = Url::parse(link).ok().filter(|_| printable).ok_or_else(|| rejected(pointer))?;
        let scheme = url.scheme() == "https" || (self.simulator && url.scheme() == "http");
        // `url` forgives backslashes and missing slashes; a browser may not read the same host.
        let plain = link.starts_with(&format!("{}://", url.scheme())) && !link.contains('\\');
        if scheme && plain && url.username().is_empty() && url.password().is_none() {
            return Ok(());
        }
        Err(rejected(pointer))
    }
}

/// Longest web link passed on, in bytes. Jumio's are about 500; ours to choose.
const WEB_LEN_MAX: usize = 8 * 1024;

/// Checks that `link`, found at `pointer`, is the very URL that we would ask.
///
/// # Errors
///
/// [`JumioError::UrlRejected`] if it differs by a single byte.
pub(super) fn same(link: &str, ours: &Url, pointer: &str) -> Result<(), JumioError> {
    if link == ours.as_str() {
        return Ok(());
    }
    Err(rejected(pointer))
}

fn rejected(pointer: &str) -> JumioError {
    tracing::warn!(pointer, "jumio's answer carries a link that is not ours to follow");
    JumioError::UrlRejected { pointer: pointer.to_owned() }
}

fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}

fn account_path(account: AccountId) -> String {
    format!("/api/v1/accounts/{}", account.hyphenated())
}

fn execution_path(account: AccountId, execution: WorkflowExecutionId) -> String {
    format!("{}/workflow-executions/{}", account_path(account), execution.hyphenated())
}

fn part_path(credential: CredentialId) -> String {
    format!("credentials/{}/parts/FACEMAP", credential.hyphenated())
}
