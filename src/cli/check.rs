//! `check`.

use std::time::{Duration, Instant};

use super::{Failure, indexes::Site, open::Opened, serve, settings::Settings};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Checks settings, database and mappings.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = arguments.settings.load()?;
    for note in &loaded.notes {
        eprintln!("note: {note}");
    }
    serve::tls(&loaded.config)?;
    println!("settings: can be read");
    let options = serve::database(&loaded.config)?;
    let runtime = serve::runtime()?;
    let opened = runtime.block_on(Opened::open(&loaded.config, &options))?;
    for line in opened.report() {
        println!("{line}");
    }
    for line in runtime.block_on(opened.closed(&loaded.config))? {
        println!("{line}");
    }
    opened.refuse()?;
    println!("mappings: no findings");
    for line in runtime.block_on(replicas(&opened, loaded.config.replica_lag)) {
        println!("{line}");
    }
    if let Some(warning) = runtime.block_on(Site::of(&opened).warning())? {
        println!("note: {warning}");
    }
    Ok(())
}

/// How long a replica that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which replicas would answer requests, and why others would not, in lines.
async fn replicas(opened: &Opened, lag: Duration) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let replicas = opened.store.vitals().replicas;
        if replicas.iter().all(|replica| replica.settled) || begun.elapsed() > PATIENCE + lag.min(PATIENCE) {
            let lines = replicas.into_iter().map(|replica| match (replica.reason, replica.behind) {
                (None, Some(behind)) => {
                    format!("replica {}: used; {:.1} s behind at most", replica.place, behind.as_secs_f64())
                }
                (reason, _) => {
                    let reason = reason.unwrap_or_default();
                    format!("note: replica {} is not used: {reason}", replica.place)
                }
            });
            return lines.collect();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
