//! Where traces go, and how many.

use std::fmt;

/// The receiver of a collector of OpenTelemetry: OTLP over HTTP
/// (<https://opentelemetry.io/docs/specs/otlp/#otlphttp-request>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    authority: String,
    path: String,
}

impl Collector {
    /// Reads `http://HOST:PORT/PATH`.
    ///
    /// # Errors
    /// A sentence that never repeats the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{why}; write http://127.0.0.1:4318/v1/traces");
        if text.starts_with("https://") {
            return Err(wrong("there is no TLS to a collector, so let one on this machine pass traces on"));
        }
        let rest = text.strip_prefix("http://").ok_or_else(|| wrong("it does not start with http://"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name = |host: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            !host.is_empty() && host.bytes().all(plain)
        };
        if !address.map_or_else(|| is_name(host), |host| host.parse::<std::net::Ipv6Addr>().is_ok()) {
            return Err(wrong("its host is neither a name nor an address"));
        }
        let port = port.map_or(Ok(80), str::parse::<u16>).map_err(|_| wrong("its port is no number"))?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
        if path.len() < 2 || !path.bytes().all(plain) {
            return Err(wrong("it has no path, or one with other characters than letters, digits and -._~"));
        }
        Ok(Self { authority: format!("{host}:{port}"), path: path.to_owned() })
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio(pub f64);

impl Ratio {
    /// Reads a number from 0 to 1.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
        number.map(Self).ok_or_else(|| format!("\"{text}\" is not a number from 0 to 1"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Collector, Ratio};

    #[test]
    fn a_collector_is_an_address_with_a_path() {
        for (text, authority) in [
            ("http://127.0.0.1:4318/v1/traces", "127.0.0.1:4318"),
            ("http://[::1]:4318/v1/traces", "[::1]:4318"),
            ("http://[::1]/v1/traces", "[::1]:80"),
            ("http://otel-collector.example/v1/traces", "otel-collector.example:80"),
        ] {
            let collector = Collector::parse(text).unwrap();
            assert_eq!((collector.authority(), collector.path()), (authority, "/v1/traces"));
        }
        for (text, why) in [
            ("https://collector:4318/v1/traces", "there is no TLS"),
            ("collector:4318/v1/traces", "it does not start"),
            ("http://user:word@collector/v1/traces", "its port"),
            ("http://:4318/v1/traces", "its host"),
            ("http://collector:x/v1/traces", "its port"),
            ("http://collector:4318", "it has no path"),
            ("http://collector:4318/", "it has no path"),
            ("http://collector:4318/v1/traces?key=word", "it has no path"),
        ] {
            let told = Collector::parse(text).unwrap_err();
            assert!(told.starts_with(why) && !told.contains("word"), "{text}: {told}");
        }
    }

    #[test]
    fn a_ratio_is_from_0_to_1() {
        for good in ["0", "0.25", "1", "1.0"] {
            assert!(Ratio::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-0.1", "1.1", "NaN", "inf", "10%"] {
            assert!(Ratio::parse(bad).is_err(), "{bad}");
        }
    }
}
