//! What no receiver can beat: undo the compression and skip through each record as JSON.

use std::io::Read;
use std::time::Instant;

use flate2::read::GzDecoder;
use serde::de::IgnoredAny;

use crate::BATCH_RECORDS;
use crate::supply::Supply;

/// Batches that are looked at.
const BATCHES: usize = 100;

/// Records a second on one core.
pub(crate) fn measure(supply: &Supply) -> f64 {
    let batches: Vec<Vec<u8>> = (0..supply.len().min(BATCHES)).map(|index| supply.batch(index)).collect();
    let started = Instant::now();
    let mut text = Vec::new();
    for batch in &batches {
        text.clear();
        GzDecoder::new(&batch[..]).read_to_end(&mut text).expect("a batch is gzip");
        for record in serde_json::Deserializer::from_slice(&text).into_iter::<IgnoredAny>() {
            record.expect("a record is JSON");
        }
    }
    (batches.len() * BATCH_RECORDS) as f64 / started.elapsed().as_secs_f64()
}
