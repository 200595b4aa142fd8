//! Counts allocations, and marks for callgrind what is to be counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

fn note(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps the promises of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller keeps the promises of `realloc`.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What one piece of work took: a growing buffer counts each time it grows.
pub struct Spent {
    pub allocations: u64,
    pub bytes: u64,
}

pub fn during(mut work: impl FnMut()) -> Spent {
    let before = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
    affiche_counted(&mut work);
    Spent { allocations: ALLOCATIONS.load(Ordering::Relaxed) - before.0, bytes: BYTES.load(Ordering::Relaxed) - before.1 }
}

/// callgrind collects inside of this function only and writes a part at each of its ends; hence a name that is not mangled.
#[inline(never)]
#[unsafe(no_mangle)]
fn affiche_counted(work: &mut dyn FnMut()) {
    work();
}

/// What code of others may detect and go by. Under valgrind this is the processor that valgrind shows, not the machine's own.
pub fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let level = match (is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx2")) {
        (true, _) => "avx512",
        (_, true) => "avx2",
        _ => "sse",
    };
    #[cfg(not(target_arch = "x86_64"))]
    let level = "baseline";
    format!("{} {level}", std::env::consts::ARCH)
}
