//! What is served at the moment. It can be replaced while requests run: each ends with what it began with.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;

use super::{Options, metrics::Metrics};
use crate::interaction::Gateway;

/// What every request shares.
pub(super) struct Shared {
    pub options: Options,
    pub gateway: Arc<dyn Gateway>,
}

/// What is served at the moment, and what is counted meanwhile.
pub struct Serving {
    current: ArcSwap<Shared>,
    draining: AtomicBool,
    pub(super) metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving").field("draining", &self.draining).finish_non_exhaustive()
    }
}

impl Serving {
    /// Serves this.
    pub fn new(options: Options, gateway: Arc<dyn Gateway>) -> Arc<Self> {
        let current = ArcSwap::from_pointee(Shared { options, gateway });
        Arc::new(Self { current, draining: AtomicBool::new(false), metrics: Arc::default() })
    }

    pub(super) fn current(&self) -> Arc<Shared> {
        self.current.load_full()
    }

    /// From now on `/readyz` sends requests elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
