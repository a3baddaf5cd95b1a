import type { Zone } from "../lib/time";
import { isSafe, type Pivot } from "../lib/pivots";

const KEY = "tidegate.prefs";

interface Kept {
  theme: "system" | "light" | "dark";
  zone: Zone;
  dense: boolean;
  fieldsOpen: boolean;
  histogramOpen: boolean;
  alertsOverTimeOpen: boolean;
  detailShare: number;
  pivots: Pivot[];
}

const OPENING: Kept = { theme: "system", zone: "utc", dense: true, fieldsOpen: innerWidth > 1180, histogramOpen: true, alertsOverTimeOpen: true, detailShare: 0.42, pivots: [] };

function kept(): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
    const all = { ...OPENING, ...found };
    all.pivots = (Array.isArray(all.pivots) ? all.pivots : []).filter((one) => typeof one?.url === "string" && isSafe(one.url)).slice(0, 20);
    return all;
  } catch {
    return { ...OPENING };
  }
}

/** What a user likes; kept in the browser. */
export const prefs = $state<Kept>(kept());

/** Keeps the preferences and shows the theme. Call once, within an effect root. */
export function keepPrefs(): void {
  $effect(() => {
    const all = JSON.stringify(prefs);
    try {
      localStorage.setItem(KEY, all);
    } catch {
      // A browser that keeps nothing: the preferences last as long as the page.
    }
  });
  $effect(() => {
    if (prefs.theme === "system") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", prefs.theme);
  });
}
