//! What came out, as tables and a plot.

use std::{fmt::Write as _, fs, path::Path};

use crate::{Failure, measure::Row, plot};

/// A figure that is no share of a limit.
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The figure, with its unit.
    pub value: String,
    /// What it should be, and whether it is.
    pub target: Option<(String, bool)>,
}

/// Everything that came out.
#[derive(Default)]
pub struct Report {
    /// On what it was measured.
    pub about: Vec<String>,
    /// Works with a limit.
    pub rows: Vec<Row>,
    /// The others.
    pub facts: Vec<Fact>,
}

const COLUMNS: [&str; 11] = [
    "work",
    "a second",
    "limit",
    "share",
    "at least",
    "p50 / p95 / p99 ms",
    "p95 of limit",
    "statements",
    "CPU µs: gateway, PostgreSQL, clients",
    "PostgreSQL alone µs",
    "peak MiB",
];

/// The head of the table on the terminal.
pub fn head() -> String {
    format!(
        "{:38} {:>8} {:>8} {:>6} {:>8} {:>22} {:>7} {:>6} {:>23} {:>8} {:>5}",
        "",
        "a second",
        "limit",
        "share",
        "at least",
        "p50/p95/p99 ms",
        "p95 x",
        "SQL",
        "CPU µs gw/pg/clients",
        "pg alone",
        "MiB"
    )
}

/// A line of it.
pub fn line(row: &Row) -> String {
    let [name, rate, limit, share, target, times, tail, statements, processor, alone, peak] = cells(row);
    format!(
        "{name:38} {rate:>8} {limit:>8} {share:>6} {target:>8} {times:>22} {tail:>7} {statements:>6} {processor:>23} {alone:>8} {peak:>5}"
    )
}

/// A fact on the terminal.
pub fn fact(fact: &Fact) -> String {
    let Fact { name, value, target } = fact;
    let target =
        target.as_ref().map(|(text, met)| format!("  ({text}: {})", if *met { "met" } else { "missed" }));
    format!("{name}: {value}{}", target.unwrap_or_default())
}

fn cells(row: &Row) -> [String; 11] {
    let [p50, p95, p99] = row.gateway.percentiles;
    let [gateway, server, clients] = row.processor;
    [
        row.name.clone(),
        format!("{:.0}", row.gateway.rate),
        format!("{:.0}", row.limit.rate),
        format!("{:.2}", row.ratio),
        row.target.map(|target| format!("{target:.2}")).unwrap_or_default(),
        format!("{p50:.2} / {p95:.2} / {p99:.2}"),
        format!("{:.1}", row.tail),
        format!("{:.1}", row.statements),
        format!("{gateway:.0} / {server:.0} / {clients:.0}"),
        format!("{:.0}", row.alone),
        format!("{:.0}", row.peak as f64 / f64::from(1 << 20)),
    ]
}

impl Report {
    /// What cannot be measured does not keep the rest from it.
    pub fn unmeasured(&mut self, name: &str, measured: Result<(), Failure>) {
        if let Err(error) = measured {
            println!("{name:38} not measured: {error}");
            self.facts.push(Fact {
                name: name.to_owned(),
                value: format!("not measured: {error}"),
                target: None,
            });
        }
    }

    /// Writes `performance-results.md` and `performance.svg` into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        fs::create_dir_all(folder)?;
        let mut text = String::from(
            "# Results of the benchmark\n\nWritten by `cargo run --release --example bench -- --report FOLDER`; src/manual/benchmark.md says how to read it.\n\n",
        );
        for line in &self.about {
            writeln!(text, "- {line}")?;
        }
        writeln!(text, "\n![Share of PostgreSQL's own speed](performance.svg)\n")?;
        writeln!(text, "| {} |\n|---|{}", COLUMNS.join(" | "), "---:|".repeat(COLUMNS.len() - 1))?;
        for row in &self.rows {
            writeln!(text, "| {} |", cells(row).join(" | "))?;
        }
        writeln!(text, "\n| | | should be | |\n|---|---|---|---|")?;
        for Fact { name, value, target } in &self.facts {
            let (target, met) = match target {
                Some((target, met)) => (target.as_str(), if *met { "met" } else { "missed" }),
                None => ("", ""),
            };
            writeln!(text, "| {name} | {value} | {target} | {met} |")?;
        }
        fs::write(folder.join("performance-results.md"), text)?;
        fs::write(folder.join("performance.svg"), plot::bars(&self.rows))?;
        Ok(())
    }
}
