use super::*;

const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis().saturating_add_signed(seconds * 1000))
}

/// Row `n`, due so many seconds after the start.
fn due(n: u8, seconds: i64) -> Due {
    Due { at: at(seconds), row: RowKey([n; 32]) }
}

fn plan() -> SweepPlan {
    SweepPlan {
        horizon: SECOND * 100_000,
        limit: None,
        patience: SECOND * 900,
        in_flight_max: 1,
        capture_time: SECOND,
    }
}

/// Runs a pass over `index`, in which `answer` says how each try goes and how long it takes. Gives
/// the rows in the order of their tries, the ending, and the time it took.
fn run(
    plan: SweepPlan,
    index: &mut BTreeSet<Due>,
    mut answer: impl FnMut(Due, Timestamp) -> Outcome,
) -> (Vec<u8>, Ending, Duration) {
    let mut pass = Pass::new(plan, START, 7);
    let (mut now, mut order, mut flying) = (START, Vec::new(), Vec::new());
    for _ in 0..1_000_000 {
        match pass.next(now) {
            Step::Read { after, before } => {
                let rows = index.iter().filter(|d| Some(**d) > after && d.at < before);
                let page: Vec<Due> = rows.take(4).copied().collect();
                pass.page(&page);
            }
            Step::Try(due) => {
                order.push(due.row.0[0]);
                flying.push(due);
            }
            Step::Wait(_) if !flying.is_empty() => {
                now = now.plus(plan.capture_time);
                let due = flying.remove(0);
                let outcome = answer(due, now);
                if outcome == Outcome::Settled {
                    index.remove(&due);
                }
                pass.ended(due, outcome, now);
            }
            Step::Wait(until) => now = until.expect("nothing is being tried"),
            Step::End(ending) => return (order, ending, now.since(START)),
        }
    }
    panic!("the pass does not end")
}

#[test]
fn the_nearest_deadline_that_can_be_met_comes_first_and_the_late_ones_last() {
    let rows = [due(1, -500), due(2, 9_000), due(3, 50), due(4, 1), due(5, 50), due(6, 1)];
    let mut index = BTreeSet::from(rows);
    let (order, ending, _) = run(plan(), &mut index, |_, _| Outcome::Settled);
    assert_eq!((order, ending), (vec![4, 3, 5, 2, 1, 6], Ending::Through));
}

#[test]
fn what_is_beyond_the_horizon_waits() {
    let mut index = BTreeSet::from([due(1, 10), due(2, 1_000)]);
    let plan = SweepPlan { horizon: SECOND * 1_000, ..plan() };
    let (order, ..) = run(plan, &mut index, |_, _| Outcome::Settled);
    assert_eq!(order, [1]);
}

