//! On whose behalf Jumio is asked: for a fair share of the calls, and told to nobody.

use std::sync::Arc;

tokio::task_local! {
    static CALLER: Arc<str>;
}

/// Does `work`, and takes the calls to Jumio that look something up from the share of `caller`.
pub async fn on_behalf_of<T>(caller: Arc<str>, work: impl Future<Output = T>) -> T {
    CALLER.scope(caller, work).await
}

/// Whose share it is; the vault's own has no name.
pub(super) fn whose() -> Arc<str> {
    CALLER.try_with(Arc::clone).unwrap_or_default()
}
