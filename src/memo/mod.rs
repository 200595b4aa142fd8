//! What the core may remember: bounded by bytes, counted. Never decides what comes out, only how soon.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::key::{BySpread, Key};
use seen::Seen;

mod seen;

/// What kind of thing is remembered; each has its own counters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Pictures decoded, cropped and resized, warps, colour glyphs: pixmaps by recipe key.
    Pixels,
    /// Glyph coverage.
    Mask,
    /// Shaped and broken paragraphs.
    Text,
    /// Module matrices of codes.
    Code,
    /// Painted bands up to an item, by chain key.
    Snapshot,
    /// Encoded bands, by chain key and format.
    Band,
    /// The colours of bands, by chain key.
    Colours,
    /// What was found on finished pixels, by what determines them.
    Verdict,
    /// Compiled templates that came with requests.
    Template,
    /// Merged posters, by all that was merged.
    Poster,
    /// Whole files, by all that determines them.
    File,
    /// Fonts that requests brought, with their files.
    Font,
}

impl Kind {
    pub const ALL: [Kind; 12] = [
        Kind::Pixels,
        Kind::Mask,
        Kind::Text,
        Kind::Code,
        Kind::Snapshot,
        Kind::Band,
        Kind::Colours,
        Kind::Verdict,
        Kind::Template,
        Kind::Poster,
        Kind::File,
        Kind::Font,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Pixels => "pixels",
            Kind::Mask => "mask",
            Kind::Text => "text",
            Kind::Code => "code",
            Kind::Snapshot => "snapshot",
            Kind::Band => "band",
            Kind::Colours => "colours",
            Kind::Verdict => "verdict",
            Kind::Template => "template",
            Kind::Poster => "poster",
            Kind::File => "file",
            Kind::Font => "font",
        }
    }

    /// Whether it has a part of the capacity of its own: what every render makes anew with its own name, price and code is
    /// small and mostly never wanted again. Without a bound it would slowly take the room of all else.
    fn is_fleeting(self) -> bool {
        matches!(self, Kind::Text | Kind::Code)
    }
}

/// How often a kind was found, missed, thrown out, and what it weighs now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub hits: u64,
    pub misses: u64,
    pub evictions: u64,
    pub bytes: u64,
}

/// Locks are held for a map operation only; what is remembered is made and dropped outside of them.
const SHARDS: usize = 16;

/// Charged on top of each value's own bytes: the entry, its two map nodes and their spare room, rounded up.
const OVERHEAD: usize = 256;

/// What is larger than this part of the capacity is not kept: it would wash out everything else for one use.
const LARGEST_SHARE: usize = 4;

/// The part of the capacity that fleeting kinds may take together.
const FLEETING_SHARE: usize = 8;

type Name = (Kind, Key);

struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    cost: usize,
    /// When it was last asked for; names it in the shard's order of its kind.
    tick: u64,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Name, Entry, BySpread>,
    /// By last use, the longest unused first. Ticks are unique.
    lasting: BTreeMap<u64, Name>,
    fleeting: BTreeMap<u64, Name>,
}

impl Shard {
    fn order(&mut self, is_fleeting: bool) -> &mut BTreeMap<u64, Name> {
        if is_fleeting { &mut self.fleeting } else { &mut self.lasting }
    }
}

#[derive(Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
    bytes: AtomicU64,
}

/// Remembers values by key and throws out what was not asked for longest once the capacity is reached.
pub struct Memo {
    /// 0 when off.
    capacity: usize,
    /// What is held or about to be: never less than what the shards hold.
    held: AtomicUsize,
    /// Of that, what is fleeting.
    held_fleeting: AtomicUsize,
    clock: AtomicU64,
    shards: [Mutex<Shard>; SHARDS],
    counters: [Counters; Kind::ALL.len()],
    /// Made when first asked; what it takes was taken from the capacity at once.
    seen: OnceLock<Seen>,
    seen_places: usize,
}

impl Memo {
    /// Remembers nothing.
    pub fn off() -> Memo {
        Memo::with_capacity(0)
    }

    /// Remembers at most `bytes` altogether, overhead included.
    pub fn with_capacity(bytes: usize) -> Memo {
        let seen_places = seen::places(bytes);
        Memo {
            capacity: bytes - seen::weight(seen_places),
            held: AtomicUsize::new(0),
            held_fleeting: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            shards: Default::default(),
            counters: Default::default(),
            seen: OnceLock::new(),
            seen_places,
        }
    }

    /// Whether anything can be remembered; if not, nobody needs to make keys.
    pub fn is_off(&self) -> bool {
        self.capacity == 0
    }

