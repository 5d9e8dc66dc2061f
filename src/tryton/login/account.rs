//! The user behind a login, as the database has it now.

use crate::{
    error::Result,
    sql::Fragment,
    store::{Class, Store},
};

use super::UserId;

/// An active user. Empty texts count as none.
pub(super) struct Account {
    /// Id.
    pub(super) id: UserId,
    /// Stored password hash.
    pub(super) hash: Option<String>,
    /// Reset code, when it is valid now.
    pub(super) reset: Option<String>,
}

impl Account {
    /// The active user with exactly this login.
    pub(super) async fn load(store: &Store, login: &str) -> Result<Option<Self>> {
        let statement = Fragment::raw(
            "SELECT id, nullif(password_hash, ''),
                CASE WHEN password_reset_expire > timezone('UTC', CURRENT_TIMESTAMP) THEN nullif(password_reset, '') END
             FROM res_user WHERE active AND login = ",
        )
        .bind(login)
        .finish();
        let rows = store.rows(Class::SignIn.to("account"), &statement).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Self { id: row.column(0)?, hash: row.column(1)?, reset: row.column(2)? }))
    }
}
