//! Callbacks to the customer: sent in order, tried again when they fail.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    clock::Moment,
    execution::Execution,
    id::Id,
    json::put,
    state::{Sim, X_SIMULATOR},
    world::World,
};

/// How long the receiver has to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Pauses before the second, third and fourth try. Jumio publishes none; these are ours.
const RETRIES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// Deliveries remembered.
const KEPT: usize = 10_000;

/// A callback that is due.
pub(super) struct Notice {
    url: String,
    execution: Id,
    status: &'static str,
    body: Value,
}

impl Notice {
    /// The callback that tells `url` the present status of `execution`.
    pub(super) fn of(execution: &Execution, url: String) -> Self {
        let base = execution.bases.retrieval();
        let (id, account) = (execution.id, execution.account);
        let status = execution.status.name();
        let mut body = json!({
            "workflowExecution": {
                "id": id,
                "href": format!("{base}/api/v1/workflow-executions/{id}"),
                "definitionKey": execution.key,
                "status": status,
            },
            "account": { "id": account, "href": format!("{base}/api/v1/accounts/{account}") },
        });
        if let Some(reference) = &execution.user_reference {
            put(&mut body, "userReference", reference.clone());
        }
        Self { url, execution: id, status, body }
    }
}

/// One try to deliver a callback, as the control API shows it. The URL is left out because it may
/// carry a secret.
#[derive(Clone, Serialize)]
pub(super) struct Delivery {
    pub(super) execution_id: Id,
    pub(super) status: &'static str,
    /// 1 for the first try.
    pub(super) attempt: usize,
    /// What the receiver answered; absent if it did not.
    pub(super) answer: Option<u16>,
}

/// Sends what is due in `world`, first tries in order, without waiting for it.
pub(super) fn flush(sim: &Arc<Sim>, world: &Arc<World>) {
    let notices = std::mem::take(&mut world.lock().outbox);
    if notices.is_empty() {
        return;
    }
    let (sim, world) = (Arc::clone(sim), Arc::clone(world));
    let mut stopped = sim.stopped.clone();
    tokio::spawn(async move {
        let work = deliver_all(&sim, &world, notices);
        tokio::select! {
            () = work => {}
            _ = stopped.changed() => {}
        }
    });
}

async fn deliver_all(sim: &Arc<Sim>, world: &Arc<World>, notices: Vec<Notice>) {
    let mut failed = Vec::new();
    for mut notice in notices {
        stamp(&mut notice, sim.clock.now());
        if !deliver(sim, world, &notice, 1).await {
            failed.push(retry(sim, world, notice));
        }
    }
    futures_util::future::join_all(failed).await;
}

/// The time of the first try; repeated tries are the same message.
fn stamp(notice: &mut Notice, now: Moment) {
    put(&mut notice.body, "callbackSentAt", now.to_string());
}

async fn retry(sim: &Arc<Sim>, world: &Arc<World>, notice: Notice) {
    for (pause, attempt) in RETRIES.into_iter().zip(2..) {
        tokio::time::sleep(pause).await;
        if deliver(sim, world, &notice, attempt).await {
            return;
        }
    }
}

/// Tries once; returns whether the receiver took it.
async fn deliver(sim: &Sim, world: &World, notice: &Notice, attempt: usize) -> bool {
    let request = sim
        .callbacks
        .post(&notice.url)
        .header("content-type", "application/json")
        .header("user-agent", "fmvault-simulator")
        .header(X_SIMULATOR, "1")
        .timeout(TIMEOUT)
        .body(notice.body.to_string());
    let answer = request.send().await.ok().map(|answer| answer.status());
    let mut world = world.lock();
    if world.deliveries.len() >= KEPT {
        world.deliveries.remove(0);
    }
    world.deliveries.push(Delivery {
        execution_id: notice.execution,
        status: notice.status,
        attempt,
        answer: answer.map(|status| status.as_u16()),
    });
    answer.is_some_and(|status| status.is_success())
}
