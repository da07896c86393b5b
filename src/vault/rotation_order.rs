//! The order of a rotation: which step follows which, and what ends it before its time. Has neither store
//! nor keys, so that a test runs through all of it.
//!
//! The law it keeps: a key is destroyed only after a look at *all* records, begun when nobody could wrap
//! under it any more, found none that names it and none that does not open.

use super::rotation::Phase;

/// One step. What it finds decides the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// New keys, pending, durable in both files of the keyring.
    Prepare,
    /// They wrap from here on.
    Promote,
    /// Each record under an old key is brought under the new one.
    Rewrap,
    /// Until nobody is left who may wrap under an old key.
    Wait,
    /// All records are looked at.
    Verify,
    /// No file of the store holds an old wrap any more.
    Drop,
    /// From here on nothing can be cancelled.
    Commit,
    /// The old keys leave the keyring.
    Retire,
    /// The rotation is forgotten.
    Close,
}

/// What a step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing in the way.
    Done,
    /// Records that still name an old key.
    Stale(u64),
    /// Records that do not open, or whose body has another key.
    Damaged(u64),
    /// Somebody who may still wrap under an old key, and does not end.
    Busy,
    /// The operator, or the end of the process, wants it to stop.
    Stopped,
}

/// How a rotation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All was done.
    Complete,
    /// It was stopped between two steps.
    Stopped,
    /// So many records do not open: the old keys stay.
    Damaged(u64),
    /// So many records kept coming back to an old key.
    Stale(u64),
    /// Somebody held an old ring for too long.
    Busy,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Do(Step),
    End(Ending),
}

/// Looks at all records that may find some under an old key, before it is given up: each is one write that
/// came between, and there are no new ones once the wait is over.
const PASSES_MAX: u32 = 8;

/// The place in the order.
#[derive(Debug)]
pub(super) struct Order {
    at: Step,
    rewrap: bool,
    passes: u32,
}

impl Order {
    /// Where a rotation that is in `phase` begins; without `rewrap` it ends when the new keys are in force.
    /// What was verified before a crash is verified again.
    pub(super) fn new(phase: Phase, rewrap: bool) -> Self {
        let at = match phase {
            Phase::Preparing => Step::Prepare,
            Phase::Rewrapping | Phase::Retiring => Step::Rewrap,
        };
        Self { at, rewrap, passes: 0 }
    }

    /// The step to begin with.
    pub(super) fn first(&self) -> Step {
        self.at
    }

    /// What follows after the step at hand found `found`.
    pub(super) fn after(&mut self, found: Found) -> Next {
        let next = match (self.at, found) {
            (_, Found::Stopped) => return Next::End(Ending::Stopped),
            (_, Found::Busy) => return Next::End(Ending::Busy),
            (_, Found::Damaged(count)) => return Next::End(Ending::Damaged(count)),
            (Step::Verify, Found::Stale(count)) => {
                self.passes += 1;
                if self.passes == PASSES_MAX {
                    return Next::End(Ending::Stale(count));
                }
                Step::Rewrap
            }
            (Step::Prepare, Found::Done | Found::Stale(_)) => Step::Promote,
            (Step::Promote, Found::Done | Found::Stale(_)) if self.rewrap => Step::Rewrap,
            (Step::Promote, Found::Done | Found::Stale(_)) => Step::Close,
            (Step::Rewrap, Found::Done | Found::Stale(_)) => Step::Wait,
            (Step::Wait, Found::Done | Found::Stale(_)) => Step::Verify,
            (Step::Verify, Found::Done) => Step::Drop,
            (Step::Drop, Found::Done | Found::Stale(_)) => Step::Commit,
            (Step::Commit, Found::Done | Found::Stale(_)) => Step::Retire,
            (Step::Retire, Found::Done | Found::Stale(_)) => Step::Close,
            (Step::Close, Found::Done | Found::Stale(_)) => return Next::End(Ending::Complete),
        };
        self.at = next;
        Next::Do(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walk(
        phase: Phase,
        rewrap: bool,
        found: impl Fn(usize, Step) -> Found,
    ) -> (Vec<Step>, Ending) {
        let mut order = Order::new(phase, rewrap);
        let mut steps = vec![order.first()];
        loop {
            let last = *steps.last().unwrap();
            match order.after(found(steps.len(), last)) {
                Next::Do(step) => steps.push(step),
                Next::End(ending) => return (steps, ending),
            }
        }
    }

    #[test]
    fn a_rotation_without_trouble_goes_through_all_steps_once() {
        use Step::*;
        let all = [Prepare, Promote, Rewrap, Wait, Verify, Drop, Commit, Retire, Close];
        let done = |_, _| Found::Done;
        assert_eq!(walk(Phase::Preparing, true, done), (all.to_vec(), Ending::Complete));
        let resumed = (all[2..].to_vec(), Ending::Complete);
        assert_eq!(walk(Phase::Rewrapping, true, done), resumed);
        assert_eq!(walk(Phase::Retiring, true, done), resumed, "verified again");
        let keys_only = (vec![Prepare, Promote, Close], Ending::Complete);
        assert_eq!(walk(Phase::Preparing, false, done), keys_only);
    }

    #[test]
    fn what_keeps_coming_back_ends_it_with_both_keys() {
        let stale = |_, step| if step == Step::Verify { Found::Stale(3) } else { Found::Done };
        let (steps, ending) = walk(Phase::Preparing, true, stale);
        assert_eq!(ending, Ending::Stale(3));
        assert!(!steps.contains(&Step::Retire));
    }

    proptest! {
        /// Whatever is found, and wherever it began: before a key is destroyed comes a wait and then a
        /// look at all records that found nothing, with no rewrap after it.
        #[test]
        fn no_key_is_destroyed_unseen(
            phase in proptest::sample::select(vec![Phase::Preparing, Phase::Rewrapping, Phase::Retiring]),
            finds in proptest::collection::vec(0..6_u8, 40),
        ) {
            let found = |n: usize, _| match finds.get(n) {
                Some(4) => Found::Stale(1),
                Some(5) => Found::Damaged(1),
                _ => Found::Done,
            };
            let (steps, _) = walk(phase, true, found);
            if let Some(retired) = steps.iter().position(|step| *step == Step::Retire) {
                let before = &steps[..retired];
                let tail = &before[before.len() - 4..];
                prop_assert_eq!(tail, [Step::Wait, Step::Verify, Step::Drop, Step::Commit]);
                prop_assert_eq!(found(retired - 2, Step::Verify), Found::Done);
            }
        }
    }
}
