//! Everything that matches, as a stream of bytes.

mod csv;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::prelude::ident;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tidegate_store::Schema;
use tidegate_store::decode::Decoder;
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::error::Error;
use crate::run::{Job, Reading, Task, prepare};
use crate::scope::Scope;
use crate::search::{Search, columns_of};

/// Chunks that wait for a slow reader.
const CHUNKS_WAITING_MAX: usize = 4;
/// Size at which a chunk goes out.
const CHUNK_BYTES: usize = 256 << 10;

/// What to export and how.
#[derive(Clone, Debug)]
pub struct Export {
    /// The events.
    pub scope: Scope,
    /// How they are written.
    pub format: Format,
    /// The fields, in this order where the format has one; `None` for all.
    pub fields: Option<Vec<String>>,
    /// Only so many, the newest first; `None` for all. At most [`LIMIT_MAX`](crate::LIMIT_MAX).
    pub limit: Option<usize>,
}

/// How exported events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One nested JSON object a line.
    Ndjson,
    /// RFC 4180 with a header row: lines end with CR LF, a value with a comma, a quote or a line end is quoted. Lists
    /// and objects are JSON. Values are exact, so a spreadsheet may take one that starts with `=`, `+`, `-` or `@` for
    /// a formula: for spreadsheets take [`Spreadsheet`](Self::Spreadsheet).
    Csv,
    /// As [`Csv`](Self::Csv), but text that a spreadsheet could take for a formula gets a leading `'`.
    Spreadsheet,
}

/// The bytes of an export. Dropping it stops the work.
pub struct ExportStream {
    chunks: mpsc::Receiver<Result<Bytes, Error>>,
    /// Held for its drop.
    _task: Task<()>,
}

impl Stream for ExportStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_recv(context)
    }
}

impl std::fmt::Debug for ExportStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportStream").finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts an export of everything that matches. Events come in the order of the table's files, which is roughly
    /// that of their receipt; memory stays bounded however many there are, and a slow reader slows the work down.
    /// With a limit they are those of [`search`](Self::search).
    ///
    /// # Errors
    /// When the query, a field or the limit is wrong. Later failures are the last item of the stream.
    pub async fn export(&self, export: Export) -> Result<ExportStream, Error> {
        if let Some(limit) = export.limit {
            return self.export_newest(export, limit).await;
        }
        let job = self.job();
        let condition = export.scope.condition(&job.fields)?;
        let columns = export.fields.as_ref().map(|names| columns_of(names, &job.fields)).transpose()?;
        let writer = Writer::new(&job, &export);
        let prepared = self
            .run(async move {
                // Every column is wanted, so the fewer rows are decoded the better.
                let mut frame = job.frame(Reading::Lookup, condition)?;
                if let Some(columns) = columns {
                    frame = frame.select(columns.iter().map(ident))?;
                }
                prepare(frame).await
            })
            .await?;
        let (sender, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
        let task = Task::spawn(self.handle(), async move {
            let failed = async {
                let mut out = writer.header();
                let mut rows = prepared.stream()?;
                while let Some(batch) = rows.next().await {
                    let batch = batch?;
                    let mut row = 0;
                    while row < batch.num_rows() {
                        row = writer.rows(&batch, row, &mut out);
                        if out.len() >= CHUNK_BYTES && sender.send(Ok(std::mem::take(&mut out).into())).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                // Whoever closed the stream wants no more.
                let _ = sender.send(Ok(out.into())).await;
                Ok::<(), Error>(())
            };
            if let Err(error) = failed.await {
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(ExportStream { chunks, _task: task })
    }

    async fn export_newest(&self, export: Export, limit: usize) -> Result<ExportStream, Error> {
        let writer = Writer::new(&self.job(), &export);
        let search = Search { scope: export.scope, limit, fields: export.fields, ..Search::default() };
        let found = self.search(search).await?;
        if found.partial {
            return Err(Error::Timeout(self.options().timeout));
        }
        let (sender, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
        let task = Task::spawn(self.handle(), async move {
            let mut out = writer.header();
            for row in found.rows {
                writer.event(row.event.get().as_bytes(), &mut out);
                if out.len() >= CHUNK_BYTES && sender.send(Ok(std::mem::take(&mut out).into())).await.is_err() {
                    return;
                }
            }
            // Whoever closed the stream wants no more.
            let _ = sender.send(Ok(out.into())).await;
        });
        Ok(ExportStream { chunks, _task: task })
    }
}

/// Writes batches in a format.
struct Writer {
    schema: Arc<Schema>,
    format: Format,
    fields: Option<Vec<String>>,
    /// The columns of a CSV file.
    columns: Vec<String>,
}

impl Writer {
    fn new(job: &Job, export: &Export) -> Self {
        let all = || job.fields.iter().map(|field| field.name.clone()).collect();
        Self {
            schema: Arc::clone(&job.snapshot.schema),
            format: export.format,
            fields: export.fields.clone(),
            columns: export.fields.clone().unwrap_or_else(all),
        }
    }

    fn header(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(CHUNK_BYTES);
        if self.format != Format::Ndjson {
            csv::write_header(&self.columns, &mut out);
        }
        out
    }

    /// Writes rows from `row` on until a chunk is full; the row to go on with.
    fn rows(&self, batch: &RecordBatch, mut row: usize, out: &mut Vec<u8>) -> usize {
        let decoder = match &self.fields {
            None => Decoder::new(&self.schema, &batch.schema()),
            Some(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Decoder::with_names(&self.schema, &batch.schema(), &names)
            }
        };
        let mut json = Vec::new();
        while row < batch.num_rows() && out.len() < CHUNK_BYTES {
            json.clear();
            decoder.row(batch, row, &mut json);
            self.event(&json, out);
            row += 1;
        }
        row
    }

    /// Writes one event, given as nested JSON.
    fn event(&self, json: &[u8], out: &mut Vec<u8>) {
        if self.format == Format::Ndjson {
            out.extend_from_slice(json);
            out.push(b'\n');
        } else {
            csv::write_row(&self.columns, json, self.format == Format::Spreadsheet, out);
        }
    }
}
