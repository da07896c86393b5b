//! Documents with something wrong in them, by the hundred: no panic, and never a wrong choice.

use std::sync::{Arc, Mutex};

use facemap_vault::jumio::{DecisionType, HttpJumio, Jumio as _};
use serde_json::{Value, json};

use super::documents;
use super::{account, base, client, execution, update};
use crate::support::stub_jumio::{Canary, Reply, StubJumio};

/// How many documents of each kind.
const ROUNDS: u64 = 400;

/// A small generator of numbers (SplitMix64): the same every time, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

/// The pointers of everything in `value`.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, inner)| pointers(inner, &format!("{at}/{key}"), all));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, i)| pointers(i, &format!("{at}/{n}"), all));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Changes one to three things in `document`, and returns it as text.
fn mutated(mut document: Value, dice: &mut Dice, canary: &str) -> String {
    for _ in 0..=dice.roll(3) {
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        let pointer = all[1 + dice.roll(all.len() - 1)].clone();
        let other = all[1 + dice.roll(all.len() - 1)].clone();
        let elsewhere = document.pointer(&other).cloned().unwrap_or(Value::Null);
        let place = document.pointer_mut(&pointer).unwrap();
        match dice.roll(9) {
            0 => *place = Value::Null,
            1 => *place = [json!({}), json!(true), json!(-1.5), json!("x")][dice.roll(4)].clone(),
            2 => *place = json!([]),
            3 => *place = elsewhere,
            4 => *place = json!(dice.roll(1000)),
            5 => mutate_text(place, dice, canary),
            6 => shuffle(place, dice),
            7 => remove(&mut document, &pointer),
            _ => *place = json!({"id": documents::id(9), "type": "PASSED", "token": "x"}),
        }
    }
    let text = document.to_string();
    match dice.roll(10) {
        // A key twice in one object.
        0 => text.replacen("\"id\":", "\"id\":\"first\",\"id\":", 1 + dice.roll(9)),
        1 => text[..dice.roll(text.len())].to_owned(),
        2 => text.replacen("0.0", "1e400", 1),
        3 => text.replacen("reference", "\\ud800", 1),
        _ => text,
    }
}

fn mutate_text(place: &mut Value, dice: &mut Dice, canary: &str) {
    let Value::String(text) = place else { return };
    *text = match (text.split_once("127.0.0.1:"), dice.roll(3)) {
        (Some((before, after)), 0) => format!("{before}{canary}/{after}"),
        (Some((before, after)), _) => format!("{before}x@127.0.0.1:{after}"),
        (None, 0) => text.to_lowercase(),
        (None, 1) => format!("{text}\u{0}"),
        (None, _) => {
            ["API", "WEB", "FACEMAP", "SELFIE", "PASSED", "PROCESSED"][dice.roll(6)].into()
        }
    };
}

fn shuffle(place: &mut Value, dice: &mut Dice) {
    let Value::Array(items) = place else { return };
    items.reverse();
    if let Some(item) = items.first().cloned().filter(|_| dice.roll(2) == 0) {
        items.push(item);
    }
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(key)),
        Some(Value::Array(items)) => drop(items.remove(key.parse().unwrap())),
        _ => {}
    }
}

/// Serves whatever document is put into it.
struct Served {
    stub: StubJumio,
    jumio: HttpJumio,
    text: Arc<Mutex<String>>,
    dice: Dice,
    canary: Canary,
}

impl Served {
    async fn new(seed: u64) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let served = Arc::clone(&text);
        let stub = StubJumio::start(move |seen| {
            if seen.path.ends_with("/status") {
                return Some(Reply::json(200, documents::status(&seen.base(), "PROCESSED")));
            }
            seen.path.starts_with("/api").then(|| Reply::json(200, served.lock().unwrap()))
        })
        .await;
        Self { jumio: client(&stub), stub, text, dice: Dice(seed), canary: Canary::start() }
    }

    /// Serves a mutation of `document` from now on; gives it back if it is still JSON.
    fn next(&mut self, document: Value) -> Option<Value> {
        let canary = self.canary.address().to_string();
        let text = mutated(document, &mut self.dice, &canary);
        self.text.lock().unwrap().clone_from(&text);
        serde_json::from_str(&text).ok()
    }
}

