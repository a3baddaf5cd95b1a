// Where an analyst looks a value up elsewhere. Links open only when clicked; nothing is sent by itself.

/** What a value is. */
export type Sort = "domain" | "ip" | "email" | "other";

/** A lookup; `{value}` stands for the value, encoded. */
export interface Pivot {
  name: string;
  sort: Sort | "any";
  url: string;
}

export const BUILT_IN: Pivot[] = [
  { name: "VirusTotal", sort: "domain", url: "https://www.virustotal.com/gui/domain/{value}" },
  { name: "VirusTotal", sort: "ip", url: "https://www.virustotal.com/gui/ip-address/{value}" },
  { name: "urlscan.io", sort: "domain", url: "https://urlscan.io/search/#domain:{value}" },
  { name: "urlscan.io", sort: "ip", url: "https://urlscan.io/search/#ip:{value}" },
  { name: "Cloudflare Radar", sort: "domain", url: "https://radar.cloudflare.com/domains/domain/{value}" },
  { name: "Cloudflare Radar", sort: "ip", url: "https://radar.cloudflare.com/ip/{value}" },
  { name: "WHOIS (RDAP)", sort: "domain", url: "https://lookup.icann.org/en/lookup?name={value}" },
  { name: "WHOIS (RDAP)", sort: "ip", url: "https://client.rdap.org/?type=ip&object={value}" },
  { name: "Certificates (crt.sh)", sort: "domain", url: "https://crt.sh/?q={value}" },
];

/** What kind of thing a value of a field is. */
export function sortOf(field: string, value: string): Sort {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(value) || (/^[0-9a-f:.]+$/i.test(value) && value.split(":").length > 2)) return "ip";
  if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) return "email";
  const fieldSays = /(^dns\.(question\.(name|registered_domain)|answers\.(name|data))|hosts$|CNAMEs$|domain$|host$|SNI$)/.test(field);
  return fieldSays && /^[^\s/]+\.[^\s/.]{2,}$/u.test(value) ? "domain" : "other";
}

/** The lookups for a value. Only `https:` and `http:` templates are used. */
export function pivotsFor(field: string, value: string, own: Pivot[]): { name: string; href: string }[] {
  const sort = sortOf(field, value);
  return [...BUILT_IN, ...own]
    .filter((one) => (one.sort === sort || one.sort === "any") && isSafe(one.url))
    .map((one) => ({ name: one.name, href: one.url.replaceAll("{value}", encodeURIComponent(value.replace(/\.$/, ""))) }));
}

/** Whether a template leads to a web page and nowhere else. */
export function isSafe(template: string): boolean {
  try {
    const url = new URL(template.replaceAll("{value}", "x"));
    return (url.protocol === "https:" || url.protocol === "http:") && template.includes("{value}") && !/^https?:\/\/[^/]*\{value\}/.test(template);
  } catch {
    return false;
  }
}
