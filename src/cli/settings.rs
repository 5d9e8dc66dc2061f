//! Every setting as a flag and as an environment variable, made from the table of keys.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};

use super::Failure;
use crate::config::{self, Config, ENVIRONMENT_PREFIX, Form, Given, Key, Loaded, Origin, Problem};

const FILE: &str = "config.toml";

/// What the command line and the environment say.
#[derive(Clone)]
pub struct Settings {
    file: Option<PathBuf>,
    given: Vec<Given>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("file", &self.file).finish_non_exhaustive()
    }
}

fn argument(key: &'static Key) -> Arg {
    let text = key.text();
    let summary =
        text.split_inclusive(". ").next().unwrap_or_default().trim_end_matches([' ', '.']).to_owned();
    let help = match key.default {
        Some(default) => format!("{summary} [default: {default}]"),
        None => summary,
    };
    Arg::new(key.name)
        .long(key.flag())
        .env(key.variable())
        // A value of the environment can be a password.
        .hide_env_values(true)
        .value_name(match key.form {
            Form::Text => "TEXT",
            Form::Number | Form::Fraction => "NUMBER",
            Form::Switch => "true|false",
            Form::List => "TEXT,…",
        })
        .action(if key.form == Form::List { ArgAction::Append } else { ArgAction::Set })
        .help(help)
        .long_help(match key.default {
            Some(default) => format!("{text} [default: {default}]"),
            None => text,
        })
        .help_heading("Settings")
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .env(format!("{ENVIRONMENT_PREFIX}CONFIG"))
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("File with settings [default: config.toml of the working directory, if there is one]");
        command.arg(file).args(Config::KEYS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for key in Config::KEYS {
            let Some(texts) = matches.get_many::<String>(key.name) else { continue };
            let text = texts.map(String::as_str).collect::<Vec<_>>().join(",");
            let origin = match matches.value_source(key.name) {
                // An empty variable is how container tools leave one out.
                Some(ValueSource::EnvVariable) if text.is_empty() => continue,
                Some(ValueSource::EnvVariable) => Origin::Environment,
                _ => Origin::Flag,
            };
            given.push(Given { name: key.name, text, origin });
        }
        Ok(Self { file: matches.get_one::<PathBuf>("config").cloned(), given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Settings {
    /// Reads the file and puts everything together.
    ///
    /// # Errors
    /// Every problem of the configuration.
    pub fn load(&self) -> Result<Loaded, Failure> {
        let path = self.file.as_deref().unwrap_or(Path::new(FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if self.file.is_none() && error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let sentence =
                    format!("{}: the file with the settings cannot be read ({error})", path.display());
                return Err(Failure::from_problems(&[Problem::new(sentence)]));
            }
        };
        let file = text.as_deref().map(|text| (path, text));
        let mut loaded =
            config::load(&self.given, file).map_err(|problems| Failure::from_problems(&problems))?;
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        loaded.note_variables(names.filter(|name| *name != format!("{ENVIRONMENT_PREFIX}CONFIG")));
        Ok(loaded)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::Settings;
    use crate::config::Origin;

    #[test]
    fn flags_become_settings() {
        let command = Settings::augment_args(Command::new("test"));
        let line =
            ["test", "--max-count", "70", "--trusted-proxies", "10.0.0.0/8", "--trusted-proxies", "::1"];
        let settings = Settings::from_arg_matches(&command.get_matches_from(line)).unwrap();
        let given = |name: &str| settings.given.iter().find(|given| given.name == name).unwrap();
        assert_eq!(given("max_count").text, "70");
        assert_eq!(given("max_count").origin, Origin::Flag);
        assert_eq!(given("trusted_proxies").text, "10.0.0.0/8,::1");
    }
}
