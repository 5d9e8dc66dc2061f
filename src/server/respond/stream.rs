//! Bodies of responses: whole ones, and contents that are sent as they are read.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::{error::Error, interaction::Content, server::activity::Activity};

/// A body on its way out.
#[derive(Default)]
pub(in crate::server) enum Body {
    /// Nothing, or nothing more.
    #[default]
    Empty,
    /// All of it.
    Whole(Bytes),
    /// A content with what is left of it, if that is known.
    Pieces(Box<Content>, Option<u64>, Option<Arc<Activity>>),
}

impl Body {
    /// A content.
    pub(super) fn pieces(content: Content) -> Self {
        let length = content.length;
        Self::Pieces(Box::new(content), length, None)
    }

    /// Lets every piece count as activity of the connection.
    pub(in crate::server) fn keeping(self, activity: &Arc<Activity>) -> Self {
        match self {
            Self::Pieces(content, left, _) => Self::Pieces(content, left, Some(Arc::clone(activity))),
            other => other,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let body = self.get_mut();
        match body {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                *body = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Pieces(content, left, activity) => {
                let Poll::Ready(piece) = content.pieces.as_mut().poll_next(context) else {
                    return Poll::Pending;
                };
                drop(activity.as_ref().map(Activity::begin));
                Poll::Ready(piece.map(|piece| {
                    let piece = piece.inspect_err(|error| {
                        tracing::warn!(cause = error.logged_cause(), "a content was not sent to its end");
                    })?;
                    *left = left.map(|left| left.saturating_sub(piece.len() as u64));
                    Ok(Frame::data(piece))
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_, left, _) => left.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}