#[test]
fn a_throttled_row_is_tried_again_before_all_others() {
    let mut index: BTreeSet<Due> = (1..=9).map(|n| due(n, 1_000 + i64::from(n))).collect();
    let mut throttled = 0;
    let (order, ending, took) = run(plan(), &mut index, |due, _| {
        if due.row.0[0] == 3 && throttled < 2 {
            throttled += 1;
            return Outcome::Throttled(Some(SECOND * 1_000_000));
        }
        Outcome::Settled
    });
    assert_eq!(order, [1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(ending, Ending::Through);
    // Eleven tries, and two waits: five minutes at most.
    assert_eq!(took, SECOND * (11 + 2 * 300));
}

#[test]
fn a_budget_that_never_frees_ends_the_pass() {
    let mut index: BTreeSet<Due> = (1..=9).map(|n| due(n, 90_000)).collect();
    let (order, ending, took) = run(plan(), &mut index, |_, _| Outcome::Throttled(None));
    assert_eq!(ending, Ending::GaveUp(LastError::RateLimited));
    assert!(order.iter().all(|&n| n == 1), "always the first");
    assert!(took >= SECOND * 900 && took < SECOND * 910, "{took:?}");
}

#[test]
fn one_account_that_jumio_cannot_answer_holds_up_nobody() {
    let mut index: BTreeSet<Due> = (1..=9).map(|n| due(n, 1_000 + i64::from(n))).collect();
    let (order, ending, took) = run(plan(), &mut index, |due, _| match due.row.0[0] {
        1 | 2 => Outcome::Down(LastError::Timeout),
        _ => Outcome::Settled,
    });
    assert_eq!((order, ending), ((1..=9).collect(), Ending::Through));
    assert_eq!(took, SECOND * 9, "no wait");
}

#[test]
fn after_an_outage_the_nearest_deadline_is_first_again() {
    let mut index: BTreeSet<Due> = (1..=9).map(|n| due(n, 5_000 + i64::from(n))).collect();
    let back = at(20);
    let (order, ending, _) = run(plan(), &mut index, |_, now| match now < back {
        true => Outcome::Down(LastError::Unavailable),
        false => Outcome::Settled,
    });
    assert_eq!(ending, Ending::Through);
    let missed = order.len() - 9;
    assert!((3..=8).contains(&missed), "few tries while it is down: {order:?}");
    let first_answered = order[missed];
    let mut rest: Vec<u8> = (1..=9).filter(|&n| n != first_answered).collect();
    rest.insert(0, first_answered);
    assert_eq!(order[missed..], rest);
}

#[test]
fn an_outage_without_end_ends_the_pass() {
    let mut index: BTreeSet<Due> = (1..=200).map(|n| due(n, 90_000)).collect();
    let (order, ending, took) =
        run(plan(), &mut index, |_, _| Outcome::Down(LastError::Unavailable));
    assert_eq!(ending, Ending::GaveUp(LastError::Unavailable));
    assert!(took >= SECOND * 900 && took < SECOND * 970, "{took:?}");
    assert!(order.len() < 40, "Jumio is left alone: {}", order.len());
}

#[test]
fn a_refusal_of_the_tenant_ends_the_pass_after_three_accounts() {
    let mut index: BTreeSet<Due> = (1..=9).map(|n| due(n, 90_000)).collect();
    let refused = Outcome::Refused(LastError::CredentialsRejected);
    let (order, ending, _) = run(plan(), &mut index, |_, _| refused);
    assert_eq!((order.len(), ending), (3, Ending::GaveUp(LastError::CredentialsRejected)));

    let mut n = 0;
    let (order, ending, _) = run(plan(), &mut index, |_, _| {
        n += 1;
        if n % 3 == 0 { Outcome::Pending(LastError::NotYet) } else { refused }
    });
    assert_eq!((order.len(), ending), (9, Ending::Through), "not three in a row");
}

#[test]
fn the_limit_counts_tries() {
    let mut index: BTreeSet<Due> = (1..=9).map(|n| due(n, 90_000)).collect();
    let plan = SweepPlan { limit: Some(4), in_flight_max: 3, ..plan() };
    let (order, ending, _) = run(plan, &mut index, |_, _| Outcome::Settled);
    assert_eq!((order.len(), ending), (4, Ending::Limit));
}

#[test]
fn without_patience_every_row_is_tried_once_and_nothing_waits() {
    let outcomes = [Outcome::Throttled(None), Outcome::Down(LastError::Unavailable)];
    for outcome in outcomes {
        let mut index: BTreeSet<Due> = (1..=9).map(|n| due(n, 90_000)).collect();
        let plan = SweepPlan { patience: Duration::ZERO, ..plan() };
        let (order, ending, took) = run(plan, &mut index, |_, _| outcome);
        assert_eq!((order.len(), ending, took), (9, Ending::Through, SECOND * 9), "{outcome:?}");
    }
}

#[test]
fn what_is_enrolled_meanwhile_with_a_nearer_deadline_does_not_wait_for_the_end() {
    let mut pass = Pass::new(plan(), START, 0);
    let index: Vec<Due> = (1..=200).map(|n| due(n, 50_000 + i64::from(n))).collect();
    let newer = due(201, 10_000);
    let mut now = START;
    for tries in 1.. {
        match pass.next(now) {
            Step::Read { after, .. } => {
                let new = (now > at(5)).then_some(newer);
                let mut rows: Vec<Due> = index.iter().copied().chain(new).collect();
                rows.sort();
                rows.retain(|due| Some(*due) > after);
                pass.page(&rows);
            }
            Step::Try(due) if due == newer => break,
            Step::Try(due) => {
                now = now.plus(SECOND);
                pass.ended(due, Outcome::Pending(LastError::NotYet), now);
            }
            Step::Wait(_) | Step::End(_) => panic!("there are rows left"),
        }
        assert!(tries < 60, "the front is not read again");
    }
}
