//! The names of the fields that Tidegate itself writes or reads, whatever the format.

/// Event time, RFC 3339 in UTC.
pub const TIMESTAMP: &str = "@timestamp";
/// The raw record, verbatim.
pub const MESSAGE: &str = "message";
/// UUID derived from the journal position, identical on replay.
pub const EVENT_ID: &str = "event.id";
/// Receipt time of the batch that held the record.
pub const EVENT_INGESTED: &str = "event.ingested";
/// Identifier of the intake that received the record.
pub const INTAKE_ID: &str = "tidegate.intake.id";
/// Name of the intake that received the record.
pub const INTAKE_NAME: &str = "tidegate.intake.name";
/// Name of the format that parsed the record.
pub const FORMAT: &str = "tidegate.format";
/// `valid`, `warning` or `invalid`.
pub const STATUS: &str = "tidegate.status";
/// Why the status is not `valid`.
pub const REASON: &str = "tidegate.reason";
/// Length of the queried name in characters, without the trailing dot.
pub const NAME_LENGTH: &str = "tidegate.dns.name.length";
/// Number of labels of the queried name.
pub const NAME_LABELS: &str = "tidegate.dns.name.labels";
/// Length of the longest label of the queried name.
pub const NAME_LONGEST_LABEL: &str = "tidegate.dns.name.longest_label";
/// Shannon entropy of the queried name's characters, bits per character, dots left out.
pub const NAME_ENTROPY: &str = "tidegate.dns.name.entropy";
/// Share of digits among the queried name's characters, dots left out, 0 to 1.
pub const NAME_DIGITS_RATIO: &str = "tidegate.dns.name.digits_ratio";
/// What went wrong while decoding answers, one sentence a damaged record.
pub const ANSWERS_ERRORS: &str = "tidegate.dns.answers_errors";
/// Tags added by lists and enrichment (ECS `tags`).
pub const TAGS: &str = "tags";
