//! Foreign code that may panic on hostile input, held so that a panic becomes an error and prints nothing.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Foreign code panicked; what it said, for the error's text.
#[derive(Debug)]
pub(crate) struct Panicked(pub String);

/// Runs `foreign`; a panic in it is an error.
///
/// The panic hook is wrapped once for the process: panics of contained code are silent, as they are expected and
/// reported as errors; all others go to the hook that stood before.
pub(crate) fn contain<T>(foreign: impl FnOnce() -> T) -> Result<T, Panicked> {
    static WRAP_HOOK: Once = Once::new();
    WRAP_HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.with(Cell::get) {
                before(info);
            }
        }));
    });
    let outer = CONTAINED.with(|c| c.replace(true));
    let result = panic::catch_unwind(AssertUnwindSafe(foreign));
    CONTAINED.with(|c| c.set(outer));
    result.map_err(|payload| {
        let said = payload
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Panicked(said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_the_next_call_works() {
        let said = contain(|| -> u8 { panic!("broken {}", 7) }).unwrap_err().0;
        assert_eq!(said, "broken 7");
        assert_eq!(contain(|| 3).unwrap(), 3);
        assert!(!CONTAINED.with(Cell::get));
    }
}
