//! What every stage of the core is given besides its noun: the cancel check, the budget and how many threads it may use.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{MAX_GLYPH_MASKS, MAX_GLYPHS_PAINTED};

/// Which instructions the hot loops may use. The bytes are the same either way; a test compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Simd {
    #[default]
    Detect,
    Off,
}

/// The work was given up: its caller has gone or its time is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// The pixels that one request may hold: decoded pictures, the canvas, isolated groups; and what its letters may take.
#[derive(Debug)]
pub struct Budget {
    pixels: Account,
    masks: Account,
    painted: Account,
}

/// What is left of something.
#[derive(Debug)]
struct Account {
    left: AtomicU64,
    total: u64,
    of: &'static str,
}

/// A request wanted more than its budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("more than {total} pixels{of} in one request")]
pub struct OverBudget {
    pub total: u64,
    of: &'static str,
}

impl Account {
    fn new(total: u64, of: &'static str) -> Account {
        Account { left: AtomicU64::new(total), total, of }
    }

    fn charge(&self, pixels: u64) -> Result<(), OverBudget> {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(pixels))
            .map(|_| ())
            .map_err(|_| OverBudget { total: self.total, of: self.of })
    }
}

impl Budget {
    pub fn new(pixels: u64) -> Budget {
        Budget {
            pixels: Account::new(pixels, ""),
            masks: Account::new(MAX_GLYPH_MASKS, " of large letters"),
            painted: Account::new(MAX_GLYPHS_PAINTED, " of letters over one another"),
        }
    }

    /// Takes `pixels` for the rest of the request.
    pub fn charge(&self, pixels: u64) -> Result<(), OverBudget> {
        self.pixels.charge(pixels)
    }

    /// The coverage of one more large glyph.
    pub fn charge_mask(&self, pixels: u64) -> Result<(), OverBudget> {
        self.masks.charge(pixels)
    }

    /// Glyphs that are drawn on so many pixels of the canvas.
    pub fn charge_painting(&self, pixels: u64) -> Result<(), OverBudget> {
        self.painted.charge(pixels)
    }
}

/// The surroundings of one render.
pub struct Ctx<'a> {
    /// True once the work should be given up.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    pub budget: &'a Budget,
    pub threads: NonZeroUsize,
    pub simd: Simd,
}

/// For tests of single stages: one thread, all the pixels there are, and whether the work is still wanted.
#[cfg(test)]
pub(crate) fn with_ctx<T>(wanted: bool, work: impl FnOnce(&Ctx) -> T) -> T {
    let budget = Budget::new(u64::MAX);
    work(&Ctx { cancelled: &|| !wanted, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect })
}

impl Ctx<'_> {
    /// To be asked between items and bands.
    pub fn check(&self) -> Result<(), Stopped> {
        if (self.cancelled)() { Err(Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Charge = fn(&Budget, u64) -> Result<(), OverBudget>;

    #[test]
    fn each_account_pays_up_to_its_cap_and_says_what_was_too_much() {
        let accounts: [(Charge, u64, &str); 3] = [
            (Budget::charge, 7, "more than 7 pixels in one request"),
            (Budget::charge_mask, MAX_GLYPH_MASKS, "more than 100000000 pixels of large letters in one request"),
            (
                Budget::charge_painting,
                MAX_GLYPHS_PAINTED,
                "more than 500000000 pixels of letters over one another in one request",
            ),
        ];
        for (charge, cap, told) in accounts {
            assert_eq!(charge(&Budget::new(7), cap + 1).unwrap_err().to_string(), told);
            let budget = Budget::new(7);
            assert_eq!((charge(&budget, cap - 1), charge(&budget, 1)), (Ok(()), Ok(())));
            assert_eq!(charge(&budget, 1).unwrap_err().to_string(), told, "what was refused took nothing and nothing is left");
            assert_eq!(charge(&budget, 0), Ok(()));
        }
    }
}
