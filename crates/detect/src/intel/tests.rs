mod cases;
mod compiled;
mod feeds;
mod properties;

use std::ops::ControlFlow;

use super::*;

/// Reads `text` with `options`.
fn read_with(text: &[u8], options: &ReadOptions<'_>) -> Result<(Vec<Indicator>, Report), IntelError> {
    let mut found = Vec::new();
    let report = read(text, options, &mut |indicator| {
        found.push(indicator);
        ControlFlow::Continue(())
    })?;
    assert_eq!(report.accepted, found.len() as u64);
    Ok((found, report))
}

fn read_all(text: &[u8]) -> Result<(Vec<Indicator>, Report), IntelError> {
    read_with(text, &ReadOptions::default())
}
