//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The places of a listener.
#[derive(Debug)]
pub(super) struct Places {
    all_max: usize,
    per_peer_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    peer: IpAddr,
}

impl Places {
    pub(super) fn new(all_max: usize, per_peer_max: usize) -> Arc<Self> {
        Arc::new(Self { all_max, per_peer_max, taken: Mutex::default() })
    }

    /// A place for `peer`, if there is one.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = taken.by_peer.get(&peer).copied().unwrap_or_default();
        if taken.all >= self.all_max || of_peer >= self.per_peer_max {
            return None;
        }
        taken.all += 1;
        taken.by_peer.insert(peer, of_peer + 1);
        Some(Place { places: Arc::clone(self), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(of_peer) = taken.by_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                taken.by_peer.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_cannot_take_all_places_and_a_place_comes_back() {
        let places = Places::new(3, 2);
        let peer = |last| IpAddr::from([192, 0, 2, last]);
        let first = places.take(peer(1));
        let second = places.take(peer(1));
        assert!(first.is_some() && second.is_some());
        assert!(places.take(peer(1)).is_none(), "a third of one peer");
        let third = places.take(peer(2));
        assert!(third.is_some());
        assert!(places.take(peer(3)).is_none(), "a fourth in all");
        drop(first);
        assert!(places.take(peer(3)).is_some());
        drop((second, third));
        let taken = places.taken.lock().unwrap();
        assert!(taken.all == 0 && taken.by_peer.is_empty(), "{taken:?}");
    }
}
