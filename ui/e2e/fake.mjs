// Answers for alerts, rules and intelligence that are always the same, so that stories about them can count on what they
// find. Only tests use it. State is kept, so that what a page changes is what it then reads.
const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const RULE = { id: "11111111-1111-4111-8111-111111111111", name: "Cobalt Strike DNS beaconing", severity: "high", effort: "advanced", attack: ["T1071.004"] };

function alert(i) {
  const id = `22222222-2222-4222-8222-${String(i).padStart(12, "0")}`;
  return {
    id, number: i, rule: i % 3 ? RULE : { ...RULE, id: "11111111-1111-4111-8111-111111111112", name: "Potential DNS tunnel", severity: "medium" }, status: "pending", verdict: null, assignee: null,
    urgency: 90 - i, urgency_level: i < 15 ? "high" : "medium", occurrences: i * 3, event_count: i * 40, first_seen: at(600 + i), last_seen: at(i), created: at(600 + i), updated: at(i),
    source: `192.0.2.${i}`, target: null, name: i === 2 ? "<img src=x onerror=alert(1)>.evil\u202egnp.example" : `x${i}.beacon.example`, group: { "source.ip": `192.0.2.${i}` },
  };
}

const line = { ...RULE, description: "More than 50 queries that look like a beacon's, from one client.", kind: "correlation", origin: "builtin", enabled: true, default_enabled: true, always: false, tags: ["dns"], hits_7d: 12, alerts_open: 3, last_hit: at(5), problem: null, exclusions: 1 };
const indicator = { id: "i1", kind: "domain", value: "evil.example", collection: "manual", tags: ["phishing"], confidence: 75, valid_from: at(10), valid_until: null, source: "manual", added: at(10), description: null, hits: 4, last_hit: at(2), expired: false };

