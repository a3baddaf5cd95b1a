// The Cloudflare side of an intake, as text to copy (docs/intake.md).

import type { LogpushDataset } from "../api/logpush";

/** What is meant where no dataset is known: a format of one's own. */
const FIRST = { name: "gateway_dns", level: "account" } as const;

/** Stands where the key would; commands read it from the environment. */
export const KEY_PLACE = "$INTAKE_KEY";

/** What Logpush is told to send to. */
export function destination(base: string, key: string): string {
  return `${base}/plain/batch?header_X-Tidegate-Intake-Key=${key === KEY_PLACE ? key : encodeURIComponent(key)}`;
}

/** The commands, in their order; the secret stands in the first line only. */
export function commands(base: string, key: string, of: Pick<LogpushDataset, "name" | "level"> | undefined, name: string): { title: string; text: string }[] {
  const { name: dataset, level } = of ?? FIRST;
  const isZone = level === "zone";
  const place = isZone ? "zones/$CF_ZONE" : "accounts/$CF_ACCOUNT";
  const job = `tidegate-${dataset.replaceAll("_", "-")}-${name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}`.slice(0, 100).replace(/-$/, "");
  const api = "https://api.cloudflare.com/client/v4";
  const auth = `-H "Authorization: Bearer $CF_TOKEN"`;
  return [
    { title: "Names and secrets, in your shell", text: `export ${isZone ? "CF_ZONE=…" : "CF_ACCOUNT=…"}   CF_TOKEN=…\nexport INTAKE_KEY='${key === KEY_PLACE ? "tgi_…" : key.replaceAll("'", "'\\''")}'\nDEST="${destination(base, KEY_PLACE)}"` },
    { title: "Does Cloudflare reach this server?", text: `curl -s "${api}/${place}/logpush/validate/destination" ${auth} \\\n  -H 'Content-Type: application/json' -d "{\\"destination_conf\\":\\"$DEST\\"}"` },
    {
      title: "Make the job, with every field that the dataset has today",
      text: `FIELDS=$(curl -s "${api}/${place}/logpush/datasets/${dataset}/fields" ${auth} | jq -c '.result | keys')\ncurl -s "${api}/${place}/logpush/jobs" ${auth} -H 'Content-Type: application/json' -d @- <<JSON\n{\n  "name": "${job}",\n  "dataset": "${dataset}",\n  "destination_conf": "$DEST",\n  "enabled": true,\n  "max_upload_interval_seconds": 30,\n  "output_options": {"output_type": "ndjson", "timestamp_format": "rfc3339ns", "field_names": $FIELDS}\n}\nJSON`,
    },
    { title: "Is it well? last_error must be null, last_complete must move on", text: `curl -s "${api}/${place}/logpush/jobs" ${auth} | jq '.result[] | {name, enabled, last_complete, last_error, error_message}'` },
  ];
}

/** A batch to try the intake with, without Cloudflare. */
export function tryCommand(base: string, key: string, format: string): string {
  const record = format === "cloudflare-gateway-dns"
    ? `{"Datetime":"'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'","QueryID":"'"$RANDOM-$(date +%s)"'","QueryName":"first.test.example","QueryTypeName":"A","RCode":0,"SrcIP":"192.0.2.1","ResolverDecision":"allowedOnNoPolicyMatch"}`
    : "{}";
  return `curl -si "${base}/plain/batch" -H "X-Tidegate-Intake-Key: ${key === KEY_PLACE ? key : key.replace(/["$\`\\]/g, "\\$&")}" \\\n  --data-binary '${record}'`;
}
