//! The objects that Logpush writes below a prefix of a bucket go in, batches come out.
