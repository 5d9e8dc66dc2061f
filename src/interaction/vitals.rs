//! How the gateway is at the moment, for the operator. Numbers alone: nothing tells of a person.

use super::gateway::Fhir;
pub use crate::{
    store::{ReplicaVitals, Vitals as Database, Work},
    tryton::SignInVitals,
};

/// How the gateway is at the moment.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    /// Sessions and statements.
    pub database: Database,
    /// Signing in.
    pub sign_ins: SignInVitals,
    /// Plans that were known, and that were made.
    pub plans: (u64, u64),
    /// Records that were known, and that were read.
    pub records: (u64, u64),
    /// Number of the snapshot of the rights since the start.
    pub generation: Option<u64>,
}

impl Vitals {
    /// What statements are for, in the order of [`Database::work`].
    pub const CLASSES: [&str; 3] = ["request", "sign-in", "watch"];
}

impl Fhir {
    pub(super) fn measured(&self) -> Vitals {
        Vitals {
            database: self.store.vitals(),
            sign_ins: self.sign_in.vitals(),
            plans: self.plans.counts(),
            records: self.unchanged.counts(),
            generation: self.security().ok().map(|security| security.generation()),
        }
    }
}