/// Whether `credential` of an account answer may be uploaded to, judged independently.
fn takes_uploads(credential: &Value, base: &str) -> bool {
    let n = [documents::STORED, documents::DEVICE, documents::SELFIE, 9];
    let same = |n: &u8| {
        credential["id"] == documents::id(*n)
            && credential["api"]["parts"]["facemap"] == documents::slot(base, *n)
    };
    let channels = credential["allowedChannels"].as_array();
    credential["category"] == "FACEMAP"
        && channels.is_some_and(|all| all.iter().any(|channel| channel == "API"))
        && credential["api"]["token"].is_string()
        && n.iter().any(same)
}

#[tokio::test]
async fn a_mutated_account_answer_never_leads_to_a_wrong_slot() {
    let mut served = Served::new(1).await;
    let base = base(&served.stub);
    let mut good = 0;
    for round in 0..ROUNDS {
        let document = served.next(documents::started(&base));
        let Ok(pending) = served.jumio.update_account(account(), &update()).await else { continue };
        good += 1;
        let document = document.expect("what is no JSON is refused");
        let slots: Vec<_> = document["workflowExecution"]["credentials"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|credential| takes_uploads(credential, &base))
            .collect();
        assert_eq!(slots.len(), 1, "round {round}: {document}");
        assert_eq!(slots[0]["id"], pending.slot.credential.hyphenated(), "round {round}");
        assert_eq!(slots[0]["api"]["token"], pending.slot.token.expose(), "round {round}");
        assert_eq!(document["account"]["id"], account().hyphenated(), "round {round}");
        assert_eq!(document["sdk"]["token"], pending.sdk_token.expose(), "round {round}");
    }
    assert!((1..ROUNDS).contains(&good), "{good} of {ROUNDS} were harmless");
    served.canary.assert_untouched("mutated account answers");
}

#[tokio::test]
async fn a_mutated_onboarding_never_offers_a_foreign_facemap() {
    let mut served = Served::new(2).await;
    let base = base(&served.stub);
    let mut good = 0;
    for round in 0..ROUNDS {
        let document = served.next(documents::onboarding(&base));
        let Ok(details) = served.jumio.onboarding(account(), execution()).await else { continue };
        good += 1;
        let document = document.expect("what is no JSON is refused");
        assert_eq!(document["account"]["id"], account().hyphenated(), "round {round}");
        assert_eq!(document["workflow"]["id"], execution().hyphenated(), "round {round}");
        if details.decision == Some(DecisionType::Passed) {
            assert_eq!(document["decision"]["type"], "PASSED", "round {round}");
        }
        let text = document.to_string();
        for part in details.facemaps.iter().filter(|part| part.downloadable) {
            let account = account().hyphenated();
            let credential = part.credential.hyphenated();
            let link =
                format!("{base}/api/v1/accounts/{account}/credentials/{credential}/parts/FACEMAP");
            assert!(text.contains(&format!("{link}\"")), "round {round}: {text}");
        }
    }
    assert!((1..ROUNDS).contains(&good), "{good} of {ROUNDS} were harmless");
    served.canary.assert_untouched("mutated onboardings");
}

#[tokio::test]
async fn a_mutated_authentication_never_passes_by_mistake() {
    let mut served = Served::new(3).await;
    let base = base(&served.stub);
    let mut passed = 0;
    for round in 0..ROUNDS {
        let (decision, label) = match round % 2 {
            0 => ("PASSED", "OK"),
            _ => ("REJECTED", "FAILED"),
        };
        let document = served.next(documents::authentication(&base, decision, label));
        let Ok(details) = served.jumio.authentication(account(), execution()).await else {
            continue;
        };
        if details.decision == Some(DecisionType::Passed) {
            passed += 1;
            let document = document.expect("what is no JSON is refused");
            assert_eq!(document["decision"]["type"], "PASSED", "round {round}");
            let compared = document["capabilities"]["authentication"].as_array().unwrap();
            assert!(!compared.is_empty(), "round {round}");
            for entry in compared {
                let kind = entry["decision"]["type"].as_str().unwrap();
                assert!(["PASSED", "WARNING"].contains(&kind), "round {round}: {kind}");
            }
        }
    }
    assert!((1..ROUNDS).contains(&passed), "{passed} of {ROUNDS} passed");
    served.canary.assert_untouched("mutated authentications");
}
