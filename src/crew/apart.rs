//! Keeps helping threads off the processor of the thread that they help.
//!
//! Linux wakes a thread near the one that wakes it. In small virtual machines whose processors count as sharing no cache (Firecracker, with
//! which serverless platforms run containers) that is the very same processor, where both then take turns for milliseconds while the other
//! one idles: a render of 4 ms on two processors took 8. So whoever calls for help takes its own processor from those that helpers may
//! run on. Elsewhere than on Linux, and where the system does not allow it, nothing happens.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::Helpers;
#[cfg(target_os = "linux")]
pub(super) use linux::Helpers;

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// With more of them a sleeping one is near an idle processor anyway, and telling each would take long.
    const MOST: usize = 8;

    /// The threads of a pool, by their numbers.
    pub(in crate::crew) struct Helpers {
        /// Processors that the thread which first wanted helpers may use; `None` where that is not known or there is nothing to choose.
        allowed: Option<CpuSet>,
        threads: Vec<Helper>,
    }

    #[derive(Default)]
    struct Helper {
        id: OnceLock<Pid>,
        /// The processor it is kept off, and one more; 0 for none.
        off: AtomicUsize,
    }

    impl Helpers {
        pub fn new(many: usize) -> Helpers {
            let allowed = sched_getaffinity(None).ok().filter(|allowed| many <= MOST && allowed.count() > 1);
            Helpers { allowed, threads: (0..many).map(|_| Helper::default()).collect() }
        }

        /// Said by the thread of this number when it starts.
        pub fn arrive(&self, number: usize) {
            if let Some(helper) = self.threads.get(number) {
                helper.id.get_or_init(gettid);
            }
        }

        /// Whoever of them runs on the caller's processor, or would be woken there, goes elsewhere.
        pub fn make_way(&self) {
            let Some(allowed) = &self.allowed else { return };
            let here = sched_getcpu();
            // Not so where others may be used by now: helpers stay as they are.
            if here >= CpuSet::MAX_CPU || !allowed.is_set(here) {
                return;
            }
            for helper in &self.threads {
                let Some(id) = helper.id.get() else { continue };
                if helper.off.swap(here + 1, Ordering::Relaxed) == here + 1 {
                    continue;
                }
                let mut others = *allowed;
                others.unset(here);
                // Whatever is wrong with it only costs time.
                let _ = sched_setaffinity(Some(*id), &others);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::mpsc;
        use std::sync::{Arc, Barrier};

        use super::*;

        #[test]
        fn helpers_are_off_the_processor_that_called_last() {
            let allowed = sched_getaffinity(None).unwrap();
            let helpers = Arc::new(Helpers::new(2));
            let (tell, told) = mpsc::channel();
            let (start, end) = (Arc::new(Barrier::new(3)), Arc::new(Barrier::new(3)));
            for number in 0..2 {
                let (helpers, tell, start, end) = (helpers.clone(), tell.clone(), start.clone(), end.clone());
                std::thread::spawn(move || {
                    helpers.arrive(number);
                    start.wait();
                    end.wait();
                    tell.send(sched_getaffinity(None).unwrap()).unwrap();
                });
            }
            start.wait();
            helpers.make_way();
            let off: Vec<usize> = helpers.threads.iter().map(|helper| helper.off.load(Ordering::Relaxed)).collect();
            end.wait();
            for set in [told.recv().unwrap(), told.recv().unwrap()] {
                if allowed.count() == 1 {
                    assert_eq!((set, off.as_slice()), (allowed, [0, 0].as_slice()));
                } else {
                    assert_eq!(off[0], off[1]);
                    assert!(set.count() == allowed.count() - 1 && !set.is_set(off[0] - 1));
                }
            }
            // The caller itself stays free.
            assert_eq!(sched_getaffinity(None).unwrap(), allowed);
        }

        #[test]
        fn many_helpers_are_left_alone() {
            assert!(Helpers::new(MOST + 1).allowed.is_none());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    pub(in crate::crew) struct Helpers;

    impl Helpers {
        pub fn new(_: usize) -> Helpers {
            Helpers
        }

        pub fn arrive(&self, _: usize) {}

        pub fn make_way(&self) {}
    }
}