/** Answers these calls on this page in place of the server. */
export async function fake(page) {
  const alerts = Array.from({ length: 30 }, (_, i) => alert(i + 1));
  const filters = [];
  const hunts = [];
  const sent = [];
  const full = (one) => ({ ...one, description: line.description, note: "62 queries in 10 minutes, mean distance 10.1 s", matched: [{ field: "dns.question.name", value: one.name }], events: [{ event_id: "01a20652-c2d0-87b2-8000-00019c00000e", timestamp: one.first_seen, source_ip: one.source, name: one.name }], query: "dns.question.name:*.beacon.example", from: one.first_seen, to: one.last_seen, references: ["https://attack.mitre.org/"], false_positives: ["none known"], history: [{ at: one.created, actor: "tidegate", kind: "created" }] });
  const retrohunt = () => ({ id: "r1", name: "manual import", state: "done", created: at(1), created_by: "admin", from: at(1000), to: at(0), indicators: 2, progress: 1, events_scanned: 150000, hits: 1, error: null, finished: at(0) });
  await page.route(/\/api\/v1\/(alerts|alert-filters|rules|indicators|collections|feeds|retrohunts|assets|notifications|logpush|saved-queries|query-history)/, async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const path = url.pathname.replace("/api/v1", "");
    const body = request.postDataJSON?.() ?? undefined;
    const key = `${request.method()} ${path}`;
    sent.push({ key, body });
    const json = (value, status = 200) => route.fulfill({ status, contentType: "application/json", body: JSON.stringify(value) });
    const open = (url.searchParams.get("status") ?? "").split(",").filter(Boolean);
    if (key === "GET /alerts") {
      const found = alerts.filter((one) => open.length === 0 || open.includes(one.status));
      return json({ alerts: found, total: found.length, next: null, counts: { status: { pending: alerts.filter((one) => one.status === "pending").length } } });
    }
    if (key === "POST /alerts/status") {
      for (const one of alerts) if (body.ids?.includes(one.id)) one.status = body.status;
      return json({ changed: body.ids?.length ?? alerts.length });
    }
    if (key === "POST /alerts/histogram") return json({ interval_ms: body.interval_ms, buckets: [] });
    if (/^GET \/alerts\/[^/]+\/similar$/.test(key)) return json({ alerts: alerts.slice(3, 6) });
    if (/^(GET|PATCH|POST) \/alerts\//.test(key)) {
      const one = alerts.find((other) => path.includes(other.id));
      if (!one) return json({ error: { code: "not_found", message: "no such alert" } }, 404);
      if (body) Object.assign(one, { status: body.status ?? one.status, verdict: body.verdict ?? one.verdict, assignee: body.assignee ?? one.assignee });
      return json(full(one));
    }
    if (key === "GET /alert-filters") return json(filters);
    if (key === "POST /alert-filters/preview") return json({ alerts: alerts.slice(0, 2), alert_count: 2, event_count: 80, of_alerts: 30 });
    if (key === "POST /alert-filters") return filters.push({ id: "f1", enabled: true, created: at(0), created_by: "admin", hidden: 0, ...body, rule: body.rule ? { id: body.rule, name: RULE.name } : null }), json(filters.at(-1), 201);
    if (key === "GET /rules") return json({ rules: [line, { ...line, id: "11111111-1111-4111-8111-111111111113", name: "EICAR detection", always: true, kind: "sigma", effort: "elementary", severity: "informational", hits_7d: 0 }], effort: "advanced" });
    if (key === "GET /rules/matrix") return json({ techniques: [{ id: "T1071.004", name: "DNS", tactics: ["command-and-control"], rules: [RULE.id], enabled: 1, hits_7d: 12, alerts_open: 3 }] });
    if (key === "POST /rules/check") return json(/level: nonsense/.test(body.yaml) ? { valid: false, problems: [{ line: 3, column: 1, severity: "error", message: "unknown level `nonsense`" }], fields: [] } : { valid: true, problems: [], rule: RULE, fields: [] });
    if (key === "POST /rules/preview") return json({ event_count: 40, finding_count: 2, scanned: 150000, partial: false, took_ms: 300, findings: [{ first_seen: at(50), last_seen: at(40), count: 20, group: { "source.ip": "192.0.2.1" }, source: "192.0.2.1", name: "x.beacon.example", events: [] }] });
    if (/^(GET|PATCH) \/rules\//.test(key) || key === "POST /rules") return json({ ...line, yaml: body?.yaml ?? "title: x\n", references: [], false_positives: [], cases: { fire: [{ "dns.question.name": "x" }], silent: [] }, settings: [{ key: "count", value: 50, default: 50, description: "queries" }], hits: [{ day: "2026-11-22", count: 3 }] }, key === "POST /rules" ? 201 : 200);
    if (key === "GET /indicators" || key === "GET /indicators/match") return json({ indicators: key.endsWith("match") ? [] : [indicator], total: 1, next: null });
    if (key === "POST /indicators/import") return json({ accepted: 2, known: 0, benign: [{ value: "example.com", reason: "among the most popular names" }], rejected: [], sample: [indicator], retrohunt: body.dry_run ? null : (hunts.push(retrohunt()), "r1") });
    if (key === "GET /collections") return json([{ name: "manual", indicators: 2, active: 2, updated: at(1), hits_7d: 4 }]);
    if (key === "GET /feeds") return json([]);
    if (key === "GET /feeds/presets") return json([{ preset: "p", name: "A public feed", url: "https://feed.example/", format: "text", description: "names", license: "CC0" }]);
    if (key === "GET /retrohunts") return json(hunts);
    if (/^GET \/retrohunts\//.test(key)) return json({ ...retrohunt(), results: [{ indicator, count: 4, first_seen: at(100), last_seen: at(10), sources: ["192.0.2.1"], query: "dns.question.name:evil.example" }] });
    if (/^GET \/(assets|notifications|saved-queries|query-history)$/.test(key)) return json([]);
    if (key === "POST /query-history") return route.fulfill({ status: 204 });
    return route.continue();
  });
  return { sent, alerts };
}
