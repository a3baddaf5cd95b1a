//! A pool that works on several jobs at once and hands the results on in the order of the jobs.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// A running pool.
pub(crate) struct Pool<J, R> {
    pub(crate) feed: Feed<J, R>,
    pub(crate) results: Results<R>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

/// Where jobs are put in; dropping it lets the pool finish what it has and stop.
pub(crate) struct Feed<J, R> {
    work: SyncSender<(J, Ticket, SyncSender<R>)>,
    order: SyncSender<Receiver<R>>,
    room: Arc<Room>,
}

/// What comes out of a pool.
pub(crate) enum Next<R> {
    /// A result.
    Result(R),
    /// Nothing was begun for a while.
    Idle,
    /// The pool has stopped, and everything is handed on.
    Over,
}

/// Where results come out, in the order of the jobs.
pub(crate) struct Results<R> {
    order: Receiver<Receiver<R>>,
}

/// Starts `threads` workers. Each makes its own state with `start` and turns jobs into results with `work`.
/// At most `weight_max` of weight is under way at once (one job may weigh more; it then runs alone), and at most four
/// jobs a thread.
pub(crate) fn pool<J, R, S>(
    threads: usize,
    weight_max: usize,
    start: impl Fn() -> S + Send + Sync + 'static,
    work: impl Fn(&mut S, J) -> R + Send + Sync + 'static,
) -> std::io::Result<Pool<J, R>>
where
    J: Send + 'static,
    R: Send + 'static,
    S: 'static,
{
    let jobs_max = threads * 4;
    let (work_in, work_out) = sync_channel::<(J, Ticket, SyncSender<R>)>(jobs_max);
    let (order_in, order_out) = sync_channel(jobs_max);
    let work_out = Arc::new(Mutex::new(work_out));
    let (start, work) = (Arc::new(start), Arc::new(work));
    let mut handles = Vec::with_capacity(threads);
    for index in 0..threads {
        let (work_out, start, work) = (Arc::clone(&work_out), Arc::clone(&start), Arc::clone(&work));
        handles.push(Builder::new().name(format!("normalise-{index}")).spawn(move || {
            let mut state = start();
            loop {
                let next = work_out.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((job, ticket, result)) = next else { return };
                // The receiver is gone only when the pipeline stops; the journal still has the batch.
                let _ = result.send(work(&mut state, job));
                drop(ticket);
            }
        })?);
    }
    let room = Arc::new(Room { weight_max, taken: Mutex::new(0), freed: Condvar::new() });
    let feed = Feed { work: work_in, order: order_in, room };
    Ok(Pool { feed, results: Results { order: order_out }, threads: handles })
}

impl<J, R> Feed<J, R> {
    /// Puts a job in; waits while the pool is full. `false` when the pool has stopped.
    pub(crate) fn put(&self, job: J, weight: usize) -> bool {
        let ticket = Room::take(&self.room, weight);
        let (result_in, result_out) = sync_channel(1);
        self.order.send(result_out).is_ok() && self.work.send((job, ticket, result_in)).is_ok()
    }
}

impl<R> Results<R> {
    /// The next result in order, if one is begun within `wait`.
    pub(crate) fn next(&self, wait: Duration) -> Next<R> {
        match self.order.recv_timeout(wait) {
            Ok(result) => result.recv().map_or(Next::Over, Next::Result),
            Err(RecvTimeoutError::Timeout) => Next::Idle,
            Err(RecvTimeoutError::Disconnected) => Next::Over,
        }
    }
}

/// The weight that jobs under way may have together.
struct Room {
    weight_max: usize,
    taken: Mutex<usize>,
    freed: Condvar,
}

/// A job's share of the room; given back when dropped.
struct Ticket {
    room: Arc<Room>,
    weight: usize,
}

impl Room {
    fn take(room: &Arc<Self>, weight: usize) -> Ticket {
        let mut taken = room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken > 0 && *taken + weight > room.weight_max {
            taken = room.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += weight;
        Ticket { room: Arc::clone(room), weight }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        *self.room.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.weight;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn result<R>(results: &Results<R>) -> Option<R> {
        loop {
            match results.next(Duration::from_secs(1)) {
                Next::Result(result) => return Some(result),
                Next::Idle => {}
                Next::Over => return None,
            }
        }
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let Pool { feed, results, threads } = pool(
            3,
            10,
            || (),
            |(), number: u64| {
                // Later jobs are quicker, so they overtake inside the pool.
                std::thread::sleep(std::time::Duration::from_micros(500 - number.min(500)));
                number
            },
        )
        .unwrap();
        let feeder = std::thread::spawn(move || (0..500).all(|number| feed.put(number, 1)));
        let out: Vec<u64> = std::iter::from_fn(|| result(&results)).collect();
        assert!(feeder.join().unwrap());
        assert_eq!(out, (0..500).collect::<Vec<_>>());
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn weight_bounds_what_is_under_way() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (now_in, most_in) = (Arc::clone(&now), Arc::clone(&most));
        let Pool { feed, results, threads: _threads } = pool(
            4,
            10,
            || (),
            move |(), weight: usize| {
                let with_me = now_in.fetch_add(weight, Ordering::SeqCst) + weight;
                most_in.fetch_max(with_me, Ordering::SeqCst);
                std::thread::yield_now();
                now_in.fetch_sub(weight, Ordering::SeqCst);
                weight
            },
        )
        .unwrap();
        let feeder = std::thread::spawn(move || {
            [6, 6, 3, 3, 3, 50, 1, 9].into_iter().cycle().take(400).all(|weight| feed.put(weight, weight))
        });
        let count = std::iter::from_fn(|| result(&results)).count();
        assert!(feeder.join().unwrap());
        assert_eq!(count, 400);
        assert!(most.load(Ordering::SeqCst) <= 50, "a job heavier than the room runs alone");
    }
}
