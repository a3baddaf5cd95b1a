// A Sigma rule and an exception from values that an analyst chose.
import { term } from "./query";

/** A chosen value. */
export interface Pick {
  field: string;
  value: string;
}

/** Values as they stand in an address: `v=field=value`, again and again. */
export function picksOf(search: string): Pick[] {
  return new URLSearchParams(search).getAll("v").slice(0, 40).flatMap((word) => {
    const equals = word.indexOf("=");
    const field = word.slice(0, equals);
    return equals > 0 && /^@?[\w.-]+$/.test(field) ? [{ field, value: word.slice(equals + 1) }] : [];
  });
}

/** The values as a query: values of one field are alternatives, fields narrow each other down. */
export function queryOf(picks: Pick[]): string {
  return [...byField(picks)].map(([field, values]) => (values.length === 1 ? term(field, values[0]!) : `(${values.map((value) => term(field, value)).join(" OR ")})`)).join(" AND ");
}

/** A rule to start from. Values are JSON strings, which YAML reads as they are; Sigma's wildcards in them are escaped. */
export function ruleOf(picks: Pick[], author: string, id: string, date: string, by = ""): string {
  const lines = [...byField(picks)].flatMap(([field, values]) => (values.length === 1 ? [`        ${field}: ${literal(values[0]!)}`] : [`        ${field}:`, ...values.map((value) => `            - ${literal(value)}`)]));
  const title = picks[0] ? `${picks[0].field} ${picks[0].value}`.replace(/[^\w. -]/g, " ").slice(0, 80).trim() : "New rule";
  const base = `base-${id.slice(0, 8)}`;
  return [
    `title: ${literal(title, false)}`, `id: ${id}`, ...(by === "" ? [] : [`name: ${base}`]), "status: experimental", "description: >-", "    Say what it means when this fires.", `author: ${literal(author, false)}`, `date: ${date}`,
    "logsource:", "    category: dns", "detection:", "    selection:",
    ...(lines.length > 0 ? lines : ["        dns.question.name|endswith: \".example\""]),
    "    condition: selection", "falsepositives:", "    - Unknown", "level: medium", "tags:", "    - attack.command-and-control", "    - attack.t1071.004", "",
    ...(by === "" ? [] : counted(title, base, by, author, date)),
  ].join("\n");
}

/** A correlation over the rule: how often, for one value of a field. */
function counted(title: string, base: string, by: string, author: string, date: string): string[] {
  return [
    "---", `title: ${literal(`Many: ${title}`, false)}`, `id: ${uuid()}`, "status: experimental", `author: ${literal(author, false)}`, `date: ${date}`, "correlation:", "    type: event_count", "    rules:", `        - ${base}`,
    "    group-by:", `        - ${by}`, "    timespan: 10m", "    condition:", "        gte: 50", "level: medium", "",
  ];
}

function byField(picks: Pick[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const { field, value } of picks) out.set(field, [...new Set([...(out.get(field) ?? []), value])]);
  return out;
}

function literal(value: string, wildcards = true): string {
  const escaped = wildcards ? value.replace(/\\(?=[\\*?])|[*?]/g, "\\$&") : value;
  // Hidden and direction-turning characters are written as escapes, so that the rule reads as it matches.
  return JSON.stringify(escaped).replace(/[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** A random UUID, also where the browser has none to give (plain http). */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return [...bytes].map((byte, i) => (i === 4 || i === 6 || i === 8 || i === 10 ? "-" : "") + byte.toString(16).padStart(2, "0")).join("");
}
