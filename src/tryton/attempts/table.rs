//! Failures in Tryton's table. The time is that of the database, as for Tryton's own rows.

use crate::{
    error::Result,
    sql::{Fragment, Statement},
    store::{Class, Store, WriteError},
};

use super::{Network, Options};

/// Failures that count now.
pub(super) struct Count {
    /// Of the network.
    pub(super) network: u64,
    /// Seconds until the network is below its limit.
    pub(super) network_wait: u32,
    /// Of the login.
    pub(super) login: u64,
    /// Seconds until the login is below its limit, after one more failure now.
    pub(super) login_wait: u32,
    /// The login has rows, of whatever age.
    pub(super) traces: bool,
}

/// The role may write, and number the rows it writes: Tryton 6.0 does that from a sequence.
pub(super) async fn writable(store: &Store) -> Result<bool> {
    let statement = Fragment::raw(
        "SELECT coalesce(NOT pg_is_in_recovery()
            AND has_table_privilege(name, 'SELECT')
            AND has_table_privilege(name, 'INSERT')
            AND has_table_privilege(name, 'DELETE')
            AND (identity OR coalesce(has_sequence_privilege(sequence, 'USAGE'), true)), false)
         FROM (SELECT to_regclass('res_user_login_attempt') AS name,
                to_regclass('res_user_login_attempt_id_seq') AS sequence) AS found,
            LATERAL (SELECT EXISTS (SELECT FROM pg_attribute
                WHERE attrelid = name AND attname = 'id' AND attidentity <> '') AS identity) AS numbered",
    );
    let rows = store.rows(Class::SignIn, &statement.finish()).await?;
    rows.first().map_or(Ok(false), |row| row.column(0))
}

pub(super) async fn count(store: &Store, options: &Options, login: &str, network: &Network) -> Result<Count> {
    let rows =
        store.rows(Class::SignIn.to("count failed sign-ins"), &counting(options, login, network)).await?;
    let row = rows.first().ok_or_else(|| crate::error::Error::new(&crate::error::INTERNAL))?;
    let number = |index| row.column::<i64>(index).map(|number| u64::try_from(number).unwrap_or(0));
    let wait = |index| {
        let seconds = row.column::<Option<i64>>(index)?.unwrap_or(1).max(1);
        Ok::<_, crate::error::Error>(u32::try_from(seconds).unwrap_or(u32::MAX))
    };
    Ok(Count {
        network: number(0)?,
        network_wait: wait(1)?,
        login: number(2)?,
        login_wait: wait(3)?,
        traces: row.column(4)?,
    })
}

/// Both limits fall when the oldest failure beyond them leaves the window: the (limit + 1)th newest of the network,
/// and of the login, which gets one more row by the refusal, the one that is the limit-th newest now.
fn counting(options: &Options, login: &str, network: &Network) -> Statement {
    let window = options.window.as_secs_f64();
    Fragment::raw("WITH now AS (SELECT timezone('UTC', CURRENT_TIMESTAMP) AS at, make_interval(secs => ")
        .bind(window)
        .text(
            ") AS span),
            of_network AS (SELECT create_date FROM res_user_login_attempt, now
                WHERE create_date >= now.at - now.span AND ip_network = ",
        )
        .bind(network.text())
        .text("), of_login AS (SELECT create_date FROM res_user_login_attempt WHERE device_cookie IS NULL AND login = ")
        .bind(login)
        .text(
            "), recent AS (SELECT create_date FROM of_login, now WHERE create_date >= now.at - now.span)
            SELECT (SELECT count(*) FROM of_network),
                (SELECT ceil(extract(epoch FROM create_date + now.span - now.at))::int8
                    FROM of_network ORDER BY create_date DESC LIMIT 1 OFFSET ",
        )
        .bind(i64::from(options.per_network))
        .text(
            "), (SELECT count(*) FROM recent),
                (SELECT ceil(extract(epoch FROM create_date + now.span - now.at))::int8
                    FROM recent ORDER BY create_date DESC LIMIT 1 OFFSET ",
        )
        .bind(i64::from(options.per_login.saturating_sub(1)))
        .text("), EXISTS (SELECT FROM of_login) FROM now")
        .finish()
}

/// Removes every failure that no longer counts, of any login, and adds one.
pub(super) async fn insert(
    store: &Store,
    options: &Options,
    login: &str,
    network: &Network,
) -> Result<(), WriteError> {
    let prune = Fragment::raw(
        "DELETE FROM res_user_login_attempt WHERE create_date < timezone('UTC', CURRENT_TIMESTAMP) - make_interval(secs => ",
    )
    .bind(options.window.as_secs_f64())
    .text(")");
    let insert = Fragment::raw(
        "INSERT INTO res_user_login_attempt (login, ip_address, ip_network, create_uid, create_date) VALUES (",
    )
    .bind(login)
    .text(", ")
    .bind(network.address())
    .text(", ")
    .bind(network.text())
    .text(", 0, timezone('UTC', CURRENT_TIMESTAMP))");
    store.write(Class::SignIn, &[prune.finish(), insert.finish()]).await.map(drop)
}

pub(super) async fn delete(store: &Store, login: &str) -> Result<(), WriteError> {
    let statement =
        Fragment::raw("DELETE FROM res_user_login_attempt WHERE device_cookie IS NULL AND login = ")
            .bind(login)
            .finish();
    store.write(Class::SignIn, &[statement]).await.map(drop)
}
