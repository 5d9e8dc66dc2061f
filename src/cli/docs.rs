//! `docs`: what is generated from the program itself.

use std::io::Write as _;

use clap::{CommandFactory as _, Subcommand};

use super::{Cli, Failure};
use crate::{config, error};

/// Arguments of `docs`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The annotated config.toml.
    Config,
    /// Every error that a client can see, as Markdown.
    Errors,
    /// The manual page, as troff.
    Man,
    /// Completions of a shell.
    Completions {
        /// Shell.
        shell: clap_complete::Shell,
    },
}

/// Prints one of the documents.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut out = Vec::new();
    match &arguments.what {
        What::Config => out.extend(config::reference().bytes()),
        What::Errors => out.extend(errors().bytes()),
        What::Man => clap_mangen::Man::new(Cli::command()).render(&mut out)?,
        What::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "gnuhealth-fhir", &mut out);
        }
    }
    match std::io::stdout().write_all(&out) {
        // The reader (head, less) has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn errors() -> String {
    let mut out = String::from(
        "# Errors\n\n\
         Every error is an OperationOutcome with one of these codes in `issue.details.coding`, the sentence, perhaps a detail, and the id of\n\
         the request, by which the operator finds the cause in the log. Codes are stable. This file is generated:\n\
         `gnuhealth-fhir docs errors`.\n\n\
         | code | meaning | what to do |\n|---|---|---|\n",
    );
    for entry in error::ALL {
        out.push_str(&format!("| `{}` | {} | {} |\n", entry.code, entry.sentence, entry.hint));
    }
    out
}
