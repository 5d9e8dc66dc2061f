//! A user of Tryton.

use std::{fmt, sync::OnceLock};

use jiff::civil::DateTime;

use crate::tryton::access::Permit;

/// Text that never shows in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one place that compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// A row of `res_user`.
#[derive(Debug)]
pub struct User {
    /// Id.
    pub id: i32,
    /// Login.
    pub login: String,
    /// Name that Tryton shows.
    pub name: Option<String>,
    /// May sign in.
    pub active: bool,
    /// Hash of the password; empty ones are `None`.
    pub password_hash: Option<Secret>,
    /// Code of a password reset, and until when it is valid (UTC).
    pub(super) reset: Option<(Secret, DateTime)>,
    /// Code of the language, when the user chose one.
    pub language: Option<String>,
    /// Current company.
    pub company: Option<i32>,
    /// Time zone of the current company.
    pub timezone: Option<String>,
    /// Current employee.
    pub employee: Option<i32>,
    /// `one`, `all` or nothing.
    pub company_filter: Option<String>,
    /// Companies of the user.
    pub companies: Vec<i32>,
    /// Employees of the user.
    pub employees: Vec<i32>,
    /// Groups that the user is put in directly, in order of id.
    pub direct_groups: Vec<i32>,
    /// The row as an object without its secrets (6.0 only: record rules may use it).
    pub(in crate::tryton) record: Option<serde_json::Value>,
    /// Rights, worked out when first needed.
    pub(in crate::tryton) permit: OnceLock<Permit>,
}

impl User {
    /// Code of a password reset that is still valid at `now` (UTC).
    pub fn reset_code(&self, now: DateTime) -> Option<&Secret> {
        self.reset.as_ref().filter(|(_, until)| now < *until).map(|(code, _)| code)
    }

    /// Companies that record rules see (semantics 5.3).
    pub fn rule_companies(&self) -> Vec<i32> {
        self.filtered(self.company, &self.companies)
    }

    /// Employees that record rules see.
    pub fn rule_employees(&self) -> Vec<i32> {
        self.filtered(self.employee, &self.employees)
    }

    fn filtered(&self, current: Option<i32>, all: &[i32]) -> Vec<i32> {
        match self.company_filter.as_deref() {
            Some("one") => current.into_iter().collect(),
            Some("all") => all.to_vec(),
            _ => Vec::new(),
        }
    }
}
