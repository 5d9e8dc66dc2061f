//! Types of settings: how each is read from text and shown.

use std::{net::SocketAddr, num::NonZero, path::PathBuf, str::FromStr, time::Duration};

use jiff::tz::TimeZone;

use super::{Authentications, Collector, DatabaseUrl, Form, Network, Ratio, Secret};

/// A type that a setting can have.
pub trait Setting: Sized {
    /// How it is written in the file.
    const FORM: Form = Form::Text;

    /// Reads the text of a flag, a variable or a line of the file.
    ///
    /// # Errors
    /// A sentence that says what is expected.
    fn read(text: &str) -> Result<Self, String>;

    /// The value as an operator may see it.
    fn show(&self) -> String;
}

impl<T: Setting> Setting for Option<T> {
    const FORM: Form = T::FORM;

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::read(text).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

impl<T: Setting> Setting for Vec<T> {
    const FORM: Form = Form::List;

    fn read(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(T::read).collect()
    }

    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(", ")
    }
}

/// Implements [`Setting`] for a type from a function that reads it and one that shows it.
macro_rules! setting {
    ($type:ty, $form:ident, $read:expr, $show:expr) => {
        impl Setting for $type {
            const FORM: Form = Form::$form;

            fn read(text: &str) -> Result<Self, String> {
                let read: fn(&str) -> Result<Self, String> = $read;
                read(text)
            }

            fn show(&self) -> String {
                let show: fn(&Self) -> String = $show;
                show(self)
            }
        }
    };
}

setting!(String, Text, |text| Ok(text.to_owned()), Self::clone);
setting!(PathBuf, Text, |text| Ok(Self::from(text)), |path| path.display().to_string());
setting!(
    bool,
    Switch,
    |text| text.parse().map_err(|_| format!("\"{text}\" is neither true nor false")),
    ToString::to_string
);
setting!(NonZero<usize>, Number, number, ToString::to_string);
setting!(NonZero<u32>, Number, number, ToString::to_string);
setting!(
    SocketAddr,
    Text,
    |text| text
        .parse()
        .map_err(|_| format!("\"{text}\" is not an address with a port; write 127.0.0.1:8080 or [::1]:8080")),
    ToString::to_string
);
setting!(Network, Text, Self::parse, ToString::to_string);
setting!(DatabaseUrl, Text, Self::parse, ToString::to_string);
setting!(
    Secret,
    Text,
    |text| if text.chars().count() < 32 {
        Err("it is shorter than 32 characters".to_owned())
    } else {
        Ok(Self::new(text))
    },
    ToString::to_string
);
setting!(
    TimeZone,
    Text,
    |text| Self::get(text)
        .map_err(|_| format!("\"{text}\" is not a time zone; write an IANA name such as Europe/Madrid")),
    |zone| zone.iana_name().unwrap_or("UTC").to_owned()
);
setting!(Duration, Text, duration, |duration| match duration.subsec_millis() {
    0 => format!("{}s", duration.as_secs()),
    _ => format!("{}ms", duration.as_millis()),
});
setting!(Age, Text, |text| span(text).map(Age), |age| format!("{}s", age.0.as_secs()));
setting!(Prefix<32>, Number, prefix, |prefix| prefix.0.to_string());
setting!(Prefix<128>, Number, prefix, |prefix| prefix.0.to_string());
setting!(Collector, Text, Self::parse, ToString::to_string);
setting!(Ratio, Fraction, Self::parse, |ratio| ratio.0.to_string());
setting!(Authentications, Text, |text| Ok(Self::new(text)), ToString::to_string);
setting!(Size, Text, size, |size| format!("{} bytes", size.0));
setting!(BasePath, Text, base_path, |path| path.0.clone());
setting!(BaseUrl, Text, |text| http_url(text).map(Self), |url| url.0.clone());
setting!(Site, Text, |text| http_url(text).map(Self), |site| site.0.clone());
setting!(Cors, Text, cors, |cors| match cors {
    Cors::Any => "*".to_owned(),
    Cors::Origin(origin) => origin.clone(),
});

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not a whole number above zero"))
}

/// A length of time that may be long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub Duration);

/// Length of the prefix of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix<const MOST: u8>(pub u8);

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Path under which FHIR is served: empty, or with a leading and without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(String);

impl BasePath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An absolute URL of this server, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Prefix of local identifier and code systems, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site(String);

