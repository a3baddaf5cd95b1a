//! Our own functions over columns: the tests of the query language, the index of a time bucket, the sort key of an
//! address. Lists are tested on their flat items, without taking them apart.

mod address;
mod bucket;
mod test;

pub(crate) use self::address::{address_key, address_key_of};
pub(crate) use self::bucket::bucket;
pub(crate) use self::test::passes;

/// Lets a function of ours be compared and hashed by its name, which says all that it does.
macro_rules! same_by_name {
    ($kind:ty) => {
        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                self.name == other.name
            }
        }

        impl Eq for $kind {}

        impl std::hash::Hash for $kind {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.name.hash(state);
            }
        }
    };
}
use same_by_name;
