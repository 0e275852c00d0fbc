//! The event-stream driver, for where a WebSocket does not get through. It only tells; what the visitor says goes by
//! POST.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{
    IntoResponse, Response, Sse,
    sse::{Event, KeepAlive},
};
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue, header};
use neoron_protocol::SessionId;
use neoron_store::Cursor;
use tokio::sync::watch;

use super::{
    feed::{self, Feed, Frame},
    socket::going_away,
};
use crate::{app::App, http::problem::Refusal, metrics::Open};

/// Where a reader is, as the browser sends it back.
const LAST_EVENT_ID: &str = "last-event-id";
/// A comment keeps proxies from closing what is silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers with the stream.
///
/// # Errors
/// 503 if the store fails.
pub(super) async fn run(app: Arc<App>, session: SessionId, headers: &HeaderMap) -> Result<Response, Refusal> {
    let cursor = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(cursor).unwrap_or_default();
    let feed = Feed::open(app.store.clone(), app.clock.clone(), session, cursor).await?;
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(events(app, feed)).keep_alive(keep_alive).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `<epoch>:<offset>`; anything else is a reader without a past.
fn cursor(id: &str) -> Cursor {
    let read = |(epoch, offset): (&str, &str)| Some(Cursor { epoch: epoch.to_owned(), offset: offset.parse().ok()? });
    id.split_once(':').filter(|(epoch, _)| epoch.len() <= 64).and_then(read).unwrap_or_default()
}

struct Reader {
    app: Arc<App>,
    feed: Feed,
    leaving: watch::Receiver<bool>,
    waiting: std::vec::IntoIter<Frame>,
    over: bool,
    _open: Open,
}

fn events(app: Arc<App>, feed: Feed) -> impl Stream<Item = Result<Event, Infallible>> {
    let reader = Reader {
        leaving: app.local.leaving.subscribe(),
        _open: Open::in_gauge(&app.metrics.connections),
        waiting: Vec::new().into_iter(),
        over: false,
        feed,
        app,
    };
    stream::unfold(reader, |mut reader| async move { reader.next().await.map(|event| (Ok(event), reader)) })
}

impl Reader {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(frame) = self.waiting.next() {
                let id = format!("{}:{}", frame.after.epoch, frame.after.offset);
                return Some(Event::default().id(id).data(frame.text));
            }
            if self.over {
                return None;
            }
            tokio::select! {
                biased;
                () = self.app.local.stop.cancelled() => return Some(self.farewell()),
                Ok(()) = self.leaving.changed() => return Some(self.farewell()),
                // A store that fails ends the stream; the browser comes back by itself.
                frames = self.feed.next() => self.waiting = frames.ok().flatten()?.into_iter(),
            }
        }
    }

    /// The last event. It has no id: the reader's place stays what it was.
    fn farewell(&mut self) -> Event {
        self.over = true;
        Event::default().data(feed::outside(self.feed.epoch(), self.app.now(), going_away(&self.app)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_leads_back_to_its_cursor() {
        assert_eq!(cursor("00ff:7"), Cursor { epoch: "00ff".into(), offset: 7 });
        for other in ["", "7", "a:b", "a:-1", ":"] {
            assert_eq!(cursor(other), Cursor::default(), "{other}");
        }
    }
}
