//! Chance that repeats: the same seed throws the same numbers on every machine.

/// SplitMix64 of Steele, Lea and Flood.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a count");
        usize::try_from(self.next() % end).expect("less than a count")
    }

    /// From `first` up to and including `last`.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// True in so many of a hundred throws.
    pub fn percent(&mut self, hundredths: usize) -> bool {
        self.below(100) < hundredths
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Some of them, each at most once, in no order.
    pub fn some<T: Clone>(&mut self, all: &[T], count: usize) -> Vec<T> {
        let mut rest = all.to_vec();
        (0..count.min(all.len())).map(|_| rest.swap_remove(self.below(rest.len()))).collect()
    }
}
