//! Passwords: which are accepted, how they are hashed and checked.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::StateError;

const PASSWORD_CHARS_MIN: usize = 12;
const PASSWORD_BYTES_MAX: usize = 1_024;

/// Memory, passes and lanes: the OWASP Password Storage Cheat Sheet's first recommendation for Argon2id.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Passwords checked at the same time: each takes 19 MiB and a core for tens of milliseconds.
const AT_ONCE_MAX: usize = 2;
/// Checks that may wait for their turn.
const WAITING_MAX: usize = 32;

/// Refuses a password that is too short to be safe, too long to be hashed, or made of the user's name.
pub(crate) fn check(password: &str, user: &str) -> Result<(), StateError> {
    let what = "password";
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(StateError::invalid(what, format!("is shorter than {PASSWORD_CHARS_MIN} characters")));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(StateError::invalid(what, format!("is longer than {PASSWORD_BYTES_MAX} bytes")));
    }
    let rest = password.to_lowercase().replace(&user.to_lowercase(), "");
    if rest.chars().count() < PASSWORD_CHARS_MIN / 2 {
        return Err(StateError::invalid(what, "is little more than the user name"));
    }
    if password.chars().all(|c| password.starts_with(c)) {
        return Err(StateError::invalid(what, "is one character repeated"));
    }
    Ok(())
}

/// The hash of a password, as text that holds its salt and parameters.
pub(crate) fn hash(password: &str) -> Result<String, StateError> {
    match argon2().hash_password(password.as_bytes()) {
        Ok(hash) => Ok(hash.to_string()),
        Err(error) => Err(StateError::invalid("password", format!("cannot be hashed: {error}"))),
    }
}

/// Whether `password` is the one whose hash is `stored`. Without a stored hash, checks against a hash that no password
/// has, so that an unknown user takes as long as a known one.
pub(crate) fn verify(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).ok()?;
        argon2().hash_password(&random).ok().map(|hash: PasswordHash| hash.to_string())
    });
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    let Some(text) = stored.or(NOBODY.as_deref()) else { return false };
    let Ok(hash) = PasswordHash::new(text) else { return false };
    let right = argon2().verify_password(password.as_bytes(), &hash).is_ok();
    right && stored.is_some()
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within their bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Lets few password checks run at once, so that a flood of logins cannot take all memory and cores.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    crowd: Mutex<Crowd>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Crowd {
    inside: usize,
    waiting: usize,
}

impl Gate {
    /// Runs `work` when its turn has come, or refuses when too many wait already.
    pub(crate) fn pass<T>(&self, work: impl FnOnce() -> T) -> Result<T, StateError> {
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        if crowd.inside >= AT_ONCE_MAX && crowd.waiting >= WAITING_MAX {
            return Err(StateError::Throttled { retry_after: Duration::from_secs(1) });
        }
        crowd.waiting += 1;
        let mut crowd =
            self.left.wait_while(crowd, |crowd| crowd.inside >= AT_ONCE_MAX).unwrap_or_else(PoisonError::into_inner);
        crowd.waiting -= 1;
        crowd.inside += 1;
        drop(crowd);
        let _leave = Leave(self);
        Ok(work())
    }
}

/// Makes room when the work is over, also when it panicked.
struct Leave<'a>(&'a Gate);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.crowd.lock().unwrap_or_else(PoisonError::into_inner).inside -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_is_hashed_is_verified_and_nothing_else() {
        let stored = hash("correct horse battery").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse battery", Some(&stored)));
        assert!(!verify("correct horse batterz", Some(&stored)));
        assert!(!verify("correct horse battery", None));
        assert!(!verify("correct horse battery", Some("damaged")));
        assert_ne!(stored, hash("correct horse battery").unwrap());
    }

    #[test]
    fn weak_passwords_are_refused() {
        check("correct horse battery", "alice").unwrap();
        let refused = ["short", "elevenchars", "alicealicealice1", "aaaaaaaaaaaaaaaa", &"ab".repeat(600)];
        for password in refused {
            assert!(check(password, "alice").is_err(), "{password}");
        }
    }

    #[test]
    fn the_gate_lets_few_in_at_once_and_turns_a_flood_away() {
        let (gate, inside, most, refused) =
            (Gate::default(), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..60 {
                scope.spawn(|| {
                    let passed = gate.pass(|| {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        // Work goes on until the flood has been turned away.
                        while refused.load(Ordering::SeqCst) < 60 - AT_ONCE_MAX - WAITING_MAX {
                            std::thread::yield_now();
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                    });
                    if passed.is_err() {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), AT_ONCE_MAX);
        assert_eq!(refused.into_inner(), 60 - AT_ONCE_MAX - WAITING_MAX);
    }
}
