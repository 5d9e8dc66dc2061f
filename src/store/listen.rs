//! Notifications of PostgreSQL (`LISTEN`).

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    task::Poll,
};

use tokio_postgres::AsyncMessage;

use super::{Store, database_error, unavailable};
use crate::{error::Result, sql::Fragment};

impl Store {
    /// There is a session to listen with; a store with few sessions has none to spare.
    pub fn listens(&self) -> bool {
        self.listener.is_some()
    }

    /// Calls `heard` once the session listens, since what was sent before is lost, and then for each notification on
    /// `channel`; returns when the session has ended.
    ///
    /// # Errors
    /// The session cannot be opened, may not listen (a replica cannot), or is lost.
    pub async fn listen(&self, channel: &str, heard: impl Fn()) -> Result<()> {
        let Some(servers) = &self.listener else { return Ok(()) };
        let (client, mut connection) = servers.connect().await.map_err(unavailable)?;
        let listen = Fragment::raw("LISTEN ").ident(channel).finish().text;
        let mut answer = pin!(client.batch_execute(&listen));
        let mut listening = false;
        let session = poll_fn(|context| {
            loop {
                // The answer comes through the connection: each is looked at until neither has anything more.
                if !listening && let Poll::Ready(answer) = answer.as_mut().poll(context) {
                    if let Err(error) = answer {
                        return Poll::Ready(Err(error));
                    }
                    listening = true;
                    heard();
                }
                match connection.poll_message(context) {
                    Poll::Ready(Some(Ok(AsyncMessage::Notification(_)))) => heard(),
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        session.await.map_err(database_error)
    }
}
