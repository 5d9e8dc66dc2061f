//! What is served at the moment. It can be replaced while requests run: each ends with what it began with.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;

use super::{Options, metrics::Metrics, throttle::Throttle};
use crate::{error::Result, interaction::Gateway};

/// What every request shares.
pub(super) struct Shared {
    pub options: Options,
    pub gateway: Arc<dyn Gateway>,
    pub throttle: Throttle,
}

impl Shared {
    fn new(options: Options, gateway: Arc<dyn Gateway>) -> Self {
        let throttle = Throttle::new(options.throttle);
        Self { options, gateway, throttle }
    }

    /// Refuses what could not be recorded, before any work is done for it.
    pub(super) fn recordable(&self) -> Result<()> {
        self.options.audit.as_ref().map_or(Ok(()), |trail| trail.ready())
    }
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
        let current = ArcSwap::from_pointee(Shared::new(options, gateway));
        Arc::new(Self { current, draining: AtomicBool::new(false), metrics: Arc::default() })
    }

    /// Serves this instead, from the next request on.
    pub fn replace(&self, options: Options, gateway: Arc<dyn Gateway>) {
        self.current.store(Arc::new(Shared::new(options, gateway)));
        self.metrics.reloaded(true);
    }

    /// A reload failed: what was served goes on.
    pub fn reload_failed(&self) {
        self.metrics.reloaded(false);
    }

    pub(super) fn current(&self) -> Arc<Shared> {
        self.current.load_full()
    }

    /// Sends the traces that are left; after it there are none.
    pub async fn end_traces(&self) {
        if let Some(traces) = &self.current().options.traces {
            traces.end().await;
        }
    }

    /// From now on `/readyz` sends requests elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
