//! Flags, environment, file and defaults become one configuration.

use std::path::Path;

use super::{
    Config, ENVIRONMENT_PREFIX, Key, Problem,
    file::{self, Line},
    problem::nearest,
};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// An environment variable.
    Environment,
    /// The file.
    File {
        /// Path of the file.
        path: String,
        /// Line, from 1.
        line: usize,
    },
    /// The default.
    Default,
}

/// A value from the command line or the environment.
#[derive(Clone)]
pub struct Given {
    /// Key.
    pub name: &'static str,
    /// Text as given.
    pub text: String,
    /// [`Origin::Flag`] or [`Origin::Environment`].
    pub origin: Origin,
}

/// A configuration, and how it came about.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Where each key has its value from, in the order of [`Config::KEYS`].
    pub origins: Vec<(&'static str, Origin)>,
    /// What an operator should know although it is no error.
    pub notes: Vec<String>,
}

/// Builds the configuration from `given` (flags before environment), the text of `file`, and the defaults.
///
/// # Errors
/// Every problem that was found, each naming flag, variable, or file and line.
pub fn load(given: &[Given], file: Option<(&Path, &str)>) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let path = file.map(|(path, _)| path.display().to_string()).unwrap_or_default();
    let lines = match file {
        Some((path, text)) => file::lines(path, text).unwrap_or_else(|found| {
            problems.extend(found);
            Vec::new()
        }),
        None => Vec::new(),
    };
    let mut origins = Vec::with_capacity(Config::KEYS.len());
    let config = Config::build(
        |name| {
            let (text, origin) = choose(name, given, &lines, &path);
            let (name, text) = (key(name).name, text.to_owned());
            origins.push((name, origin));
            text
        },
        |name, reason| {
            let (_, origin) = choose(name, given, &lines, &path);
            problems.push(Problem::new(match origin {
                Origin::Flag => format!("flag --{}: {reason}", key(name).flag()),
                Origin::Environment => format!("environment variable {}: {reason}", key(name).variable()),
                Origin::File { path, line } => format!("{path}:{line}: {name}: {reason}"),
                Origin::Default => format!("default of {name}: {reason}"),
            }));
        },
    );
    match config {
        Some(config) => {
            problems.extend(config.contradictions());
            if problems.is_empty() {
                Ok(Loaded { config, origins, notes: Vec::new() })
            } else {
                Err(problems)
            }
        }
        None => Err(problems),
    }
}

fn key(name: &str) -> &'static Key {
    Config::KEYS.iter().find(|key| key.name == name).expect("the macro names keys of the table only")
}

fn choose<'a>(name: &str, given: &'a [Given], lines: &'a [Line], path: &str) -> (&'a str, Origin) {
    if let Some(given) = given.iter().find(|given| given.name == name) {
        return (&given.text, given.origin.clone());
    }
    match lines.iter().find(|line| line.name == name) {
        Some(line) => (&line.text, Origin::File { path: path.to_owned(), line: line.number }),
        None => (key(name).default.unwrap_or_default(), Origin::Default),
    }
}

impl Loaded {
    /// Notes environment variables that look like misspelt settings. Others with the prefix are left alone: Kubernetes
    /// sets `GNUHEALTH_FHIR_SERVICE_HOST` and more for a service named `gnuhealth-fhir`.
    pub fn note_variables(&mut self, names: impl Iterator<Item = String>) {
        let known: Vec<String> = Config::KEYS.iter().map(Key::variable).collect();
        for name in names.filter(|name| name.starts_with(ENVIRONMENT_PREFIX) && !known.contains(name)) {
            let keys = known.iter().filter_map(|known| known.strip_prefix(ENVIRONMENT_PREFIX));
            if let Some(near) = nearest(&name[ENVIRONMENT_PREFIX.len()..], keys) {
                self.notes.push(format!(
                    "environment variable {name} is no setting and is ignored; did you mean {ENVIRONMENT_PREFIX}{near}?"
                ));
            }
        }
    }
}
