//! The CPU pool: a fixed number of threads behind a queue that says no at once when waiting would take too long.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Why no result came back.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WorkError {
    /// The queue is as long as it may be, or the work could not start before its deadline.
    #[error("too much is waiting already")]
    Overloaded { retry_after: Duration },
    /// The time was over, in the queue or at work.
    #[error("the deadline has passed")]
    Deadline,
    /// The work panicked; the text is for the log only.
    #[error("the work panicked: {0}")]
    Panicked(String),
    /// No thread is left to do it: the operating system gave none, or the pool has ended.
    #[error("there are no workers")]
    Closed,
}

/// Tells running work that nobody waits for it any more.
#[derive(Clone, Debug)]
pub struct Cancel {
    gone: Arc<AtomicBool>,
    deadline: Instant,
}

impl Cancel {
    /// True once the caller has gone or the deadline has passed. Cheap enough to ask per item and band.
    pub fn is_set(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }
}

/// What the pool is doing right now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    pub threads: usize,
    pub running: usize,
    pub waiting: usize,
}

struct Job {
    id: u64,
    gone: Arc<AtomicBool>,
    work: Box<dyn FnOnce(NonZeroUsize) + Send>,
}

struct State {
    queue: VecDeque<Job>,
    next_id: u64,
    /// Workers that work.
    running: usize,
    /// Threads they may use together, their own included.
    lent: usize,
    /// Moving average of the time one piece of work takes.
    service: Duration,
    /// Moving average of how many of [`ALL`] that come are refused for the length of the queue, and when the last one was.
    refused: u32,
    last_refusal: Option<Instant>,
    closed: bool,
}

/// After so long without a refusal what comes is a new burst.
const CALM: Duration = Duration::from_secs(1);

/// Refusals are counted in parts of this.
const ALL: u32 = 1 << 16;

impl State {
    /// More are refused than admitted, and not only some time ago.
    fn is_overrun(&self, now: Instant) -> bool {
        self.refused > ALL / 2 && self.last_refusal.is_some_and(|last| now.saturating_duration_since(last) < CALM)
    }

    /// Weight 1/16: some ten refusals in a row tell that there is too much, some ten that are admitted that it is over.
    fn note_refusal(&mut self, refused: bool) {
        self.refused = (self.refused * 15 + if refused { ALL } else { 0 }) / 16;
    }
}

struct Shared {
    threads: NonZeroUsize,
    /// How many service times a piece of work may be expected to wait.
    patience: u32,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of others runs under the lock, so a poisoned state is still a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a piece of work that came now would wait for a worker.
    ///
    /// A queue is there for what comes at once. Where more comes than can ever be done it is always full, and the longer it may be the
    /// longer all wait, while no more is done: then it only bridges the time between two pieces of work.
    fn expected_wait(&self, state: &mut State) -> Result<Duration, WorkError> {
        let threads = self.threads.get();
        // Each worker is free again after one service time, on average.
        let turns = (state.running + state.queue.len() + 1).saturating_sub(threads);
        let wait = state.service.mul_f64(turns as f64 / threads as f64);
        let longest = threads.saturating_mul(self.patience as usize);
        let now = Instant::now();
        let longest = if state.is_overrun(now) { longest.min((threads - 1).max(1)) } else { longest };
        if turns > longest {
            state.note_refusal(true);
            state.last_refusal = Some(now);
            return Err(WorkError::Overloaded { retry_after: wait });
        }
        Ok(wait)
    }
}

/// The pool. Its threads end when it is dropped and their work is done.
pub struct Workers {
    shared: Arc<Shared>,
}

/// What a piece of work is assumed to take before any was measured.
const FIRST_GUESS: Duration = Duration::from_millis(50);

