//! Threads that work in the background, one piece of work at a time: they sleep until a bell rings or it is time, and end
//! when they are told to.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// How often work that waits for somebody else looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Wakes a runner, and tells it to stop.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    told: Mutex<Told>,
    heard: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    rung: bool,
    stop: bool,
}

impl Bell {
    /// There is something to do.
    pub(crate) fn ring(&self) {
        self.told().rung = true;
        self.heard.notify_all();
    }

    /// Whether the work is to end.
    pub(crate) fn stops(&self) -> bool {
        self.told().stop
    }

    /// Waits until it rings, but no longer than `time`.
    pub(crate) fn wait(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut told = self.told();
        while !told.rung && !told.stop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            told = self.heard.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        told.rung = false;
    }

    /// The outcome of `work`, or nothing when it is to stop before.
    pub(crate) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let stopped = async {
            while !self.stops() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            outcome = work => Some(outcome),
            () = stopped => None,
        }
    }

    fn stop(&self) {
        self.told().stop = true;
        self.heard.notify_all();
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running thread; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Starts `work`, which ends soon after the bell says so.
    pub(crate) fn start(name: &str, bell: Arc<Bell>, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Ok(Self { bell, thread: Some(Builder::new().name(name.to_owned()).spawn(work)?) })
    }

    /// Tells it to stop and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs what is async on the calling thread.
pub(crate) fn one_thread() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_wakes_and_a_stop_ends() {
        let bell = Arc::new(Bell::default());
        let started = Instant::now();
        bell.wait(Duration::from_millis(10));
        assert!(started.elapsed() >= Duration::from_millis(10));
        bell.ring();
        bell.wait(Duration::from_secs(600));
        let waiting = Arc::clone(&bell);
        let mut handle = Handle::start("test", Arc::clone(&bell), move || {
            while !waiting.stops() {
                waiting.wait(Duration::from_secs(600));
            }
        })
        .unwrap();
        handle.stop();
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_never_ends_is_left_when_it_is_to_stop() {
        let bell = Arc::new(Bell::default());
        let runtime = one_thread().unwrap();
        assert_eq!(runtime.block_on(bell.unless_stopped(async { 7 })), Some(7));
        bell.stop();
        assert_eq!(runtime.block_on(bell.unless_stopped(std::future::pending::<u8>())), None);
    }
}
