//! What is kept as long as there is room.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hash, RandomState},
    marker::PhantomData,
    sync::{Mutex, RwLock},
};

/// Bytes of one kind that are kept at most.
const BYTES: usize = 8 << 20;

/// What an entry takes beside its texts and rows, about.
const OVERHEAD: usize = 512;

/// Keys that are remembered as asked for.
const SEEN: usize = 10_000;

/// Values by what they depend on. When they are too many all are forgotten.
pub(super) struct Kept<K, V>(RwLock<Shelf<K, V>>);

struct Shelf<K, V> {
    /// Each with its bytes.
    entries: HashMap<K, (V, usize)>,
    bytes: usize,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(RwLock::new(Shelf { entries: HashMap::new(), bytes: 0 }))
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.read().ok()?.entries.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value whose texts and rows have so many bytes.
    pub(super) fn put(&self, key: K, value: V, bytes: usize) {
        let Ok(mut shelf) = self.0.write() else { return };
        shelf.remove(&key);
        let bytes = bytes + OVERHEAD;
        if shelf.bytes + bytes > BYTES {
            shelf.entries.clear();
            shelf.bytes = 0;
        }
        if bytes <= BYTES {
            shelf.bytes += bytes;
            shelf.entries.insert(key, (value, bytes));
        }
    }

    pub(super) fn forget(&self, key: &K) {
        if let Ok(mut shelf) = self.0.write() {
            shelf.remove(key);
        }
    }
}

impl<K: Eq + Hash, V> Shelf<K, V> {
    fn remove(&mut self, key: &K) {
        if let Some((_, bytes)) = self.entries.remove(key) {
            self.bytes -= bytes;
        }
    }
}

/// Keys that somebody asked for, as hashes with a key of this process; of two with the same hash the second is taken for a
/// repeated one, which does no harm.
pub(super) struct Once<K> {
    state: RandomState,
    seen: Mutex<HashSet<u64>>,
    of: PhantomData<fn(&K)>,
}

impl<K> Default for Once<K> {
    fn default() -> Self {
        Self { state: RandomState::default(), seen: Mutex::default(), of: PhantomData }
    }
}

impl<K: Hash> Once<K> {
    /// It is asked for again.
    pub(super) fn again(&self, key: &K) -> bool {
        let hash = self.state.hash_one(key);
        let Ok(mut seen) = self.seen.lock() else { return false };
        if seen.len() >= SEEN {
            seen.clear();
        }
        !seen.insert(hash)
    }

    /// As if nobody had asked for it.
    pub(super) fn forget(&self, key: &K) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.remove(&self.state.hash_one(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_there_is_no_room_all_is_forgotten() {
        let kept = Kept::default();
        let eighth = BYTES / 8 - OVERHEAD;
        (0..8).for_each(|number| kept.put(number, "first", eighth));
        // It takes the room of the one before.
        kept.put(7, "second", eighth);
        assert_eq!((kept.get(&0), kept.get(&7)), (Some("first"), Some("second")));
        kept.put(8, "one more", 1);
        assert_eq!([0, 7, 8].map(|number| kept.get(&number)), [None, None, Some("one more")]);
        kept.forget(&8);
        kept.put(9, "too large", BYTES);
        assert_eq!([8, 9].map(|number| kept.get(&number)), [None, None]);
    }

    #[test]
    fn keys_are_known_from_the_second_time_on() {
        let once = Once::default();
        assert_eq!([1, 2, 1, 1].map(|key| once.again(&key)), [false, false, true, true]);
        once.forget(&1);
        assert!(!once.again(&1) && once.again(&1));
        let others = (10..10 + SEEN).filter(|key| once.again(key)).count();
        assert_eq!((others, once.again(&1)), (0, false), "so many are remembered");
    }
}
