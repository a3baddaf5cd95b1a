//! Tells a sender the ids of its events.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidegate_event::{EventId, NodeId};
use tidegate_journal::Receipt;
use utoipa::ToSchema;
use uuid::Uuid;

/// Ids written into one piece of an answer; a longer answer is made while it is sent.
const IDS_A_PIECE: usize = 4096;

/// The answer to one record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneId {
    /// The id of the event; `null` when the body held no record.
    #[schema(value_type = Option<Uuid>)]
    pub(crate) event_id: Option<String>,
}

/// The answer to a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManyIds {
    /// The ids of the events, one a record, in the order of the records.
    event_ids: Vec<Uuid>,
}

/// The receipts of a body and which of them each record belongs to; with one receipt, all belong to it.
#[derive(Debug)]
pub(crate) struct Receipts {
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) of: Option<Vec<u16>>,
}

impl Receipts {
    pub(crate) const NONE: Self = Self { receipts: Vec::new(), of: None };

    /// The id of every record, in order.
    fn ids(self, node: NodeId) -> impl Iterator<Item = EventId> + Send + 'static {
        let Self { receipts, of } = self;
        let records = match &of {
            Some(of) => of.len(),
            None => receipts.first().map_or(0, |receipt| receipt.records as usize),
        };
        let mut next = vec![0_u32; receipts.len()];
        (0..records).map(move |record| {
            let which = of.as_ref().map_or(0, |of| usize::from(of[record]));
            let receipt = &receipts[which];
            let index = next[which];
            next[which] += 1;
            EventId::new(node, receipt.position, receipt.received, index)
        })
    }
}

/// `{"event_id":"…"}`.
pub(crate) fn one(receipts: Receipts, node: NodeId) -> Response {
    let event_id = receipts.ids(node).next().map(|id| id.to_string());
    axum::Json(OneId { event_id }).into_response()
}

/// `{"event_ids":["…", …]}`.
pub(crate) fn many(receipts: Receipts, node: NodeId) -> Response {
    let mut pieces = Pieces { ids: receipts.ids(node), begun: false, ended: false };
    let first = pieces.next().unwrap_or_default();
    let body = if pieces.ended {
        Body::from(first)
    } else {
        let all = std::iter::once(first).chain(pieces);
        Body::from_stream(futures::stream::iter(all.map(Ok::<_, Infallible>)))
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The text of the answer, a bounded piece at a time.
struct Pieces<I> {
    ids: I,
    begun: bool,
    ended: bool,
}

impl<I: Iterator<Item = EventId>> Iterator for Pieces<I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut piece = Vec::with_capacity(IDS_A_PIECE.min(self.ids.size_hint().0 + 1) * 39 + 16);
        if !self.begun {
            piece.extend_from_slice(br#"{"event_ids":["#);
        }
        for written in 0.. {
            if written == IDS_A_PIECE {
                return Some(piece.into());
            }
            let Some(id) = self.ids.next() else { break };
            if self.begun {
                piece.push(b',');
            }
            self.begun = true;
            piece.push(b'"');
            piece.extend_from_slice(id.as_uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
            piece.push(b'"');
        }
        self.ended = true;
        piece.extend_from_slice(b"]}");
        Some(piece.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tidegate_event::{Position, Timestamp};

    const NODE: NodeId = NodeId(Uuid::from_u128(7));

    fn receipt(position: u64, records: u32) -> Receipt {
        let received = Timestamp::from_micros(1_700_000_000_000_000);
        Receipt { position: Position(position), received, records, duplicate: false }
    }

    async fn text(response: Response) -> serde_json::Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn ids_are_in_order_whatever_their_number() {
        for records in [0_u32, 1, 4095, 4096, 4097, 10_000] {
            let answer = text(many(Receipts { receipts: vec![receipt(3, records)], of: None }, NODE)).await;
            let ids = answer["event_ids"].as_array().unwrap();
            assert_eq!(ids.len(), records as usize);
            assert!(ids.is_sorted_by(|left, right| left.as_str() < right.as_str()));
        }
        assert_eq!(text(many(Receipts::NONE, NODE)).await, serde_json::json!({"event_ids": []}));
    }

    #[tokio::test]
    async fn one_record_has_one_id() {
        let answer = text(one(Receipts { receipts: vec![receipt(3, 1)], of: None }, NODE)).await;
        assert_eq!(answer["event_id"], EventId::new(NODE, Position(3), receipt(3, 1).received, 0).to_string());
        assert_eq!(text(one(Receipts::NONE, NODE)).await, serde_json::json!({"event_id": null}));
    }

    #[tokio::test]
    async fn records_of_several_intakes_keep_the_order_of_the_body() {
        let receipts = vec![receipt(3, 2), receipt(4, 1)];
        let at = receipts[0].received;
        let answer = text(many(Receipts { receipts, of: Some(vec![0, 1, 0]) }, NODE)).await;
        let expected =
            [(3, 0), (4, 0), (3, 1)].map(|(at_, index)| EventId::new(NODE, Position(at_), at, index).to_string());
        assert_eq!(answer["event_ids"], serde_json::json!(expected));
    }
}
