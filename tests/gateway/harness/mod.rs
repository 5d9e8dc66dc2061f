//! Databases, gateways over them, and a client.

mod bundle;
mod client;
mod database;
mod gateway;
mod process;
mod site;
mod trytond;

use std::sync::LazyLock;

use tokio::runtime::Runtime;

pub use bundle::{all, all_ids, ids, link, pages, resources};
pub use client::{Client, Response, query};
pub use database::Database;
pub use gateway::Gateway;
pub use process::{Ended, Process, run};
pub use site::{Site, demo, password, sites};
pub use trytond::{Trytond, python};

/// Servers and databases outlive the test that started them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// Waits for a future; tests are plain functions.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}
