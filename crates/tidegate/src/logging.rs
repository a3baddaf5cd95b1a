//! The program's own log: sentences with fields, on standard error.

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts the log as configured. Libraries are heard from `warn` on.
pub(crate) fn start(config: &Config) {
    let level = &config.log.level.0;
    // A level that was checked when the configuration was read, and names of ours.
    let filter = EnvFilter::new(format!(
        "warn,tidegate={level},{}",
        ROOMS.map(|room| format!("tidegate_{room}={level}")).join(",")
    ));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Only a second call in one process fails, and then a log is running already.
    let _ = match config.log.format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

const ROOMS: [&str; 8] = ["batch", "formats", "journal", "store", "state", "pipeline", "query", "server"];
