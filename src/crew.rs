//! The same work on many tasks, spread over threads that stay, with results in the order of the tasks.

mod apart;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::ctx::{Ctx, Stopped};
use apart::Helpers;

/// Threads, and where they may run.
struct Others {
    pool: ThreadPool,
    helpers: Arc<Helpers>,
}

/// Threads besides those that call: as many as there are cores, made when they are first wanted. Who may use how many of them is
/// decided by whoever fills [`Ctx::threads`]. `None` where the system gives no threads: then all is done by those that call.
fn others() -> Option<&'static Others> {
    static OTHERS: OnceLock<Option<Others>> = OnceLock::new();
    OTHERS
        .get_or_init(|| {
            let many = available_parallelism().map_or(1, |cores| cores.get());
            let helpers = Arc::new(Helpers::new(many));
            let arriving = Arc::clone(&helpers);
            let builder = ThreadPoolBuilder::new().num_threads(many).thread_name(|n| format!("crew-{n}")).stack_size(8 << 20);
            let pool = builder.start_handler(move |number| arriving.arrive(number)).build().ok()?;
            Some(Others { pool, helpers })
        })
        .as_ref()
}

/// What `work` makes of each task, in the order of the tasks, on at most `ctx.threads` threads with a state of their own each.
/// Stops early at the first error, and between tasks when cancelled. Of several errors that of the first task counts, so that
/// the answer is the same for any number of threads.
pub fn in_order<T, R, S, E>(ctx: &Ctx, tasks: Vec<T>, work: impl Fn(&mut S, T) -> Result<R, E> + Sync) -> Result<Vec<R>, E>
where
    T: Send,
    R: Send,
    S: Default,
    E: From<Stopped> + Send,
{
    let threads = ctx.threads.get().min(tasks.len());
    let others = if threads > 1 { others() } else { None };
    let Some(Others { pool, helpers }) = others else {
        let mut state = S::default();
        return tasks
            .into_iter()
            .map(|task| {
                ctx.check()?;
                work(&mut state, task)
            })
            .collect();
    };
    // Locked for the taking of a task only; the tasks come in order, so that every place before a failed one has a result.
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let results = Mutex::new(Vec::new());
    let failed = AtomicBool::new(false);
    let run = || {
        let mut state = S::default();
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let Some((place, task)) = lock(&queue).next() else {
                break;
            };
            let result = ctx.check().map_err(E::from).and_then(|()| work(&mut state, task));
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            done.push((place, result));
        }
        lock(&results).extend(done);
    };
    helpers.make_way();
    // Panics of the others come out here.
    pool.in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| run());
        }
        run();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A thread that panicked lets the panic out of the scope: nobody looks at what it left.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
