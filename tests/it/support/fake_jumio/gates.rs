//! Places where a test can hold calls.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::watch;

use super::Call;

/// One gate per kind of call, all open at first.
#[derive(Default)]
pub(super) struct Gates(Mutex<HashMap<Call, watch::Sender<Gate>>>);

#[derive(Default)]
struct Gate {
    held: bool,
    arrived: usize,
}

impl Gates {
    pub(super) fn hold(&self, call: Call) {
        self.modify(call, |gate| gate.held = true);
    }

    pub(super) fn release(&self, call: Call) {
        self.modify(call, |gate| gate.held = false);
    }

    pub(super) async fn arrived(&self, call: Call, count: usize) {
        let mut gate = self.modify(call, |_| ());
        gate.wait_for(|gate| gate.arrived >= count).await.unwrap();
    }

    /// Goes through the gate, as soon as it is open.
    pub(super) async fn pass(&self, call: Call) {
        let mut gate = self.modify(call, |gate| gate.arrived += 1);
        gate.wait_for(|gate| !gate.held).await.unwrap();
    }

    fn modify(&self, call: Call, change: impl FnOnce(&mut Gate)) -> watch::Receiver<Gate> {
        let mut gates = self.0.lock().unwrap();
        let gate = gates.entry(call).or_insert_with(|| watch::channel(Gate::default()).0);
        gate.send_modify(change);
        gate.subscribe()
    }
}
