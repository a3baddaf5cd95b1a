import { describe, expect, it } from "vitest";
import { commands, destination, KEY_PLACE, tryCommand } from "../src/lib/logpush";
import { healthOf, limitsWith } from "../src/lib/health";

describe("logpush", () => {
  const gatewayDns = { name: "gateway_dns", level: "account" } as const;
  const requests = { name: "http_requests", level: "zone" } as const;
  it("writes a destination Cloudflare can read back", () => {
    expect(destination("https://t.example", "tgi_a b&c")).toBe("https://t.example/plain/batch?header_X-Tidegate-Intake-Key=tgi_a%20b%26c");
  });
  it("names account or zone, and the key once", () => {
    const gateway = commands("https://t.example", "tgi_secret", gatewayDns, "Main Office!").map((one) => one.text);
    expect(gateway.join("\n").match(/tgi_secret/g)).toHaveLength(1);
    expect(gateway[2]).toContain("accounts/$CF_ACCOUNT/logpush/jobs");
    expect(gateway[2]).toContain('"name": "tidegate-gateway-dns-main-office"');
    expect(commands("https://t.example", KEY_PLACE, requests, "x")[1]!.text).toContain("zones/$CF_ZONE");
    expect(commands("https://t.example", KEY_PLACE, undefined, "x")[1]!.text).toContain("accounts/$CF_ACCOUNT");
    expect(commands("https://t.example", KEY_PLACE, requests, "x").map((one) => one.text).join()).not.toContain("undefined");
  });
  it("lets no key leave its quotes", () => {
    expect(tryCommand("https://t.example", 'a"$(x)`', "cloudflare-gateway-dns")).toContain('Key: a\\"\\$(x)\\`"');
    expect(commands("https://t.example", "a'b", gatewayDns, "x")[0]!.text).toContain("'a'\\''b'");
  });
});

describe("health", () => {
  const intake = (counts: object, rest: object = {}) => ({ id: "", name: "x", format: "f", created: "", key_hint: "", enabled: true, lag_seconds: 1, watch: { silence_seconds: 3600, lag_seconds: 3600 }, ...rest, counts: { batches: 1, bytes: 1, valid: 100, warning: 0, invalid: 0, duplicates: 0, last_batch: "2026-11-23T12:00:00Z", last_event: null, ...counts } });
  const now = Date.UTC(2026, 10, 23, 12, 5);
  it.each([
    [intake({}), "well"], [intake({ last_batch: null }), "waiting"], [intake({}, { enabled: false }), "off"], [intake({ last_batch: "2026-11-23T11:00:00Z" }), "silent"], [intake({ last_batch: "2026-11-23T11:30:00Z" }), "well"],
    [intake({ invalid: 50 }), "rejects"], [intake({}, { lag_seconds: 3601 }), "late"], [intake({}, { lag_seconds: 3600 }), "well"],
    // What the server found counts, also before the browser can see it; a limit of none is not watched.
    [intake({}, { watch: { silence_seconds: 60, silent_since: "2026-11-23T12:00:00Z" } }), "silent"], [intake({ last_batch: null }, { watch: { silence_seconds: 60, silent_since: "2026-11-23T11:00:00Z" } }), "silent"],
    [intake({}, { watch: { lag_seconds: 60, late_since: "2026-11-23T12:00:00Z" } }), "late"], [intake({ last_batch: "2026-11-20T11:00:00Z" }, { watch: {} }), "quiet"], [intake({}, { lag_seconds: 36_000, watch: {} }), "well"],
  ])("%#", (one, word) => expect(healthOf(one as never, now).word).toBe(word));
  it("offers the limit that is set beside the usual ones", () => {
    expect(limitsWith(2400)).toEqual([300, 900, 1800, 2400, 3600, 7200, 21_600, 86_400, 604_800]);
    expect(limitsWith(null)).toEqual(limitsWith(3600));
  });
});
