//! Counts requests by route, method and status, and how long they took, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::exposition::{Exposition, Kind};
use crate::parts::Shared;

/// Upper bounds of the buckets, in seconds.
const BUCKETS_SECONDS: [f64; 10] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Requests so far. Bounded: routes and methods are a fixed set, and what matches none shares one row.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<BTreeMap<(String, &'static str, u16), Row>>);

#[derive(Debug, Clone, Copy, Default)]
struct Row {
    count: u64,
    seconds: f64,
    buckets: [u64; BUCKETS_SECONDS.len()],
}

/// Counts one request.
pub(crate) async fn count(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = method_name(request.method());
    let begun = Instant::now();
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    // The route and not the path: a query may hold an intake key.
    tracing::debug!(method, route, status, took_ms = took.as_millis(), "answered {method} {route} with {status}");
    shared.traffic.add(route, method, status, took);
    response
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

impl Traffic {
    fn add(&self, route: String, method: &'static str, status: u16, took: Duration) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry((route, method, status)).or_default();
        let seconds = took.as_secs_f64();
        row.count += 1;
        row.seconds += seconds;
        for (bucket, bound) in row.buckets.iter_mut().zip(BUCKETS_SECONDS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// Writes the two families.
    pub(crate) fn expose(&self, out: &mut Exposition) {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        out.family("tidegate_http_requests_total", Kind::Counter, "Requests answered.");
        for ((route, method, status), row) in &rows {
            out.sample(&[("route", route), ("method", method), ("status", &status.to_string())], row.count);
        }
        let help = "Seconds until the answer's headers were ready.";
        out.family("tidegate_http_request_duration_seconds", Kind::Histogram, help);
        let mut sums: BTreeMap<(&str, &str), Row> = BTreeMap::new();
        for ((route, method, _), row) in &rows {
            let sum = sums.entry((route, method)).or_default();
            sum.count += row.count;
            sum.seconds += row.seconds;
            sum.buckets.iter_mut().zip(row.buckets).for_each(|(sum, count)| *sum += count);
        }
        for ((route, method), row) in sums {
            let labels = [("route", route), ("method", method)];
            for (count, bound) in row.buckets.iter().zip(BUCKETS_SECONDS) {
                out.suffixed("_bucket", &[labels[0], labels[1], ("le", &bound.to_string())], count);
            }
            out.suffixed("_bucket", &[labels[0], labels[1], ("le", "+Inf")], row.count);
            out.suffixed("_sum", &labels, row.seconds);
            out.suffixed("_count", &labels, row.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let traffic = Traffic::default();
        traffic.add("/x".into(), "GET", 200, Duration::from_millis(30));
        traffic.add("/x".into(), "GET", 500, Duration::from_secs(100));
        let mut out = Exposition::default();
        traffic.expose(&mut out);
        let text = out.into_text();
        for line in [
            r#"tidegate_http_requests_total{route="/x",method="GET",status="500"} 1"#,
            r#"tidegate_http_request_duration_seconds_bucket{route="/x",method="GET",le="0.02"} 0"#,
            r#"tidegate_http_request_duration_seconds_bucket{route="/x",method="GET",le="0.05"} 1"#,
            r#"tidegate_http_request_duration_seconds_bucket{route="/x",method="GET",le="+Inf"} 2"#,
            r#"tidegate_http_request_duration_seconds_count{route="/x",method="GET"} 2"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
