//! `/metrics`: what the server and the rooms below it count, for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tidegate_event::{IntakeId, Timestamp};

use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::exposition::{Exposition, Kind};
use crate::logpush::{LogpushJob, LogpushOverview, LogpushState};
use crate::parts::Shared;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Figures in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(State(shared): State<Shared>, _: Viewer) -> Result<Response, ApiError> {
    let mut out = Exposition::default();
    process(&shared, &mut out);
    taken(&shared, &mut out);
    processed(&shared, &mut out);
    journal(&shared, &mut out);
    if shared.logpush.is_some() {
        let arrived = shared.arrivals();
        jobs(&shared.cloudflare(move |side| Ok(side.overview(&arrived))).await?, &mut out);
    }
    others(&shared, &mut out);
    shared.traffic.expose(&mut out);
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], out.into_text()).into_response())
}

fn process(shared: &Shared, out: &mut Exposition) {
    out.family("tidegate_build_info", Kind::Gauge, "The program's version.").sample(&[("version", shared.version)], 1);
    let started = shared.started.as_micros() as f64 / 1e6;
    out.family("tidegate_start_time_seconds", Kind::Gauge, "When the server was started.").sample(&[], started);
}

/// What the intake acknowledged.
fn taken(shared: &Shared, out: &mut Exposition) {
    let rows: Vec<_> =
        shared.intakes.tally.snapshot().into_iter().map(|(id, taken)| (intake_name(shared, id), taken)).collect();
    let mut family = |name, help, value: fn(&crate::intake::Taken) -> u64| {
        out.family(name, Kind::Counter, help);
        for (name, taken) in &rows {
            out.sample(&[("intake", name)], value(taken));
        }
    };
    family("tidegate_intake_batches_total", "Batches acknowledged.", |taken| taken.batches);
    family("tidegate_intake_repeated_batches_total", "Batches sent again and not stored again.", |taken| {
        taken.repeated
    });
    family("tidegate_intake_records_total", "Records in the batches stored.", |taken| taken.records);
    family("tidegate_intake_bytes_total", "Bytes of batches as sent.", |taken| taken.bytes);
    family("tidegate_intake_text_bytes_total", "Bytes of batches without their compression.", |taken| taken.text_bytes);
    out.family("tidegate_intake_refused_total", Kind::Counter, "Batches refused.");
    for (reason, count) in shared.intakes.refusals.totals() {
        out.sample(&[("reason", reason)], count);
    }
}

/// What became of the records.
fn processed(shared: &Shared, out: &mut Exposition) {
    let rows: Vec<_> =
        shared.counters.snapshot().into_iter().map(|(id, counts)| (intake_name(shared, id), counts)).collect();
    out.family("tidegate_intake_events_total", Kind::Counter, "Records by what became of them.");
    for (name, counts) in &rows {
        for (status, count) in [
            ("valid", counts.valid),
            ("warning", counts.warning),
            ("invalid", counts.invalid),
            ("duplicate", counts.duplicates),
        ] {
            out.sample(&[("intake", name), ("status", status)], count);
        }
    }
    let help = "Receipt time minus newest event time of the last batch.";
    out.family("tidegate_intake_delivery_lag_seconds", Kind::Gauge, help);
    for (name, counts) in &rows {
        if let Some(lag) = counts.lag_micros {
            out.sample(&[("intake", name)], lag as f64 / 1e6);
        }
    }
    let seconds = |time: Timestamp| time.as_micros() as f64 / 1e6;
    out.family("tidegate_intake_last_batch_time_seconds", Kind::Gauge, "Receipt time of the last batch.");
    for (name, counts) in &rows {
        if let Some(last) = counts.last_batch {
            out.sample(&[("intake", name)], seconds(last));
        }
    }
    out.family("tidegate_intake_last_event_time_seconds", Kind::Gauge, "Newest event time seen.");
    for (name, counts) in &rows {
        if let Some(last) = counts.last_event {
            out.sample(&[("intake", name)], seconds(last));
        }
    }
}

