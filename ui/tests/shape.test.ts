import { describe, expect, it } from "vitest";
import { shapeOf } from "../src/lib/shape";

const NAMES: [string, string, string][] = [
  ["www.google.com", "google.com", "www.google.com"],
  ["google.com", "google.com", "google.com"],
  ["www6.36fe2fa6d.fe29b10f6677b5f.beacon.example", "beacon.example", "www‹n›.‹hex›….beacon.example"],
  ["api.efb108746677b5f.beacon.example", "beacon.example", "api.‹hex›.beacon.example"],
  ["e10006ca091346bd8ed0aab19980e0bf.phish.example", "phish.example", "‹uuid›.phish.example"],
  ["sn-4g5e6n7s.video.example", "video.example", "‹mix›.video.example"],
  ["r3---sn-4g5e6n7s.video.example", "video.example", "‹code›.video.example"],
  ["17.tiles.example", "tiles.example", "‹n›.tiles.example"],
  ["a.b.host.internal", "", "a.b.host.internal"],
  ["<img src=x>.evil.example", "evil.example", "<img src=x>.evil.example"],
];

describe("shapes of names", () => {
  it.each(NAMES)("%s", (name, registered, text) => expect(shapeOf(name, registered).text).toBe(text));
  it.each(NAMES)("the expression matches its own name: %s", (name, registered) => expect(new RegExp(shapeOf(name, registered).regex).test(name)).toBe(true));
  it("names of one generator have one shape, others have another", () => {
    const a = shapeOf("www.1833358a6962.f89ab9846677b5f.c2.example", "c2.example");
    const b = shapeOf("www.24095228fdcf.d262f54c76b290.f89ab9846677b5f.c2.example", "c2.example");
    expect(a).toEqual(b);
    expect(new RegExp(a.regex).test("mail.c2.example")).toBe(false);
    expect(new RegExp(a.regex).test("www.1833358a6962.f89ab9846677b5f.c2xexample")).toBe(false);
  });
});