impl Site {
    /// The prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who may call from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// Every origin.
    Any,
    /// This origin, in the form that browsers send.
    Origin(String),
}

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($(#[$variant_doc])* $variant,)+ }

        setting!($type, Text, |text| match text {
            $($word => Ok(Self::$variant),)+
            _ => Err(format!("\"{text}\" is not one of {}", [$($word),+].join(", "))),
        }, |value| match value { $($type::$variant => $word,)+ }.to_owned());
    };
}

words! {
    /// Form of the log.
    LogFormat {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

words! {
    /// Which resources have a text for people.
    Narrative {
        /// None, but those whose mapping has one.
        None = "none",
        /// All: made of what is written in them.
        Generated = "generated",
    }
}

words! {
    /// Where the audit trail goes.
    Audit {
        /// Nowhere.
        None = "none",
        /// To a file.
        File = "file",
        /// To standard output.
        Stdout = "stdout",
        /// To a receiver of the syslog protocol.
        Syslog = "syslog",
    }
}

words! {
    /// When records of the audit trail are on disk.
    AuditSync {
        /// Before the answer leaves.
        Always = "always",
        /// When the operating system thinks fit.
        System = "system",
    }
}

words! {
    /// What becomes of requests whose record cannot be kept.
    AuditFailure {
        /// They are refused.
        Stop = "stop",
        /// They are answered.
        Continue = "continue",
    }
}

words! {
    /// How much is logged.
    Level {
        /// Failures.
        Error = "error",
        /// And what an operator should look at.
        Warn = "warn",
        /// And one line for each request.
        Info = "info",
        /// And details for developers.
        Debug = "debug",
        /// And more of them.
        Trace = "trace",
    }
}

/// A length of time that PostgreSQL takes as a limit, in 32-bit milliseconds.
fn duration(text: &str) -> Result<Duration, String> {
    match span(text) {
        Ok(span) if span.as_millis() > i32::MAX as u128 => {
            Err(format!("\"{text}\" is too long; 24d is the longest"))
        }
        span => span,
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is not a length of time; write 700ms, 30s, 5m or 1h");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(digits);
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let count: u64 = count.parse().map_err(|_| wrong())?;
    match count.checked_mul(milliseconds) {
        Some(0) => Err("it must be longer than zero".to_owned()),
        Some(total) => Ok(Duration::from_millis(total)),
        None => Err(format!("\"{text}\" is too long")),
    }
}

fn prefix<const MOST: u8>(text: &str) -> Result<Prefix<MOST>, String> {
    let prefix = text.parse().ok().filter(|prefix| *prefix <= MOST);
    prefix.map(Prefix).ok_or_else(|| format!("\"{text}\" is not a whole number from 0 to {MOST}"))
}

fn size(text: &str) -> Result<Size, String> {
    let wrong = || format!("\"{text}\" is not a size; write 512 KiB, 1 MiB or a number of bytes");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "B" | "bytes" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    let count: u64 = count.parse().map_err(|_| wrong())?;
    count.checked_mul(factor).filter(|bytes| *bytes > 0).map(Size).ok_or_else(wrong)
}

fn plain_path(path: &str) -> bool {
    path.is_empty()
        || path.strip_prefix('/').is_some_and(|path| {
            path.split('/').all(|part| {
                !part.is_empty()
                    && part != "."
                    && part != ".."
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
            })
        })
}

fn base_path(text: &str) -> Result<BasePath, String> {
    let path = text.strip_suffix('/').unwrap_or(text);
    if plain_path(path) {
        Ok(BasePath(path.to_owned()))
    } else {
        Err(format!("\"{text}\" is not a path of letters, digits and dashes such as /fhir"))
    }
}

fn http_url(text: &str) -> Result<String, String> {
    let wrong = || format!("\"{text}\" is not an address such as https://fhir.hospital.example/fhir");
    let url = text.strip_suffix('/').unwrap_or(text);
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(wrong)?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    if host.is_empty() || !host.bytes().all(plain) || !plain_path(path) {
        Err(wrong())
    } else {
        Ok(url.to_owned())
    }
}

fn cors(text: &str) -> Result<Cors, String> {
    if text == "*" {
        return Ok(Cors::Any);
    }
    match http_url(text) {
        Ok(url) if url.matches('/').count() == 2 && url == text => Ok(Cors::Origin(url.to_ascii_lowercase())),
        _ => Err(format!("\"{text}\" is not an origin; write https://app.example, without a path, or *")),
    }
}