impl Workers {
    /// `threads` workers; work is admitted while it may be expected to wait at most `patience` service times, and under overload that
    /// lasts hardly any.
    pub fn new(threads: NonZeroUsize, patience: u32) -> Workers {
        let state = State {
            queue: VecDeque::new(),
            next_id: 0,
            running: 0,
            lent: 0,
            service: FIRST_GUESS,
            refused: 0,
            last_refusal: None,
            closed: false,
        };
        let shared = Arc::new(Shared { threads, patience, state: Mutex::new(state), changed: Condvar::new() });
        let mut started = 0;
        for n in 0..threads.get() {
            let shared = Arc::clone(&shared);
            let thread = thread::Builder::new().name(format!("render-{n}")).stack_size(8 << 20);
            started += usize::from(thread.spawn(move || serve(&shared)).is_ok());
        }
        if started == 0 {
            shared.lock().closed = true;
        }
        Workers { shared }
    }

    /// As many workers as the machine has cores for this process.
    pub fn cores() -> NonZeroUsize {
        thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }

    pub fn load(&self) -> Load {
        let state = self.shared.lock();
        Load { threads: self.shared.threads.get(), running: state.running, waiting: state.queue.len() }
    }

    /// Says no as [`Workers::run`] would right now: for what is only worth doing if there will be a worker.
    pub fn ready(&self) -> Result<(), WorkError> {
        self.shared.expected_wait(&mut self.shared.lock()).map(|_| ())
    }

    /// Runs `work` on a worker. It is given the flag that says when to give up, and how many threads it may use, its own included.
    ///
    /// Refused at once with [`WorkError::Overloaded`] if the queue is too long. Dropping the future takes queued work out of
    /// the queue and sets the flag of running work; its worker stays taken until the work really ends.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&Cancel, NonZeroUsize) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let cancel = Cancel { gone: Arc::new(AtomicBool::new(false)), deadline };
        let (answer, answered) = oneshot::channel();
        let given = cancel.clone();
        let job = move |threads| {
            let done = catch_unwind(AssertUnwindSafe(|| work(&given, threads)));
            // The receiver is gone when the caller is: nobody wants the answer then.
            let _ = answer.send(done.map_err(|panic| WorkError::Panicked(panic_text(&*panic))));
        };
        let _waiting = self.admit(cancel, Box::new(job))?;
        match tokio::time::timeout_at(deadline.into(), answered).await {
            Err(_elapsed) => Err(WorkError::Deadline),
            Ok(Err(_dropped_unrun)) => Err(if Instant::now() >= deadline { WorkError::Deadline } else { WorkError::Closed }),
            Ok(Ok(done)) => done,
        }
    }

    fn admit(&self, cancel: Cancel, work: Box<dyn FnOnce(NonZeroUsize) + Send>) -> Result<Waiting, WorkError> {
        let now = Instant::now();
        if now >= cancel.deadline {
            return Err(WorkError::Deadline);
        }
        let mut state = self.shared.lock();
        if state.closed {
            return Err(WorkError::Closed);
        }
        let wait = self.shared.expected_wait(&mut state)?;
        if !wait.is_zero() && now + wait >= cancel.deadline {
            return Err(WorkError::Overloaded { retry_after: wait });
        }
        state.note_refusal(false);
        let id = state.next_id;
        state.next_id += 1;
        let gone = Arc::clone(&cancel.gone);
        state.queue.push_back(Job { id, gone: Arc::clone(&gone), work });
        drop(state);
        self.shared.changed.notify_one();
        Ok(Waiting { shared: Arc::clone(&self.shared), id, gone })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

/// The caller's end of a piece of work: when it goes, so does the wish for the result.
struct Waiting {
    shared: Arc<Shared>,
    id: u64,
    gone: Arc<AtomicBool>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        let mut state = self.shared.lock();
        let queued = state.queue.iter().position(|job| job.id == self.id);
        let job = queued.and_then(|at| state.queue.remove(at));
        drop(state);
        // What the work holds is dropped outside the lock.
        drop(job);
    }
}

