//! Values that must not be printed.

use std::fmt;

/// A secret: prints `<redacted>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// The URL of a database. Prints without its password and without its options, which can hold one.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Reads `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.
    ///
    /// # Errors
    /// A sentence that never repeats the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("it is not a URL; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE".to_owned());
        };
        if scheme != "postgresql" && scheme != "postgres" {
            return Err(match scheme {
                "sqlite" => "it is for SQLite; the gateway reads PostgreSQL databases only".to_owned(),
                _ => "it does not start with postgresql://".to_owned(),
            });
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if rest.matches('@').count() > 1 || (rest.contains('@') && !authority.contains('@')) {
            return Err(
                "special characters of the user or the password must be percent-encoded (@ as %40, / as %2F, ? as %3F, # as %23, : as %3A)"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL with its password.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let (rest, options) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?<redacted>"));
        match rest.split_once('@') {
            Some((user, place)) => {
                let (user, password) =
                    user.split_once(':').map_or((user, ""), |(user, _)| (user, ":<redacted>"));
                write!(f, "{scheme}://{user}{password}@{place}{options}")
            }
            None => write!(f, "{scheme}://{rest}{options}"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn passwords_are_never_shown() {
        let url = DatabaseUrl::parse("postgresql://u:p%40ss@h:5432/db?password=p%40ss").unwrap();
        assert_eq!(url.to_string(), "postgresql://u:<redacted>@h:5432/db?<redacted>");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(DatabaseUrl::parse("postgres://h/db").unwrap().to_string(), "postgres://h/db");
    }

    #[test]
    fn a_password_that_would_become_part_of_the_host_is_refused() {
        for wrong in [
            "postgresql://u:sec@ret@h/db",
            "postgresql://u:sec/ret@h/db",
            "host=h password=secret",
            "sqlite://secret",
        ] {
            let sentence = DatabaseUrl::parse(wrong).unwrap_err();
            assert!(!sentence.contains("sec"), "{sentence}");
        }
    }
}
