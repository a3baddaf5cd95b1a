//! What the server says about itself.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::error::ErrorBody;
use crate::health::journal_trouble;
use crate::parts::Shared;

/// The server at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The program's version.
    version: &'static str,
    /// When the server was started.
    started: String,
    /// Seconds since then.
    uptime_seconds: u64,
    /// The id of the data directory.
    node: String,
    /// What is wrong at the moment, a sentence each.
    troubles: Vec<String>,
    /// The journal's figures.
    journal: JournalStatus,
    /// Batches refused since the start, by reason.
    refused: BTreeMap<&'static str, u64>,
    /// Figures of the store, the pipeline and the queries; their meaning is that of `/metrics`.
    figures: BTreeMap<&'static str, f64>,
}

/// The journal's figures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JournalStatus {
    /// Bytes of disk that its segments occupy.
    bytes: u64,
    /// Segments that hold batches.
    segments: u64,
    /// The last batch on disk.
    last_position: u64,
    /// The last batch of which every event is in the table.
    committed_position: u64,
    /// Bytes that wait for the disk.
    queued_bytes: u64,
    /// Batches recognised as sent again.
    duplicates: u64,
    /// Damaged ranges that were set aside.
    quarantined: u64,
}

/// Says how the server is doing.
#[utoipa::path(
    get, path = "/status", tag = "status", operation_id = "status",
    responses((status = 200, body = Status), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(State(shared): State<Shared>, _: Viewer) -> Json<Status> {
    let readings = shared.gauges.read();
    let mut troubles = readings.troubles;
    troubles.extend(journal_trouble(&shared));
    let journal = shared.journal.stats();
    Json(Status {
        version: shared.version,
        started: shared.started.to_rfc3339(),
        uptime_seconds: shared.clock.elapsed().as_secs(),
        node: shared.journal.node().0.to_string(),
        troubles,
        journal: JournalStatus {
            bytes: journal.bytes,
            segments: journal.segments as u64,
            last_position: journal.last.0,
            committed_position: journal.committed.0,
            queued_bytes: journal.queued_bytes as u64,
            duplicates: journal.duplicates,
            quarantined: journal.quarantined,
        },
        refused: shared.intakes.refusals.totals().collect(),
        figures: readings.figures.into_iter().map(|figure| (figure.name, figure.value)).collect(),
    })
}
