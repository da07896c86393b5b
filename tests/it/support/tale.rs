//! What happens to one account, told in steps, and what is left at the end, told in words.

use std::collections::BTreeMap;
use std::time::Duration;

use facemap_vault::model::{State, WorkflowExecutionId};
use facemap_vault::vault::{Enroll, VaultError};

use super::mem_store::Failure;
use super::world::{HOUR, World, account, facemap};

/// One thing that happens. Onboardings have names of one letter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// The person completes an onboarding.
    Onboard(char),
    /// Somebody enrolls it, and does not know when it was completed.
    Enroll(char),
    /// Somebody enrolls it and says when it was completed, so many hours after it really was.
    EnrollLate(char, u32),
    /// One attempt to capture.
    Capture,
    /// One sweep of what is due within so many hours.
    Sweep(u32),
    /// The account is erased.
    Erase,
    /// So many hours pass.
    Wait(u32),
    /// Jumio deletes the data of an onboarding and says so.
    Wipe(char),
    /// Jumio knows nothing of an onboarding any more.
    Forget(char),
    /// Jumio does not let the facemap of an onboarding be downloaded.
    NoDownload(char),
    /// Jumio no longer tells when an onboarding was completed.
    HideCompletion(char),
    /// The store fails the next commits.
    StoreFails(usize, Failure),
    /// The process dies and is started again.
    Crash,
}

/// Lives through `steps` and says what is left, such as `pending b, serves a`. A step that was
/// refused is told at the end.
pub(crate) async fn tale(steps: &[Step]) -> String {
    let (world, told) = lived(steps).await;
    told.ending(&world).await
}

/// The world after `steps`.
pub(crate) async fn world_after(steps: &[Step]) -> World {
    lived(steps).await.0
}

async fn lived(steps: &[Step]) -> (World, Told) {
    let mut world = World::new().await;
    let mut told = Told { executions: BTreeMap::new(), refused: None };
    for step in steps {
        if let Err(error) = told.live(&mut world, *step).await {
            told.refused = Some(kind(&error));
        }
    }
    (world, told)
}

/// The name of an error's variant.
pub(crate) fn kind(error: &VaultError) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The word for a state.
pub(crate) fn word(state: State) -> &'static str {
    match state {
        State::Pending { .. } => "pending",
        State::Blocked { .. } => "blocked",
        State::Captured => "captured",
        State::Lost { .. } => "lost",
        State::Erased { .. } => "erased",
    }
}

struct Told {
    executions: BTreeMap<char, WorkflowExecutionId>,
    refused: Option<String>,
}

impl Told {
    async fn live(&mut self, world: &mut World, step: Step) -> Result<(), VaultError> {
        let hours = |n: u32| HOUR * n;
        match step {
            Step::Onboard(name) => {
                let execution = world.onboard(1, &bytes(name));
                self.executions.insert(name, execution);
            }
            Step::Enroll(name) => drop(world.enroll(1, self.executions[&name]).await?),
            Step::EnrollLate(name, late) => self.enroll(world, name, hours(late)).await?,
            Step::Capture => drop(world.capture(1).await?),
            Step::Sweep(horizon) => drop(world.vault.sweep(world.now, hours(horizon)).await?),
            Step::Erase => drop(world.erase(1).await?),
            Step::Wait(n) => world.wait(hours(n)),
            Step::Wipe(name) => self.change(world, name, |o, now| o.delete(now)),
            Step::Forget(name) => self.change(world, name, |o, _| o.forgotten = true),
            Step::NoDownload(name) => {
                self.change(world, name, |o, _| o.details.facemaps[0].downloadable = false);
            }
            Step::HideCompletion(name) => {
                self.change(world, name, |o, _| o.details.completed = None);
            }
            Step::StoreFails(count, how) => world.store.inner.fail_next(count, how),
            Step::Crash => world.crash().await,
        }
        Ok(())
    }

    async fn enroll(&self, world: &World, name: char, late: Duration) -> Result<(), VaultError> {
        let execution = self.executions[&name];
        let mut completed = None;
        world.jumio.change(account(1), execution, |onboarded| {
            completed = onboarded.details.completed.map(|at| at.plus(late));
        });
        let request = Enroll { account: account(1), execution, completed };
        world.vault.enroll(request, world.now).await.map(drop)
    }

    fn change(
        &self,
        world: &World,
        name: char,
        change: impl FnOnce(&mut super::fake_jumio::Onboarded, facemap_vault::model::Timestamp),
    ) {
        let now = world.now;
        world.jumio.change(account(1), self.executions[&name], |onboarded| change(onboarded, now));
    }

    async fn ending(&self, world: &World) -> String {
        let enrollment = match world.vault.enrollment(account(1)).await {
            Ok(loaded) => loaded.enrollment,
            Err(error) => return kind(&error),
        };
        let newest = self.name(|execution| execution == enrollment.onboarding.execution);
        let served = world.served(1).await;
        let serves = match &served {
            None => "nothing".to_owned(),
            Some(served) => {
                let stored = enrollment.facemap.as_ref().map(|facemap| facemap.execution);
                let name = self.name(|execution| Some(execution) == stored);
                assert_eq!(*served, bytes(name), "its bytes are those of another onboarding");
                name.to_string()
            }
        };
        let state = word(enrollment.onboarding.state);
        let refused = self.refused.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("{state} {newest}, serves {serves}{refused}")
    }

    fn name(&self, is_it: impl Fn(WorkflowExecutionId) -> bool) -> char {
        *self.executions.iter().find(|(_, execution)| is_it(**execution)).unwrap().0
    }
}

/// What Jumio makes in the onboarding of this name.
pub(crate) fn bytes(name: char) -> Vec<u8> {
    facemap(name as u8, 300)
}