    /// Bytes that all kinds together may take.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether this key was told of lately; from now on it was. What is large and often never wanted again is put only when
    /// its key comes a second time, so that a poster that is rendered once washes nothing out.
    pub fn is_second_sight(&self, key: Key) -> bool {
        self.seen_places > 0 && self.seen.get_or_init(|| Seen::new(self.seen_places)).again(key)
    }

    /// What was put under this name, if it is still there and of this type.
    pub fn get<T: Send + Sync + 'static>(&self, kind: Kind, key: Key) -> Option<Arc<T>> {
        self.get_first(kind, [key]).map(|(_, found)| found)
    }

    /// The first of these that is there, and which one that is: one hit or one miss.
    pub fn get_first<T: Send + Sync + 'static>(
        &self,
        kind: Kind,
        keys: impl IntoIterator<Item = Key>,
    ) -> Option<(usize, Arc<T>)> {
        let mut keys = keys.into_iter().enumerate();
        let found = keys.find_map(|(n, key)| Some((n, self.find(kind, key)?.downcast::<T>().ok()?)));
        let counters = self.counters_of(kind);
        if found.is_some() { &counters.hits } else { &counters.misses }.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Remembers `value`, which weighs `bytes`, in place of what had its name; unless it is too large to be worth it.
    pub fn put<T: Send + Sync + 'static>(&self, kind: Kind, key: Key, value: Arc<T>, bytes: usize) {
        let cost = bytes.saturating_add(OVERHEAD);
        let is_fleeting = kind.is_fleeting();
        let room = if is_fleeting { self.capacity / FLEETING_SHARE } else { self.capacity };
        if cost > room.min(self.capacity / LARGEST_SHARE) {
            return;
        }
        // Reserved before it is inserted, so that what is held never exceeds the capacity.
        self.hold(is_fleeting, cost);
        let held = if is_fleeting { &self.held_fleeting } else { &self.held };
        while held.load(Ordering::Relaxed) > room || self.held.load(Ordering::Relaxed) > self.capacity {
            let only_fleeting = held.load(Ordering::Relaxed) > room && is_fleeting;
            if !self.evict_oldest(only_fleeting) {
                // All of it is promised to other threads that are just putting.
                self.let_go(is_fleeting, cost);
                return;
            }
        }
        let counters = self.counters_of(kind);
        counters.bytes.fetch_add(cost as u64, Ordering::Relaxed);
        let tick = self.clock.fetch_add(1, Ordering::Relaxed);
        let replaced = {
            let mut guard = self.shard(key);
            let shard = &mut *guard;
            let replaced = shard.entries.insert((kind, key), Entry { value, cost, tick });
            let order = shard.order(is_fleeting);
            if let Some(old) = &replaced {
                order.remove(&old.tick);
            }
            order.insert(tick, (kind, key));
            replaced
        };
        if let Some(old) = replaced {
            self.let_go(is_fleeting, old.cost);
            counters.bytes.fetch_sub(old.cost as u64, Ordering::Relaxed);
        }
    }

    fn hold(&self, is_fleeting: bool, cost: usize) {
        self.held.fetch_add(cost, Ordering::Relaxed);
        if is_fleeting {
            self.held_fleeting.fetch_add(cost, Ordering::Relaxed);
        }
    }

    fn let_go(&self, is_fleeting: bool, cost: usize) {
        self.held.fetch_sub(cost, Ordering::Relaxed);
        if is_fleeting {
            self.held_fleeting.fetch_sub(cost, Ordering::Relaxed);
        }
    }

    /// What is remembered, or else what `make` makes, which is then remembered at the weight that `weigh` gives it. Two threads
    /// that miss at once both make it: no caller ever waits for another.
    pub fn get_or_make<T: Send + Sync + 'static, E>(
        &self,
        kind: Kind,
        key: Key,
        weigh: impl FnOnce(&T) -> usize,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(found) = self.get(kind, key) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        self.put(kind, key, Arc::clone(&made), weigh(&made));
        Ok(made)
    }

    pub fn counts(&self, kind: Kind) -> Counts {
        let counters = self.counters_of(kind);
        Counts {
            hits: counters.hits.load(Ordering::Relaxed),
            misses: counters.misses.load(Ordering::Relaxed),
            evictions: counters.evictions.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
        }
    }

    fn find(&self, kind: Kind, key: Key) -> Option<Arc<dyn Any + Send + Sync>> {
        if self.capacity == 0 {
            return None;
        }
        let tick = self.clock.fetch_add(1, Ordering::Relaxed);
        let mut guard = self.shard(key);
        let shard = &mut *guard;
        let entry = shard.entries.get_mut(&(kind, key))?;
        let last = std::mem::replace(&mut entry.tick, tick);
        let value = Arc::clone(&entry.value);
        let order = shard.order(kind.is_fleeting());
        order.remove(&last);
        order.insert(tick, (kind, key));
        Some(value)
    }

    /// Drops the entry that was not asked for longest, of all or of the fleeting ones; false when there is none. Another thread
    /// may use that very entry between the two looks: then something that was used a moment later goes, which only costs time.
    fn evict_oldest(&self, only_fleeting: bool) -> bool {
        let oldest_of = |shard: &Shard| {
            let fleeting = shard.fleeting.keys().next().map(|tick| (*tick, true));
            let lasting = shard.lasting.keys().next().map(|tick| (*tick, false)).filter(|_| !only_fleeting);
            fleeting.into_iter().chain(lasting).min()
        };
        let oldest =
            self.shards.iter().filter_map(|shard| Some((oldest_of(&lock(shard))?, shard))).min_by_key(|(oldest, _)| *oldest);
        let Some(((_, is_fleeting), shard)) = oldest else {
            return false;
        };
        let dropped = {
            let mut guard = lock(shard);
            let shard = &mut *guard;
            let first = shard.order(is_fleeting).pop_first();
            first.and_then(|(_, name)| Some((name.0, shard.entries.remove(&name)?)))
        };
        if let Some((kind, entry)) = dropped {
            self.let_go(is_fleeting, entry.cost);
            let counters = self.counters_of(kind);
            counters.bytes.fetch_sub(entry.cost as u64, Ordering::Relaxed);
            counters.evictions.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Keys are hashes, so that any byte of one spreads evenly.
    #[expect(clippy::indexing_slicing, reason = "the index is taken modulo the array's length")]
    fn shard(&self, key: Key) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(key.0[15]) % SHARDS])
    }

    #[expect(clippy::indexing_slicing, reason = "the array has one place for each kind")]
    fn counters_of(&self, kind: Kind) -> &Counters {
        &self.counters[kind as usize]
    }
}

