//! Batches made ahead of the load, so that making them takes no time from the server.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::time::Instant;

use tidegate_e2e::{command, gzip};

use crate::BATCH_RECORDS;

/// Gzip batches of 1,000 generated records in a file, each record unlike all others.
pub(crate) struct Supply {
    file: File,
    /// Where each batch lies: offset and length.
    places: Vec<(u64, usize)>,
}

impl Supply {
    /// Has the product's own generator write that many records, with times around now.
    pub(crate) fn make(events: usize) -> Self {
        let started = Instant::now();
        let mut generator = command();
        generator.args(["generate", "--start", "24h", "--flat", "--fields", "documented"]);
        // The day behind us holds them all.
        let rate = (events as f64 / 86_000.0).max(1.0);
        generator.args(["--events", &events.to_string(), "--rate", &rate.to_string()]);
        let mut child = generator.stdout(Stdio::piped()).spawn().expect("the binary can be started");
        let mut lines = BufReader::with_capacity(1 << 20, child.stdout.take().expect("it was piped"));
        let mut file = tempfile::tempfile().expect("the system has room for a file");
        let (mut places, mut offset, mut text, mut held, mut bytes) = (Vec::new(), 0, Vec::new(), 0, 0);
        loop {
            let ended = lines.read_until(b'\n', &mut text).expect("the generator can be read") == 0;
            held += usize::from(!ended);
            if held == BATCH_RECORDS || (ended && held > 0) {
                bytes += text.len();
                let batch = gzip(&text);
                file.write_all(&batch).expect("the system has room for the batches");
                places.push((offset, batch.len()));
                offset += batch.len() as u64;
                text.clear();
                held = 0;
            }
            if ended {
                break;
            }
        }
        assert!(child.wait().expect("a child can be waited for").success(), "the generator failed");
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "supply: {events} records of {} bytes in {} batches of {} bytes, made in {seconds:.0} s",
            bytes / events,
            places.len(),
            offset / places.len() as u64
        );
        Self { file, places }
    }

    /// How many batches there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// One of them.
    pub(crate) fn batch(&self, index: usize) -> Vec<u8> {
        let (offset, length) = self.places[index];
        let mut batch = vec![0; length];
        self.file.read_exact_at(&mut batch, offset).expect("the file holds the batch");
        batch
    }
}