fn journal(shared: &Shared, out: &mut Exposition) {
    let stats = shared.journal.stats();
    let mut gauge = |name, help, value: u64| {
        out.family(name, Kind::Gauge, help).sample(&[], value);
    };
    gauge("tidegate_journal_bytes", "Bytes of disk that the segments occupy.", stats.bytes);
    gauge("tidegate_journal_segments", "Segments that hold batches.", stats.segments as u64);
    gauge("tidegate_journal_last_position", "The last batch on disk.", stats.last.0);
    gauge("tidegate_journal_committed_position", "The last batch that is in the table.", stats.committed.0);
    gauge("tidegate_journal_queued_bytes", "Bytes that wait for the disk.", stats.queued_bytes as u64);
    gauge("tidegate_journal_receipts", "Receipts held to recognise batches sent again.", stats.receipts as u64);
    let mut counter = |name, help, value: u64| {
        out.family(name, Kind::Counter, help).sample(&[], value);
    };
    counter("tidegate_journal_duplicates_total", "Batches answered with an earlier receipt.", stats.duplicates);
    let help = "Receipts forgotten before the dedupe window ended, because there were too many.";
    counter("tidegate_journal_receipts_evicted_total", help, stats.receipts_evicted);
    counter("tidegate_journal_quarantined_total", "Damaged ranges set aside.", stats.quarantined);
    counter("tidegate_journal_sync_failures_total", "Syncs of the disk that failed.", stats.sync_failures);
}

/// How the jobs at Cloudflare are.
fn jobs(overview: &LogpushOverview, out: &mut Exposition) {
    let help = "1 while an account or zone cannot be asked for its jobs.";
    out.family("tidegate_logpush_watch_failing", Kind::Gauge, help).sample(&[], u8::from(!overview.errors.is_empty()));
    let numbers: Vec<String> = overview.jobs.iter().map(|job| job.id.to_string()).collect();
    let mut family = |name, help, value: fn(&LogpushJob) -> Option<f64>| {
        out.family(name, Kind::Gauge, help);
        for (job, number) in overview.jobs.iter().zip(&numbers) {
            if let Some(value) = value(job) {
                let intake = job.intake.as_ref().map_or("", |intake| intake.name.as_str());
                let dataset = job.dataset.as_deref().unwrap_or_default();
                out.sample(&[("job", number.as_str()), ("dataset", dataset), ("intake", intake)], value);
            }
        }
    };
    family("tidegate_logpush_job_failing", "1 while the uploads of a job fail, or it is off or gone.", |job| {
        let ails = matches!(job.state, LogpushState::Failing | LogpushState::Disabled | LogpushState::Gone);
        Some(f64::from(u8::from(ails)))
    });
    family("tidegate_logpush_job_warnings", "What somebody should know of a job.", |job| {
        Some(job.warnings.len() as f64)
    });
    let help = "How far the logs that a job delivered last lie back.";
    family("tidegate_logpush_job_lag_seconds", help, |job| job.lag_seconds.map(|seconds| seconds as f64));
    let help = "Up to when a job delivered logs.";
    family("tidegate_logpush_job_last_complete_time_seconds", help, |job| {
        let time = Timestamp::parse_rfc3339(job.last_complete.as_deref()?).ok()?;
        Some(time.as_micros() as f64 / 1e6)
    });
}

fn others(shared: &Shared, out: &mut Exposition) {
    for figure in shared.gauges.read().figures {
        let kind = if figure.cumulative { Kind::Counter } else { Kind::Gauge };
        out.family(&format!("tidegate_{}", figure.name), kind, figure.help).sample(&[], figure.value);
    }
}

/// The intake's name; its id when it is not known, which then stays the same row.
fn intake_name(shared: &Shared, id: IntakeId) -> String {
    shared.state.intake(id).map_or_else(|| id.to_string(), |intake| intake.name.clone())
}
