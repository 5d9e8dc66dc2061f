//! Measures the gateway against its limit: PostgreSQL's own speed for the same statements and parameters.
//!
//! ```text
//! cargo run --release --example bench -- [--database-url URL] [--report FOLDER]
//! ```
//!
//! Without a URL the demo hospital is started. The gateway is a process of its own; the limit is measured by pgbench, with
//! as many sessions as the gateway has clients. `src/manual/benchmark.md` says what is measured and how to read it.

mod client;
mod database;
mod export;
mod facts;
mod gateway;
mod limit;
mod load;
mod measure;
mod mixed;
mod pgbench;
mod plot;
mod process;
mod recorder;
mod report;
mod storm;
mod work;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use gnuhealth_fhir::demo::{
    postgres::{Choice, Server},
    snapshot,
};

/// What can go wrong in a measurement.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

const HOSPITAL: &[u8] = include_bytes!("../../src/demo/hospital-5.0.sql.zst");

/// Measures the gateway against PostgreSQL's own speed.
#[derive(Parser)]
pub struct Arguments {
    /// A GNU Health database; without it the demo hospital.
    #[arg(long)]
    database_url: Option<String>,
    /// Clients at once; each keeps its connection.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Length of each measurement.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// How often each is measured; what is told is the one in the middle.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Login of the clients.
    #[arg(long, default_value = "doctor")]
    login: String,
    /// Password of the clients.
    #[arg(long, default_value = "doctor-demo")]
    password: String,
    /// What is read as a stream, against COPY.
    #[arg(long, default_value = "Observation")]
    stream: String,
    /// Clients of the mixed measurement.
    #[arg(long, default_value_t = 64)]
    mixed: usize,
    /// Length of the mixed measurement.
    #[arg(long, default_value_t = 20)]
    mixed_seconds: u64,
    /// Length of the soak: all works mixed at half of their peak, each answer compared with what it was before. 0: none.
    #[arg(long, default_value_t = 0)]
    soak_minutes: u64,
    /// Clients that send wrong passwords.
    #[arg(long, default_value_t = 32)]
    guessing: usize,
    /// pgbench, when it is neither on the path nor where Debian has it.
    #[arg(long)]
    pgbench: Option<PathBuf>,
    /// Only the measurements whose name holds this text.
    #[arg(long)]
    only: Option<String>,
    /// Folder for performance-results.md and performance.svg.
    #[arg(long)]
    report: Option<PathBuf>,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn main() -> ExitCode {
    // The gateway that is measured.
    if std::env::args().nth(1).is_some_and(|first| first == "serve") {
        return gnuhealth_fhir::cli::main();
    }
    let arguments = Arguments::parse();
    // One thread is enough for the clients, and takes least from the gateway.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(&arguments)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(url) = &arguments.database_url else {
        println!("Starting the demo hospital …");
        let server = Server::start(Choice::default(), None).await?;
        snapshot::load(server.url(), HOSPITAL).await?;
        let result = facts::measure(arguments, server.url(), "the demo hospital").await;
        server.stop().await;
        return result;
    };
    facts::measure(arguments, url, "a hospital").await
}
