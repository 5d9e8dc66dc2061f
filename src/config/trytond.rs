//! `trytond.conf`: where the Tryton server has its databases, and how it lets users in.
//!
//! Read as trytond reads it (Python's `ConfigParser` with `interpolation=None`): `%` has no meaning there; escapes in the
//! URI are those of URLs.

use std::path::{Path, PathBuf};

use super::{DatabaseUrl, Problem};

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Server, user and password; perhaps the name.
    pub url: DatabaseUrl,
    /// Name, when it is configured apart.
    pub name: Option<String>,
}

/// The file.
pub(super) struct TrytondConf {
    place: String,
    text: String,
}

impl TrytondConf {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(format!("{place}: the file of trytond_conf cannot be read ({error})"))
        })?;
        Ok(Self { place, text })
    }

    /// The text of an option; empty when there is nothing behind its name.
    pub(super) fn option(&self, section: &str, name: &str) -> Option<String> {
        option(&self.text, section, name)
    }

    /// An option that is a whole number.
    pub(super) fn number(&self, section: &str, name: &str) -> Result<Option<u32>, Problem> {
        let number = |text: String| {
            text.parse().map_err(|_| {
                Problem::new(format!("{}: {name} in [{section}] is no whole number from zero on", self.place))
            })
        };
        self.option(section, name).map(number).transpose()
    }

    /// `[database] uri`.
    pub(super) fn database(&self) -> Result<DatabaseUrl, Problem> {
        let place = &self.place;
        let Some(uri) = self.option("database", "uri").filter(|uri| !uri.is_empty()) else {
            return Err(Problem::new(format!(
                "{place}: there is no uri in [database], so Tryton would use SQLite; expected uri = postgresql://USER:PASSWORD@HOST:PORT/"
            )));
        };
        if uri.starts_with("sqlite") {
            return Err(Problem::new(format!(
                "{place}: uri in [database] is for SQLite; the gateway reads PostgreSQL databases only"
            )));
        }
        let url = with_host(&uri, socket_folder().as_deref());
        DatabaseUrl::parse(&url)
            .map_err(|reason| Problem::new(format!("{place}: uri in [database]: {reason}")))
    }
}

/// `[database] path` and `[attachment] store_prefix` of the file at `path`; none when it cannot be read.
pub(super) fn file_store(path: &Path) -> (Option<PathBuf>, Option<String>) {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let filled = |section, name| option(&text, section, name).filter(|text| !text.is_empty());
    (filled("database", "path").map(PathBuf::from), filled("attachment", "store_prefix"))
}

/// The value of an option, by the rules of `ConfigParser`: `=` or `:`, whole-line comments with `#` or `;`, values that
/// continue on indented lines, names of options without case, the last one wins.
fn option(text: &str, section: &str, name: &str) -> Option<String> {
    let mut inside = false;
    let mut open = false;
    let mut value: Option<String> = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) && open {
            if let Some(value) = &mut value {
                value.push('\n');
                value.push_str(content);
            }
        } else if let Some(header) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            inside = header.0 == section;
            open = false;
        } else if inside && let Some((key, text)) = content.split_once(['=', ':']) {
            open = key.trim().eq_ignore_ascii_case(name);
            if open {
                value = Some(text.trim().to_owned());
            }
        }
    }
    value.map(|value| value.trim().to_owned())
}

/// `postgresql://` without a host means the local socket to psycopg2; the URL gets the folder of that socket.
fn with_host(uri: &str, folder: Option<&str>) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), authority),
    };
    if !host.is_empty() || tail.contains("host=") {
        return uri.to_owned();
    }
    let host = folder.map_or_else(|| "localhost".to_owned(), |folder| folder.replace('/', "%2F"));
    format!("{scheme}://{user}{host}{tail}")
}

fn socket_folder() -> Option<String> {
    ["/var/run/postgresql", "/run/postgresql", "/tmp"]
        .into_iter()
        .find(|folder| Path::new(folder).join(".s.PGSQL.5432").exists())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{TrytondConf, file_store, option, with_host};

    fn uri(text: &str) -> Option<String> {
        option(text, "database", "uri")
    }

    #[test]
    fn the_option_is_found_as_config_parser_finds_it() {
        assert_eq!(
            uri("[database]\nuri = postgresql://a:b%40@h/\n").as_deref(),
            Some("postgresql://a:b%40@h/")
        );
        assert_eq!(uri("[database]\nURI: x://y").as_deref(), Some("x://y"));
        assert_eq!(
            uri("# c\n[web]\nuri = w\n[database]\n; uri = c\nuri =\n   d\nlist = 1").as_deref(),
            Some("d")
        );
        assert_eq!(uri("[database]\nuri = a\n[web]\nx = 1\n[database]\nuri = b").as_deref(), Some("b"));
        assert_eq!(uri("[database]\nuri = a%%b").as_deref(), Some("a%%b"));
        assert_eq!(uri("[database]\nuri = a\n  b\n").as_deref(), Some("a\nb"));
        assert_eq!(uri("[database]\nuri =\n").as_deref(), Some(""));
        assert_eq!(uri("[database]\npath = x\n"), None);
        assert_eq!(uri("uri = x"), None);
    }

    #[test]
    fn the_file_store_is_the_one_of_tryton() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trytond.conf");
        std::fs::write(&path, "[database]\npath = /srv/attach\n[attachment]\nstore_prefix = main\n").unwrap();
        assert_eq!(file_store(&path), (Some("/srv/attach".into()), Some("main".to_owned())));
        assert_eq!(file_store(&folder.path().join("no.conf")), (None, None));
    }

    #[test]
    fn a_missing_host_becomes_the_socket() {
        let folder = Some("/run/postgresql");
        assert_eq!(with_host("postgresql://", folder), "postgresql://%2Frun%2Fpostgresql");
        assert_eq!(with_host("postgresql:///", None), "postgresql://localhost/");
        assert_eq!(with_host("postgresql://u:p@/x", folder), "postgresql://u:p@%2Frun%2Fpostgresql/x");
        assert_eq!(with_host("postgresql://h/", folder), "postgresql://h/");
        assert_eq!(with_host("postgresql://u@/?host=%2Ftmp", folder), "postgresql://u@/?host=%2Ftmp");
    }

    #[test]
    fn problems_name_the_file_and_hide_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let sentence = |text: &str| {
            let path = folder.path().join("trytond.conf");
            std::fs::write(&path, text).unwrap();
            TrytondConf::read(&path).and_then(|file| file.database()).unwrap_err().to_string()
        };
        assert!(sentence("[web]\n").contains("trytond.conf: there is no uri in [database]"));
        assert!(sentence("[database]\nuri = sqlite://").contains("SQLite"));
        assert!(!sentence("[database]\nuri = mysql://u:secret@h/").contains("secret"));
        let missing = TrytondConf::read(&folder.path().join("no.conf")).err().unwrap();
        assert!(missing.to_string().contains("cannot be read"));
    }
}
