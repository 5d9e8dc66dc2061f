//! All resources of a type as a stream, against COPY of the same rows.

use std::time::{Duration, Instant};

use crate::{
    Failure,
    client::{self, Target},
    database::Database,
    measure::median,
    process::Process,
    recorder::Recorder,
};

/// What came out.
pub struct Export {
    /// Resources.
    pub lines: u64,
    /// Medians of resources a second: of the gateway, and of COPY.
    pub rates: [f64; 2],
    /// Median of the shares.
    pub ratio: f64,
    /// Bytes a second of the gateway.
    pub bytes: f64,
    /// The most memory of the gateway, and what it held before, in bytes.
    pub memory: [u64; 2],
}

/// Measures until the rounds or the time are over, each side once at least.
pub async fn run(
    path: &str,
    target: &Target,
    database: &Database,
    gateway: Process,
    recorder: &mut Recorder,
    (rounds, time): (usize, Duration),
) -> Result<Export, Failure> {
    let join = if path.contains('?') { '&' } else { '?' };
    let statements = recorder.statements(&format!("{path}{join}_count={}", recorder.most)).await?;
    let [statement] = statements.as_slice() else {
        return Err("a page of the stream has more than one statement".into());
    };
    let before = gateway.resident();
    gateway.forget_peak();
    let (mut rates, mut bytes, mut ratios) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
    let (start, mut lines) = (Instant::now(), 0);
    while ratios.is_empty() || (ratios.len() < rounds && start.elapsed() < time) {
        let mut both = [0.0; 2];
        for own in [ratios.len() % 2 == 0, ratios.len() % 2 != 0] {
            let begun = Instant::now();
            let streamed = if own {
                client::stream(target, path).await?
            } else {
                database.copy(statement, recorder.most).await?
            };
            let took = begun.elapsed().as_secs_f64();
            if lines != 0 && lines != streamed.lines {
                return Err(
                    format!("the stream and COPY differ: {lines} and {} lines", streamed.lines).into()
                );
            }
            lines = streamed.lines;
            both[usize::from(!own)] = lines as f64 / took;
            if own {
                bytes.push(streamed.bytes as f64 / took);
            }
        }
        ratios.push(both[0] / both[1]);
        rates[0].push(both[0]);
        rates[1].push(both[1]);
    }
    Ok(Export {
        lines,
        rates: rates.map(median),
        ratio: median(ratios),
        bytes: median(bytes),
        memory: [gateway.peak(), before],
    })
}
