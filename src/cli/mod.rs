//! The command line.

mod access;
mod audit;
mod check;
mod demo;
mod docs;
mod explain;
mod grants;
mod indexes;
mod log;
mod notify;
pub mod open;
mod serve;
mod served;
mod settings;
mod show;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Problem;

/// An HL7 FHIR R4 server in front of an existing GNU Health / Tryton PostgreSQL database.
#[derive(Debug, Parser)]
#[command(name = "gnuhealth-fhir", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done, 1 a failure or findings, 2 wrong use of the command line.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve FHIR from a database.
    Serve(serve::Arguments),
    /// Try it with an invented hospital, without a database of your own.
    Demo(demo::Arguments),
    /// Check settings, database and mappings, and tell every finding.
    Check(check::Arguments),
    /// Tell what a user may see, and why not: by groups, accesses and record rules.
    Access(access::Arguments),
    /// Tell how a search is answered: its SQL, the expected cost, and the rights that apply.
    Explain(explain::Arguments),
    /// Print the SQL that gives a role what serving this database needs, and no more.
    Grants(grants::Arguments),
    /// Print the SQL of indexes that would spare searches from reading whole tables.
    Indexes(indexes::Arguments),
    /// Verify the audit trail, or read it.
    Audit(audit::Arguments),
    /// Show what is in effect.
    Show(show::Arguments),
    /// Print the generated documentation.
    Docs(docs::Arguments),
}

/// Why a command failed: sentences for the operator.
#[derive(Debug)]
pub struct Failure(Vec<String>);

impl<T: std::error::Error> From<T> for Failure {
    fn from(error: T) -> Self {
        Self(vec![error.to_string()])
    }
}

impl Failure {
    fn from_problems(problems: &[Problem]) -> Self {
        Self(problems.iter().map(ToString::to_string).collect())
    }
}

/// Runs the command line: 0 done, 1 a failure or findings, 2 wrong use.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Access(arguments) => access::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Grants(arguments) => grants::run(&arguments),
        Command::Indexes(arguments) => indexes::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(sentences)) => {
            for sentence in sentences {
                eprintln!("error: {sentence}");
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
