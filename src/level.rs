//! Which instructions the hot loops use, and the one way to write a loop for both.

use crate::ctx::Simd;

/// Decided once per paint. Only [`Level::of`] makes one, so that it never claims what the processor lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Level {
    avx2: bool,
}

impl Level {
    pub(crate) fn of(simd: Simd) -> Level {
        match simd {
            Simd::Off => Level { avx2: false },
            #[cfg(target_arch = "x86_64")]
            Simd::Detect => Level { avx2: std::arch::is_x86_feature_detected!("avx2") },
            // Elsewhere the baseline is all there is; on aarch64 that includes NEON.
            #[cfg(not(target_arch = "x86_64"))]
            Simd::Detect => Level { avx2: false },
        }
    }

    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "nothing to choose from"))]
    pub(crate) fn avx2(self) -> bool {
        self.avx2
    }
}

/// `name => body(arguments)` makes a function `name(level, arguments)` that runs `body` compiled for the level. `body` has to be
/// `#[inline(always)]` and must not use a fused multiply-add, so that both versions give the same bytes.
macro_rules! dispatched {
    ($($(#[$doc:meta])* $name:ident => $body:ident($($arg:ident: $ty:ty),* $(,)?);)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(level: $crate::level::Level, $($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wide($($arg: $ty),*) {
                    $body($($arg),*);
                }
                if level.avx2() {
                    // SAFETY: a `Level` has AVX2 only where the processor was found to have it.
                    return unsafe { wide($($arg),*) };
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = level;
            $body($($arg),*);
        }
    )*};
}

pub(crate) use dispatched;
