//! The whole made-up world, fixed by the seed: names, answers, policies, people and machines.

use crate::catalog::Catalog;
use crate::category::Categories;
use crate::org::Org;
use crate::policy::Policies;
use crate::reply::Desk;
use crate::rng::{Rng, mix};

#[derive(Debug)]
pub(crate) struct World {
    pub seed: u64,
    pub catalog: Catalog,
    pub org: Org,
    pub desk: Desk,
}

impl World {
    pub(crate) fn new(seed: u64, users: u32, devices: u32, offices: usize) -> Self {
        let mut rng = Rng::new(mix(seed ^ 0x6465_736b));
        let desk = Desk {
            categories: Categories::new(),
            policies: Policies::new(seed),
            resolver_policy: rng.uuid(),
            view: rng.uuid(),
            zone: rng.uuid(),
        };
        Self { seed, catalog: Catalog::new(seed), org: Org::new(seed, users, devices, offices), desk }
    }
}