/// One worker's life.
fn serve(shared: &Shared) {
    let total = shared.threads.get();
    let mut state = shared.lock();
    loop {
        if let Some(job) = state.queue.pop_front() {
            // Cores that idle now are lent to the first who comes, but not while others wait. Who comes next starts all the
            // same: sharing cores for a while beats waiting for a render that may not use what it was lent.
            let idle = if state.queue.is_empty() { total.saturating_sub(state.lent) } else { 1 };
            let lent = idle.max(1);
            state.running += 1;
            state.lent += lent;
            drop(state);
            let began = Instant::now();
            let worked = !job.gone.load(Ordering::Relaxed);
            if worked {
                (job.work)(NonZeroUsize::new(lent).unwrap_or(NonZeroUsize::MIN));
            } else {
                drop(job);
            }
            let took = began.elapsed();
            state = shared.lock();
            state.running -= 1;
            state.lent -= lent;
            if worked {
                // Weight 1/8: follows a change of load within some ten renders, shrugs off a single odd one.
                state.service = (state.service * 7 + took) / 8;
            }
        } else if state.closed {
            return;
        } else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    const LATER: Duration = Duration::from_secs(60);

    fn workers(threads: usize, patience: u32) -> Workers {
        Workers::new(NonZeroUsize::new(threads).unwrap(), patience)
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    /// Work that tells when it has begun and then waits to be let go.
    fn gate() -> (mpsc::Receiver<usize>, mpsc::Sender<()>, impl FnOnce(&Cancel, NonZeroUsize) + Send) {
        let (began, has_begun) = mpsc::channel();
        let (open, opened) = mpsc::channel::<()>();
        (has_begun, open, move |_: &Cancel, threads: NonZeroUsize| {
            began.send(threads.get()).unwrap();
            let _ = opened.recv();
        })
    }

    type Pending<'p, T> = Pin<Box<dyn Future<Output = Result<T, WorkError>> + 'p>>;

    /// One that runs until it is let go, and so many that wait behind it.
    fn crowd(pool: &Workers, waiting: usize) -> (mpsc::Sender<()>, Pending<'_, ()>, Vec<Pending<'_, usize>>) {
        let (begun, open, work) = gate();
        let mut running: Pending<()> = Box::pin(pool.run(Instant::now() + LATER, work));
        assert!(is_pending(&mut running));
        begun.recv().unwrap();
        let mut queued: Vec<Pending<usize>> = Vec::new();
        for n in 0..waiting {
            queued.push(Box::pin(pool.run(Instant::now() + LATER, move |_, _| n)));
        }
        assert!(queued.iter_mut().all(is_pending));
        (open, running, queued)
    }

    fn is_pending<T>(work: &mut Pending<'_, T>) -> bool {
        work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[test]
    fn gives_the_result_and_all_idle_threads() {
        let pool = workers(3, 3);
        let got = block_on(pool.run(Instant::now() + LATER, |cancel, threads| (cancel.is_set(), threads.get())));
        assert_eq!(got, Ok((false, 3)));
    }

    #[test]
    fn the_second_starts_beside_the_first_with_one_thread() {
        let pool = workers(2, 3);
        let (begun, open, work) = gate();
        block_on(async {
            let first = pool.run(Instant::now() + LATER, work);
            let second = async {
                assert_eq!(begun.recv().unwrap(), 2);
                let threads = pool.run(Instant::now() + LATER, |_, threads| threads.get()).await;
                open.send(()).unwrap();
                threads
            };
            let (first, second) = tokio::join!(first, second);
            assert_eq!((first, second), (Ok(()), Ok(1)));
        });
    }

    #[test]
    fn a_full_queue_says_no_at_once() {
        let pool = workers(1, 3);
        block_on(async {
            let (open, _running, mut queued) = crowd(&pool, 3);
            assert_eq!(pool.load(), Load { threads: 1, running: 1, waiting: 3 });
            assert!(matches!(pool.ready(), Err(WorkError::Overloaded { .. })));
            let refused = pool.run(Instant::now() + LATER, |_, _| ()).await;
            assert!(
                matches!(refused, Err(WorkError::Overloaded { retry_after }) if retry_after == FIRST_GUESS * 4),
                "{refused:?}"
            );

            // Who goes makes room.
            drop(queued.pop());
            assert_eq!((pool.load().waiting, pool.ready()), (2, Ok(())));
            let mut again: Pending<usize> = Box::pin(pool.run(Instant::now() + LATER, |_, _| 7));
            assert!(is_pending(&mut again));
            open.send(()).unwrap();
            assert_eq!(again.await, Ok(7));
        });
    }

    #[test]
    fn a_queue_that_is_overrun_is_short_until_it_is_over() {
        let pool = workers(1, 3);
        block_on(async {
            let (open, running, mut queued) = crowd(&pool, 3);
            for _ in 0..12 {
                assert!(matches!(pool.ready(), Err(WorkError::Overloaded { .. })));
            }
            // Where two may wait otherwise, one more may not now; and what waits stays.
            queued.pop();
            queued.pop();
            assert_eq!(pool.load().waiting, 1);
            assert!(matches!(pool.ready(), Err(WorkError::Overloaded { .. })));
            {
                let mut state = pool.shared.lock();
                assert!(state.is_overrun(Instant::now()) && !state.is_overrun(Instant::now() + CALM));
                // Whatever time goes by from here on.
                state.last_refusal = Some(Instant::now() + LATER);
            }
            queued.pop();
            assert_eq!(pool.ready(), Ok(()));
            open.send(()).unwrap();
            running.await.unwrap();
            for n in 0..16 {
                assert_eq!(pool.run(Instant::now() + LATER, move |_, _| n).await, Ok(n));
            }
            assert!(!pool.shared.lock().is_overrun(Instant::now()));
        });
    }

    #[test]
    fn what_could_not_start_in_time_is_refused() {
        let pool = workers(1, 1000);
        block_on(async {
            let (open, _running, _) = crowd(&pool, 0);
            let soon = pool.run(Instant::now() + FIRST_GUESS / 2, |_, _| ()).await;
            assert!(matches!(soon, Err(WorkError::Overloaded { .. })), "{soon:?}");
            open.send(()).unwrap();
        });
    }

    #[test]
    fn queued_work_of_a_caller_who_left_is_never_done() {
        let pool = workers(1, 3);
        block_on(async {
            let (open, running, _) = crowd(&pool, 0);
            let (told, done) = mpsc::channel();
            let mut left: Pending<()> = Box::pin(pool.run(Instant::now() + LATER, move |_, _| told.send(()).unwrap()));
            assert!(is_pending(&mut left));
            drop(left);
            open.send(()).unwrap();
            running.await.unwrap();
            assert_eq!(done.recv(), Err(mpsc::RecvError), "the closure was dropped unrun");
        });
    }

    #[test]
    fn running_work_learns_that_its_caller_left() {
        let pool = workers(1, 3);
        block_on(async {
            let (began, has_begun) = mpsc::channel();
            let (told, cancelled) = mpsc::channel();
            let mut running = Box::pin(pool.run(Instant::now() + LATER, move |cancel, _| {
                began.send(()).unwrap();
                while !cancel.is_set() {
                    thread::yield_now();
                }
                told.send(()).unwrap();
            }));
            assert!(matches!(running.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
            has_begun.recv().unwrap();
            drop(running);
            assert_eq!(cancelled.recv(), Ok(()));
        });
    }

    #[test]
    fn the_deadline_ends_the_wait_and_the_work() {
        let pool = workers(1, 3);
        let deadline = Instant::now() + Duration::from_millis(20);
        let (told, cancelled) = mpsc::channel();
        let late = block_on(pool.run(deadline, move |cancel, _| {
            while !cancel.is_set() {
                thread::yield_now();
            }
            // Past the deadline the answer comes too late, however soon.
            told.send(()).unwrap();
            thread::sleep(Duration::from_millis(200));
        }));
        assert_eq!(late, Err(WorkError::Deadline));
        assert_eq!(cancelled.recv(), Ok(()));
        assert_eq!(block_on(pool.run(deadline, |_, _| ())), Err(WorkError::Deadline), "a deadline that is over already");
    }

    #[test]
    fn a_panic_is_an_error_and_the_worker_lives_on() {
        let pool = workers(1, 3);
        let panicked = block_on(pool.run(Instant::now() + LATER, |_, _| -> () { panic!("no {}", "good") }));
        assert_eq!(panicked, Err(WorkError::Panicked("no good".to_owned())));
        assert_eq!(block_on(pool.run(Instant::now() + LATER, |_, _| 1)), Ok(1));
    }
}
