//! The hash that is checked when the answer is known to be no, so that it comes no sooner than any other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    error::Result,
    sql::Fragment,
    store::{Class, Store},
    tryton::password::{Cost, Hash, ScryptCost},
};

/// How often the users are counted by scheme.
const RENEWAL: Duration = Duration::from_secs(600);

/// A hash that costs what most hashes of the database cost.
pub(super) struct Decoy(Arc<Mutex<State>>);

struct State {
    cost: Cost,
    renewed: Instant,
}

impl Decoy {
    pub(super) async fn open(store: &Store) -> Result<Self> {
        let cost = most_common(store).await?;
        Ok(Self(Arc::new(Mutex::new(State { cost, renewed: Instant::now() }))))
    }

    pub(super) fn hash(&self) -> Hash {
        Hash::decoy(self.0.lock().unwrap_or_else(PoisonError::into_inner).cost)
    }

    /// Counts again in the background: the check that happens to start it must not take longer for it.
    pub(super) fn refresh_when_old(&self, store: &Arc<Store>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.renewed.elapsed() < RENEWAL {
            return;
        }
        state.renewed = Instant::now();
        let (state, store) = (Arc::clone(&self.0), Arc::clone(store));
        tokio::spawn(async move {
            if let Ok(cost) = most_common(&store).await {
                state.lock().unwrap_or_else(PoisonError::into_inner).cost = cost;
            }
        });
    }
}

async fn most_common(store: &Store) -> Result<Cost> {
    let statement = Fragment::raw(
        "SELECT password_hash FROM res_user WHERE active AND password_hash <> '' ORDER BY id DESC LIMIT 1000",
    );
    let rows = store.rows(Class::SignIn, &statement.finish()).await?;
    let mut stored = Vec::with_capacity(rows.len());
    for row in &rows {
        stored.push(row.column::<&str>(0)?);
    }
    Ok(most_common_of(stored))
}

/// Quick hashes do not count: whoever has one is checked against the decoy as well.
fn most_common_of<'a>(stored: impl IntoIterator<Item = &'a str>) -> Cost {
    let mut counts = HashMap::new();
    for hash in stored.into_iter().filter_map(|stored| Hash::parse(stored).ok()) {
        if hash.cost() != Cost::Sha1 {
            *counts.entry(hash.cost()).or_insert(0_usize) += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or(Cost::Scrypt(ScryptCost::default()), |(cost, _)| cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_common_cost_wins() {
        let bcrypt = "$2a$05$3ZDiYUijwN1/oorAAFPI4OZiS6Xu7SFmJDs0KiwQINlzeMCYY4GYK";
        let scrypt =
            "$scrypt$ln=8,r=8,p=2$8J4T4vy/t5by/l+rVcoZow$VBaRhaZfuzLoGESdMd1CRBnt2BLpXkpWS3P5BYoBtxQ";
        let sha1 = "sha1$f4014b9a20b8b0b14b70eff2077fcbc13598eafb$";
        assert_eq!(most_common_of([scrypt, bcrypt, bcrypt, sha1, sha1, sha1, "junk"]), Cost::Bcrypt(5));
        assert_eq!(most_common_of([sha1]), Cost::Scrypt(ScryptCost::default()));
    }
}
