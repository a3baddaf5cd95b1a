// Bodies of calls about alerts, rules and intelligence as the pages read them; docs/api.md says what they mean.

export type AlertStatus = "pending" | "acknowledged" | "ongoing" | "closed" | "rejected";
export type Verdict = "true_positive" | "benign" | "false_positive" | "unknown";
export type Severity = "informational" | "low" | "medium" | "high" | "critical";
export type Effort = "elementary" | "intermediate" | "advanced" | "master";

export interface RuleRef { id: string; name: string; severity: Severity; effort: Effort; attack: string[] }

export interface AlertLine {
  id: string; number: number; rule: RuleRef; status: AlertStatus; verdict?: Verdict | null; assignee?: string | null;
  urgency: number; urgency_level: "low" | "medium" | "high"; occurrences: number; event_count: number;
  first_seen: string; last_seen: string; created: string; updated: string;
  source?: string | null; target?: string | null; name?: string | null; group: Record<string, string>;
}

export interface AlertEvent { event_id: string; timestamp: string; source_ip?: string | null; name?: string | null }

export interface Alert extends AlertLine {
  description: string; note?: string | null; matched: { field: string; value: string }[]; events: AlertEvent[];
  query: string; from: string; to: string; references: string[]; false_positives: string[];
  history: { at: string; actor: string; kind: string; from?: string | null; to?: string | null; comment?: string | null }[];
}

export interface AlertPage {
  alerts: AlertLine[]; total: number; next?: string | null;
  counts?: { status?: Partial<Record<AlertStatus, number>>; urgency?: Partial<Record<"low" | "medium" | "high", number>> };
}

export interface AlertFilter {
  id: string; name: string; rule?: { id: string; name: string } | null; query: string; reason: string; enabled: boolean;
  expires?: string | null; created: string; created_by: string; hidden: number; last_hit?: string | null;
}

export interface FilterPreview { alerts: AlertLine[]; alert_count: number; event_count: number; of_alerts: number }

export interface RuleLine extends RuleRef {
  description: string; kind: "sigma" | "correlation" | "native"; origin: "builtin" | "user" | "folder"; enabled: boolean; default_enabled: boolean;
  always: boolean; tags: string[]; hits_7d: number; alerts_open: number; last_hit?: string | null; problem?: string | null; exclusions: number;
}

export interface Rule extends RuleLine {
  yaml: string; references: string[]; false_positives: string[]; cases?: { fire: unknown[]; silent: unknown[] } | null;
  author?: string | null; date?: string | null; modified?: string | null;
  settings: { key: string; value: unknown; default: unknown; description: string }[]; hits: { day: string; count: number }[];
}

export interface RuleCheck {
  valid: boolean; problems: { line: number; column: number; severity: "error" | "warning"; message: string }[]; rule?: RuleRef | null; fields: string[];
}

export interface RulePreview {
  event_count: number; finding_count: number; scanned: number; partial: boolean; took_ms: number;
  findings: { first_seen: string; last_seen: string; count: number; group: Record<string, string>; source?: string | null; name?: string | null; events: AlertEvent[] }[];
}

export interface Technique { id: string; name: string; tactics: string[]; rules: string[]; enabled: number; hits_7d: number; alerts_open: number }

export interface Indicator {
  id: string; kind: "domain" | "ip" | "network" | "url"; value: string; collection: string; tags: string[]; confidence: number; valid_from?: string | null;
  valid_until?: string | null; source: string; added: string; description?: string | null; hits: number; last_hit?: string | null; expired: boolean;
}

export interface Collection { name: string; indicators: number; active: number; updated: string; hits_7d: number }

export interface Feed {
  id: string; name: string; preset?: string | null; kind: "http" | "taxii"; url: string; collection: string; enabled: boolean; every_seconds: number; format: string;
  state: "never" | "running" | "ok" | "failed"; last_run?: string | null; last_success?: string | null; error?: string | null; indicators: number; license?: string | null;
}

export interface FeedPreset { preset: string; name: string; url: string; format: string; description: string; license: string }

export interface ImportAnswer {
  accepted: number; known: number; benign: { value: string; reason: string }[]; rejected: { line?: number | null; value: string; reason: string }[]; sample: Indicator[]; retrohunt?: string | null;
}

export interface Retrohunt {
  id: string; name: string; state: "waiting" | "running" | "done" | "failed" | "cancelled"; created: string; created_by: string; from: string; to: string; indicators: number;
  progress: number; events_scanned: number; hits: number; error?: string | null; finished?: string | null;
}

export interface RetrohuntDetail extends Retrohunt {
  results: { indicator: Indicator; count: number; first_seen: string; last_seen: string; sources: string[]; query: string }[];
}

export interface Asset { id: string; name: string; match: string; kind: "user" | "device" | "ip" | "network" | "name"; criticality: number; note?: string | null }

export interface Notification {
  id: string; name: string; kind: "webhook" | "slack" | "email" | "syslog" | "file"; target: string; min_severity: Severity;
  on: ("alert" | "intake_silence" | "intake_lag")[]; enabled: boolean; last_sent?: string | null; last_error?: string | null; sent: number; failed: number;
}

export interface SavedQuery { id: string; name: string; state: string; query: string; owner: string; shared: boolean; created: string; updated: string }
