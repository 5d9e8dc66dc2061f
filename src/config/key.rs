//! The macro that turns the list of settings into the struct, its loader and its reference.

/// Environment variables start with this.
pub const ENVIRONMENT_PREFIX: &str = "GNUHEALTH_FHIR_";

/// How a value is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `"…"`.
    Text,
    /// A bare number.
    Number,
    /// A bare number, which may have digits behind its point.
    Fraction,
    /// `true` or `false`.
    Switch,
    /// `["…", "…"]`.
    List,
}

/// One key, as the reference shows it.
#[derive(Debug)]
pub struct Key {
    /// Name in the file.
    pub name: &'static str,
    /// Heading of the group that starts with this key.
    pub heading: Option<&'static str>,
    /// Lines of its documentation.
    pub doc: &'static [&'static str],
    /// Default value, when there is one.
    pub default: Option<&'static str>,
    /// A value to show when there is no default; empty: none.
    pub example: &'static str,
    /// How it is written.
    pub form: Form,
}

impl Key {
    /// Name of the flag, without `--`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Name of the environment variable.
    pub fn variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.name.to_uppercase())
    }

    /// The documentation as one paragraph.
    pub fn text(&self) -> String {
        self.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }
}

macro_rules! settings {
    ($($($heading:literal)? $(#[doc = $doc:literal])+ $name:ident: $type:ty $(= $default:literal)? $(=> $example:literal)?;)+) => {
        /// The settings of the gateway.
        #[derive(Clone, Debug)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Config {
            /// Every key, in the order of the reference.
            pub const KEYS: &[Key] = &[$(Key {
                name: stringify!($name),
                heading: [$(Some($heading),)? None][0],
                doc: &[$($doc),+],
                default: [$(Some($default),)? None][0],
                example: [$($example,)? ""][0],
                form: <$type as Setting>::FORM,
            }),+];

            /// Builds the settings from the text of each key; collects what cannot be read.
            fn build(mut text: impl FnMut(&str) -> String, mut refuse: impl FnMut(&'static str, String)) -> Option<Self> {
                $(let $name = <$type as Setting>::read(&text(stringify!($name)))
                    .map_err(|reason| refuse(stringify!($name), reason)).ok();)+
                Some(Self { $($name: $name?,)+ })
            }

            /// Every key with its value, secrets redacted.
            pub fn values(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($name), Setting::show(&self.$name))),+]
            }
        }
    };
}

pub(super) use settings;