/// No code that can panic runs under these locks, so a poisoned one holds nothing half done.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        Key::of_bytes(&n.to_le_bytes())
    }

    #[test]
    fn off_remembers_nothing() {
        let memo = Memo::off();
        memo.put(Kind::Mask, key(1), Arc::new(7u32), 4);
        assert_eq!(memo.get::<u32>(Kind::Mask, key(1)), None);
        assert_eq!(memo.counts(Kind::Mask), Counts { misses: 1, ..Counts::default() });
    }

    #[test]
    fn hits_are_counted_by_kind() {
        let memo = Memo::with_capacity(1 << 20);
        memo.put(Kind::Mask, key(1), Arc::new(7u32), 100);
        assert_eq!(memo.get::<u32>(Kind::Mask, key(1)).as_deref(), Some(&7));
        assert_eq!(memo.get::<u32>(Kind::Text, key(1)), None);
        assert_eq!(memo.get::<u64>(Kind::Mask, key(1)), None, "another type is not there");
        assert_eq!(memo.counts(Kind::Mask), Counts { hits: 1, misses: 1, evictions: 0, bytes: 100 + OVERHEAD as u64 });
        assert_eq!(memo.counts(Kind::Text), Counts { misses: 1, ..Counts::default() });
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let memo = Memo::with_capacity(10 * (1000 + OVERHEAD));
        for n in 0..10 {
            memo.put(Kind::Pixels, key(n), Arc::new(n), 1000);
        }
        assert!(memo.get::<u32>(Kind::Pixels, key(0)).is_some());
        memo.put(Kind::Pixels, key(10), Arc::new(10u32), 1000);
        assert_eq!(memo.counts(Kind::Pixels).evictions, 1);
        assert!(memo.get::<u32>(Kind::Pixels, key(0)).is_some(), "it was asked for");
        assert!(memo.get::<u32>(Kind::Pixels, key(1)).is_none());
        assert!(memo.get::<u32>(Kind::Pixels, key(2)).is_some());
    }

    #[test]
    fn what_is_fleeting_takes_its_part_and_no_more() {
        let memo = Memo::with_capacity(64_000);
        memo.put(Kind::Pixels, key(0), Arc::new(0u32), 1000);
        memo.put(Kind::Text, key(0), Arc::new(0u32), 100);
        for n in 1..1000 {
            memo.put(Kind::Text, key(n), Arc::new(n), 100);
            memo.put(Kind::Code, key(n), Arc::new(n), 200);
            assert!(memo.get::<u32>(Kind::Text, key(0)).is_some(), "it is asked for all the time");
        }
        let held = memo.counts(Kind::Text).bytes + memo.counts(Kind::Code).bytes;
        assert!((6_000..=8_000).contains(&held), "{held}");
        assert_eq!(held as usize, memo.held_fleeting.load(Ordering::Relaxed));
        assert!(memo.get::<u32>(Kind::Pixels, key(0)).is_some(), "there was room for both");
        // And the other way round: what lasts may take all.
        for n in 1..100 {
            memo.put(Kind::Pixels, key(n), Arc::new(n), 1000);
        }
        assert_eq!(memo.held_fleeting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn too_large_is_not_kept_and_the_largest_is() {
        let memo = Memo::with_capacity(4 * (1000 + OVERHEAD));
        memo.put(Kind::Pixels, key(1), Arc::new(1u32), 1001);
        memo.put(Kind::Pixels, key(2), Arc::new(2u32), 1000);
        memo.put(Kind::Pixels, key(3), Arc::new(3u32), usize::MAX);
        assert!(memo.get::<u32>(Kind::Pixels, key(1)).is_none());
        assert!(memo.get::<u32>(Kind::Pixels, key(2)).is_some());
        assert!(memo.get::<u32>(Kind::Pixels, key(3)).is_none());
    }

    #[test]
    fn putting_again_charges_once() {
        let memo = Memo::with_capacity(1 << 20);
        for n in 0..50u32 {
            memo.put(Kind::Code, key(1), Arc::new(n), 100 + n as usize);
        }
        assert_eq!(memo.counts(Kind::Code).bytes, 149 + OVERHEAD as u64);
        assert_eq!(memo.held.load(Ordering::Relaxed), 149 + OVERHEAD);
        assert_eq!(memo.get::<u32>(Kind::Code, key(1)).as_deref(), Some(&49));
    }

    #[test]
    fn the_first_that_is_there_counts_once() {
        let memo = Memo::with_capacity(1 << 20);
        memo.put(Kind::Snapshot, key(2), Arc::new(2u32), 10);
        memo.put(Kind::Snapshot, key(3), Arc::new(3u32), 10);
        let first = |keys: [u32; 3]| memo.get_first::<u32>(Kind::Snapshot, keys.map(key)).map(|(n, found)| (n, *found));
        assert_eq!(first([1, 2, 3]), Some((1, 2)));
        assert_eq!(first([3, 2, 1]), Some((0, 3)));
        assert_eq!(first([4, 5, 6]), None);
        let counts = memo.counts(Kind::Snapshot);
        assert_eq!((counts.hits, counts.misses), (2, 1));
    }

    #[test]
    fn a_key_is_new_once() {
        let memo = Memo::with_capacity(1 << 20);
        assert!(!memo.is_second_sight(key(1)));
        assert!(!memo.is_second_sight(key(2)));
        assert!(memo.is_second_sight(key(1)));
        assert!(memo.is_second_sight(key(1)));
        assert!(memo.capacity() < 1 << 20, "what was seen weighs something");
        for memo in [Memo::off(), Memo::with_capacity(4 << 10)] {
            assert!(!memo.is_second_sight(key(1)) && !memo.is_second_sight(key(1)), "too small to admit anything");
        }
    }

    #[test]
    fn made_once_then_found() {
        let memo = Memo::with_capacity(1 << 20);
        let weigh = |text: &String| text.capacity();
        let first = memo.get_or_make(Kind::Text, key(1), weigh, || Ok::<_, ()>("a".to_owned())).unwrap();
        let second = memo.get_or_make(Kind::Text, key(1), weigh, || Err(())).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(memo.get_or_make(Kind::Text, key(2), weigh, || Err(3)), Err(3));
        assert_eq!(memo.counts(Kind::Text).hits, 1);
    }

    #[test]
    fn never_above_capacity_from_many_threads() {
        const CAPACITY: usize = 40_000;
        let memo = Memo::with_capacity(CAPACITY);
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let memo = &memo;
                scope.spawn(move || {
                    for n in 0..2_000u32 {
                        let name = key(n.wrapping_mul(2_654_435_761) % 97 + thread);
                        if memo.get::<u32>(Kind::Mask, name).is_none() {
                            memo.put(Kind::Mask, name, Arc::new(n), (n as usize * 37) % 3_000);
                        }
                        let held: usize =
                            memo.shards.iter().flat_map(|s| lock(s).entries.values().map(|e| e.cost).collect::<Vec<_>>()).sum();
                        // Shards are looked at one after another while others write: an entry may be counted in its old and its new place.
                        assert!(held <= CAPACITY + 4 * 3_256);
                    }
                });
            }
        });
        let held: usize = memo.shards.iter().map(|s| lock(s).entries.values().map(|e| e.cost).sum::<usize>()).sum();
        assert!(held <= CAPACITY);
        assert_eq!(held, memo.held.load(Ordering::Relaxed));
        assert_eq!(held as u64, memo.counts(Kind::Mask).bytes);
        assert!(memo.counts(Kind::Mask).evictions > 0 && memo.counts(Kind::Mask).hits > 0);
    }
}
