//! A private PostgreSQL that lives as long as the value that stands for it.
//!
//! It listens on a free port of 127.0.0.1 and asks for a random password. Programs and data lie in a temporary folder
//! that only its account enters; they go when the [`Server`] is stopped or dropped, and also when this process is
//! killed.

use std::fmt;
use std::path::Path;

use super::cluster::{Cluster, lost_its_port};
use super::embedded;
use super::error::Error;
use super::home::{Home, Kept, Maker};
use super::local::{self, Programs};
use super::scratch::Scratch;

/// Which PostgreSQL to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The machine's own if it has one that starts, else the carried one; for kept data the one that made them.
    #[default]
    Auto,
    /// The machine's own.
    Local,
    /// The one that this program carries.
    Embedded,
}

/// A running private PostgreSQL. Dropping it stops it.
pub struct Server {
    cluster: Cluster,
    url: String,
    description: String,
}

/// A PostgreSQL that can be run.
enum Source {
    Local(Programs),
    /// With its major version.
    Carried(u32),
}

impl Server {
    /// Starts a server and waits until it answers.
    ///
    /// With `keep` its data stay in that folder, and a folder that has some is used again.
    ///
    /// # Errors
    ///
    /// If there is no PostgreSQL of that choice, or it does not start; the error says why and what to do.
    pub async fn start(choice: Choice, keep: Option<&Path>) -> Result<Self, Error> {
        let kept = keep.map(Kept::open).transpose()?;
        let made = kept.as_ref().and_then(|kept| kept.maker.map(|maker| (kept, maker)));
        if let Some((kept, maker)) = made {
            let other = || Error::OtherPostgres(kept.path().to_owned(), maker.needed());
            return Self::of(matching(choice, maker).ok_or_else(other)?, Some(kept)).await;
        }
        match choice {
            Choice::Local => Self::of(local().ok_or(Error::NothingInstalled)?, kept.as_ref()).await,
            Choice::Embedded => Self::of(carried().ok_or(Error::NothingCarried)?, kept.as_ref()).await,
            Choice::Auto => Self::any(kept.as_ref()).await,
        }
    }

    /// Where it is, as a connection string with the password in it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it is, for example `PostgreSQL 15.18 from /usr/lib/postgresql/15/bin`.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// Stops it and waits until nothing is left, without blocking as a drop does.
    pub async fn stop(self) {
        self.cluster.stop().await;
    }

    async fn any(kept: Option<&Kept>) -> Result<Self, Error> {
        let Some(local) = local() else {
            return Self::of(carried().ok_or(Error::NothingCarried)?, kept).await;
        };
        let first = match Self::of(local, kept).await {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        match carried() {
            // The carried one could not read what the first one has made by now.
            Some(carried) if !kept.is_some_and(Kept::is_filled) => {
                Self::of(carried, kept).await.map_err(|second| Error::Neither(first.into(), second.into()))
            }
            _ => Err(first),
        }
    }

    async fn of(source: Source, kept: Option<&Kept>) -> Result<Self, Error> {
        for _ in 0..3 {
            match Self::once(&source, kept).await {
                Err(error) if lost_its_port(&error) => {}
                done => return done,
            }
        }
        Self::once(&source, kept).await
    }

    /// Files are read and written here without yielding: a demo that starts has nothing else to do.
    async fn once(source: &Source, kept: Option<&Kept>) -> Result<Self, Error> {
        let scratch = Scratch::new(kept.and_then(Kept::account), matches!(source, Source::Carried(_)))?;
        let home = match kept {
            Some(kept) => kept.home(&scratch, source.maker())?,
            None => Home::temporary(&scratch)?,
        };
        let (folder, description) = match source {
            Source::Local(programs) => (
                programs.folder.clone(),
                format!("PostgreSQL {} from {}", programs.version, programs.folder.display()),
            ),
            Source::Carried(_) => {
                let unpacked = scratch.path().join("postgresql");
                let version = embedded::unpack(&unpacked)?;
                (unpacked.join("bin"), format!("PostgreSQL {version} carried by this program"))
            }
        };
        let cluster = Cluster::start(&folder, &home, kept.is_some(), scratch).await?;
        let url = cluster.url(&home.password);
        Ok(Self { cluster, url, description })
    }
}

/// Without the connection string, which holds the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("description", &self.description).finish_non_exhaustive()
    }
}

impl Source {
    fn maker(&self) -> Maker {
        match self {
            Self::Local(programs) => {
                Maker::Local(programs.major().expect("only versions with a number are found"))
            }
            Self::Carried(major) => Maker::Carried(*major),
        }
    }
}

fn local() -> Option<Source> {
    local::newest(None).map(Source::Local)
}

fn carried() -> Option<Source> {
    embedded::major().map(Source::Carried)
}

/// The PostgreSQL that made some data, if it is at hand and allowed.
fn matching(choice: Choice, maker: Maker) -> Option<Source> {
    match maker {
        Maker::Local(major) if choice != Choice::Embedded => local::newest(Some(major)).map(Source::Local),
        Maker::Carried(major) if choice != Choice::Local => {
            embedded::major().filter(|carried| *carried == major).map(Source::Carried)
        }
        _ => None,
    }
}
