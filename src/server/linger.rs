//! A connection that is closed so that the last answer arrives.
//!
//! A socket closed with unread bytes in it makes the operating system reset the connection, and the client loses the
//! answer that refused these bytes (413, 431, 400). So the sending side is closed first, and what still comes is read and
//! thrown away for a moment (<https://www.rfc-editor.org/rfc/rfc9112#section-9.6>).

use std::{
    io::{IoSlice, Result},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    runtime::Handle,
    sync::OwnedSemaphorePermit,
};

const TIME: Duration = Duration::from_secs(1);
const BYTES: usize = 1 << 20;

/// A stream with its place among the connections.
pub(super) struct Lingering {
    stream: Option<(TcpStream, OwnedSemaphorePermit)>,
    /// The client has closed its side: nothing more can come.
    ended: bool,
}

impl Lingering {
    pub(super) fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        Self { stream: Some((stream, place)), ended: false }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        let (stream, _) = self.stream.as_mut().expect("only drop takes the stream");
        Pin::new(stream)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if !self.ended
            && let Some((mut stream, place)) = self.stream.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(TIME, async {
                    stream.shutdown().await?;
                    let mut buffer = [0; 4096];
                    let mut total = 0;
                    while total < BYTES {
                        match stream.read(&mut buffer).await? {
                            0 => break,
                            read => total += read,
                        }
                    }
                    Result::Ok(())
                })
                .await;
                drop(place);
            });
        }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(self.stream().poll_read(context, buffer));
        self.ended |= read.is_err() || (buffer.filled().len() == before && buffer.remaining() > 0);
        Poll::Ready(read)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream().poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.stream().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
