//! `docs`: what is generated from the program itself.

mod manual;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::PathBuf,
};

use clap::{CommandFactory as _, Subcommand};

use super::{Cli, Failure};
use crate::{
    config, error,
    mapping::{self, Compiled, Coverage, Files},
    search::registry,
    tryton::{Catalog, Series},
};

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
    /// What becomes of every column of GNU Health with all its modules, as Markdown.
    Coverage,
    /// The resource types and the models they are made of in GNU Health 5.0 with all its modules, as Markdown.
    Types,
    /// The search parameters of FHIR R4 for each type: those that are offered, and why the others are not, as Markdown.
    Parameters,
    /// The manual of this version as pages of HTML.
    Manual {
        /// Folder that they are written to.
        folder: PathBuf,
    },
    /// The manual page of the program or of one of its commands, as troff.
    Man {
        /// Command, such as `serve` or `show config`.
        command: Vec<String>,
    },
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
        What::Coverage => out.extend(coverage()?.bytes()),
        What::Types => out.extend(types()?.bytes()),
        What::Parameters => out.extend(parameters()?.bytes()),
        What::Manual { folder } => manual::write(folder)?,
        What::Man { command } => man(command)?.render(&mut out)?,
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

/// The page of the command at the end of this way.
fn man(way: &[String]) -> Result<clap_mangen::Man, Failure> {
    let mut command = Cli::command();
    // Gives every command its whole name.
    command.build();
    for name in way {
        command = command.find_subcommand(name).cloned().ok_or_else(|| {
            config::Problem::new(format!("there is no command {name}; see gnuhealth-fhir help"))
        })?;
    }
    Ok(clap_mangen::Man::new(command))
}

/// The shipped mappings on a GNU Health with all its modules.
fn full(series: Series) -> Result<(Catalog, Compiled), Failure> {
    let files = Files::shipped();
    let catalog = Catalog::full(series, files.modules())?;
    let (compiled, _) = mapping::compile(&files, &catalog, &mapping::Options { site: String::new() });
    Ok((catalog, compiled))
}

fn types() -> Result<String, Failure> {
    let (_, compiled) = full(Series::V7_0)?;
    let mut out = format!(
        "# Resource types\n\n\
         {} types from GNU Health 5.0 with all its modules. A database has those that its modules can feed; `[base]/metadata` tells which,\n\
         with their search parameters, and `gnuhealth-fhir show mappings` where they come from. Ids are the record's, behind the prefix\n\
         in brackets, before the key of one of several resources of a record. This file is generated: `gnuhealth-fhir docs types`. What\n\
         is not served, and why: [not served](not-served.md).\n\n\
         | type | made of |\n|---|---|\n",
        compiled.types.len(),
    );
    for kind in compiled.types.values() {
        let sources: Vec<_> = kind
            .sources
            .iter()
            .map(|source| match &source.prefix {
                Some(prefix) => format!("`{}` ({prefix})", source.model),
                None => format!("`{}`", source.model),
            })
            .collect();
        out.push_str(&format!("| {} | {} |\n", kind.name, sources.join(", ")));
    }
    Ok(out)
}

/// Every parameter of R4's base definition for every type that is searched.
fn parameters() -> Result<String, Failure> {
    let (_, compiled) = full(Series::V7_0)?;
    let (mut offered, mut all, mut sections) = (0, 0, String::new());
    for kind in compiled.types.values().filter(|kind| !kind.is_content()) {
        let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for definition in
            registry::parameters(&kind.name).filter(|definition| !definition.name.starts_with('_'))
        {
            all += 1;
            if let Some(reason) = mapping::offered::withheld(kind, definition) {
                reasons.entry(reason).or_default().push(format!("`{}`", definition.name));
            }
        }
        offered += kind.parameters.values().filter(|parameter| parameter.url.is_some()).count();
        let names: Vec<_> = kind.parameters.keys().map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        sections.push_str(&format!("\n## {}\n\nOffered: {names}.\n", kind.name));
        if !reasons.is_empty() {
            sections.push_str("\n| not offered | why |\n|---|---|\n");
        }
        for (reason, names) in reasons {
            sections.push_str(&format!("| {} | {reason} |\n", names.join(", ")));
        }
    }
    Ok(format!(
        "# Search parameters\n\n\
         What can be searched follows from what is mapped. For each type the parameters of FHIR R4 that the shipped mappings answer on GNU\n\
         Health 5.0 with all its modules, and why the others are not offered: {offered} of {all}. A database with fewer modules offers those of\n\
         its elements; `[base]/metadata` tells which. Parameters of every type (`_id` and others) and values stand in\n\
         [searching](searching.md). This file is generated: `gnuhealth-fhir docs parameters`.\n{sections}"
    ))
}

fn coverage() -> Result<String, Failure> {
    let mut tables: BTreeMap<String, [Option<Coverage>; 2]> = BTreeMap::new();
    for (index, series) in [Series::V7_0, Series::V6_0].into_iter().enumerate() {
        let (catalog, compiled) = full(series)?;
        for (model, coverage) in mapping::coverage(&catalog, &compiled) {
            let table = catalog.model(&model).map_or(model.clone(), |model| model.table.into());
            tables.entry(table).or_default()[index] = Some(coverage);
        }
    }
    let sum = |index: usize, count: fn(&Coverage) -> usize| {
        tables.values().filter_map(|series| series[index].as_ref()).map(count).sum::<usize>()
    };
    let mapped: fn(&Coverage) -> usize = |coverage| coverage.mapped.len();
    let left_out: fn(&Coverage) -> usize = |coverage| coverage.left_out.len();
    let mut out = format!(
        "# Coverage\n\n\
         The tables of GNU Health, with all its modules, that FHIR resources are made of, and how many of their columns a mapping reads. A\n\
         column that has no place in FHIR is left out for a reason, which stands in [mappings/left-out](../../mappings/left-out);\n\
         `gnuhealth-fhir show coverage` prints columns and reasons for a database and for mappings of your own. Columns that every table has\n\
         (`id`, `active`, who wrote it and when) are not counted. This file is generated: `gnuhealth-fhir docs coverage`.\n\n\
         {} tables of GNU Health 5.0: {} columns are mapped, {} left out. {} of 4.4: {} and {}.\n\n\
         | table | resources | 5.0 mapped | left out | 4.4 mapped | left out |\n|---|---|--:|--:|--:|--:|\n",
        tables.values().filter(|series| series[0].is_some()).count(),
        sum(0, mapped),
        sum(0, left_out),
        tables.values().filter(|series| series[1].is_some()).count(),
        sum(1, mapped),
        sum(1, left_out),
    );
    for (table, series) in &tables {
        let types: BTreeSet<_> = series.iter().flatten().flat_map(|coverage| &coverage.types).collect();
        let types: Vec<_> = types.into_iter().map(String::as_str).collect();
        out.push_str(&format!("| `{table}` | {}", types.join(", ")));
        for coverage in series {
            match coverage {
                Some(coverage) => {
                    out.push_str(&format!(" | {} | {}", mapped(coverage), left_out(coverage)));
                }
                None => out.push_str(" | – | –"),
            }
        }
        out.push_str(" |\n");
    }
    Ok(out)
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
