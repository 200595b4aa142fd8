//! The same work on many tasks, spread over borrowed threads, with results in the order of the tasks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::RasterError;
use crate::ctx::Ctx;

/// What `work` makes of each task, in the order of the tasks, on at most `ctx.threads` threads with a state of their own each.
/// Stops early at the first error, and between tasks when cancelled.
pub(super) fn in_order<T: Send, R: Send, S: Default>(
    ctx: &Ctx,
    tasks: Vec<T>,
    work: impl Fn(&mut S, T) -> Result<R, RasterError> + Sync,
) -> Result<Vec<R>, RasterError> {
    let threads = ctx.threads.get().min(tasks.len());
    if threads <= 1 {
        let mut state = S::default();
        return tasks
            .into_iter()
            .map(|task| {
                ctx.check()?;
                work(&mut state, task)
            })
            .collect();
    }
    // Locked for the taking of a task only; the tasks come in order, so that every place before a failed one has a result.
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let failed = AtomicBool::new(false);
    let run = || {
        let mut state = S::default();
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let Some((place, task)) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else {
                break;
            };
            let result = ctx.check().map_err(RasterError::from).and_then(|()| work(&mut state, task));
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            done.push((place, result));
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, result)| result).collect()
}
