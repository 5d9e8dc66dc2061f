//! A session while its statements run.

use std::time::Duration;

use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Object, session::Session};

/// A session while its statements run. When it is dropped before the answer (the client went away, or waited too long),
/// the statement is cancelled and the session closed: a later cancellation could hit the statement of somebody else, and
/// a session that does not answer any more is none for the next one.
pub(super) struct Running(Option<(Object, MakeRustlsConnect)>);

impl Running {
    pub(super) fn new(session: Object, tls: MakeRustlsConnect) -> Self {
        Self(Some((session, tls)))
    }

    pub(super) fn session(&self) -> &Session {
        &self.0.as_ref().expect("the session is there until the value is dropped").0
    }

    pub(super) fn session_mut(&mut self) -> &mut Session {
        &mut self.0.as_mut().expect("the session is there until the value is dropped").0
    }

    /// The answer has come: the session goes back to the pool.
    pub(super) fn finished(mut self) {
        self.0 = None;
    }

    /// The server has ended it.
    pub(super) fn ended(mut self) {
        if let Some((session, _)) = self.0.take() {
            drop(Object::take(session));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((session, tls)) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let client = Object::take(session);
            let token = client.cancel_token();
            runtime.spawn(async move {
                let cancel = token.cancel_query(tls);
                let _ = tokio::time::timeout(Duration::from_secs(5), cancel).await;
                drop(client);
            });
        }
    }
}
