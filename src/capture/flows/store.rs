//! Flows by their keys, bounded: the one that was idle longest makes room. No step takes longer with more flows.

use std::collections::HashMap;

use super::key::{Ends, Key};
use super::point::Flow;

const NONE: u32 = u32::MAX;

/// A flow and its neighbours in the order of their last packets.
#[derive(Debug)]
struct Slot {
    flow: Flow,
    newer: u32,
    older: u32,
}

/// The flows.
#[derive(Debug)]
pub struct Store {
    slots: Vec<Slot>,
    keys: HashMap<Key, u32>,
    /// The latest flow of such ends, whatever its tunnel.
    ends: HashMap<Ends, u32>,
    newest: u32,
    oldest: u32,
    most: usize,
    /// Flows that made room for others.
    pub forgotten: u64,
}

impl Store {
    /// Holds at most so many flows, one at least.
    pub fn new(most: usize) -> Self {
        let (slots, keys, ends) = (Vec::new(), HashMap::new(), HashMap::new());
        let most = most.clamp(1, NONE as usize);
        Self { slots, keys, ends, newest: NONE, oldest: NONE, most, forgotten: 0 }
    }

    /// All flows.
    pub fn all(&self) -> impl Iterator<Item = &Flow> {
        self.slots.iter().map(|slot| &slot.flow)
    }

    /// The flow that is meant by this key: its own, or the latest between the same ends.
    pub fn meant(&self, key: &Key) -> Option<Key> {
        if self.keys.contains_key(key) {
            return Some(*key);
        }
        let at = *self.ends.get(&key.within())?;
        self.slots.get(at as usize).map(|slot| slot.flow.key)
    }

    /// The flow, a new one if need be; it is the newest now.
    pub fn touch(&mut self, key: &Key, new: impl FnOnce() -> Flow) -> Option<&mut Flow> {
        let at = match self.keys.get(key) {
            Some(at) => {
                let at = *at;
                self.unlink(at);
                at
            }
            None => self.place(new()),
        };
        self.link(at);
        self.slots.get_mut(at as usize).map(|slot| &mut slot.flow)
    }

    /// Puts a flow where there is room.
    fn place(&mut self, flow: Flow) -> u32 {
        let key = flow.key;
        let slot = Slot { flow, newer: NONE, older: NONE };
        let at = if self.slots.len() < self.most {
            self.slots.push(slot);
            self.slots.len() as u32 - 1
        } else {
            let at = self.oldest;
            self.unlink(at);
            if let Some(place) = self.slots.get_mut(at as usize) {
                let gone = std::mem::replace(place, slot).flow.key;
                self.keys.remove(&gone);
                if self.ends.get(&gone.within()) == Some(&at) {
                    self.ends.remove(&gone.within());
                }
                self.forgotten += 1;
            }
            at
        };
        self.keys.insert(key, at);
        self.ends.insert(key.within(), at);
        at
    }

    fn unlink(&mut self, at: u32) {
        let Some(slot) = self.slots.get(at as usize) else { return };
        let (newer, older) = (slot.newer, slot.older);
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link(&mut self, at: u32) {
        let before = std::mem::replace(&mut self.newest, at);
        if let Some(slot) = self.slots.get_mut(at as usize) {
            (slot.newer, slot.older) = (NONE, before);
        }
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
    }
}
