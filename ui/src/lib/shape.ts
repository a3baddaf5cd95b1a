// The shape of a name: what machines make up (counters, hexadecimal, codes) becomes its kind, what people chose stays.
// Names of one generator then look alike, however many there are.

/** A shape as people read it, and as a regular expression that its names match. */
export interface Shape {
  text: string;
  regex: string;
}

interface Label {
  text: string;
  regex: string;
  repeats: boolean;
}

const KINDS: { kind: string; is: RegExp; regex: string }[] = [
  { kind: "uuid", is: /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/, regex: "[0-9a-f-]{32,36}" },
  { kind: "n", is: /^\d+$/, regex: "[0-9]+" },
  { kind: "hex", is: /^(?=.*\d)[0-9a-f]{7,}$/, regex: "[0-9a-f]{7,}" },
  { kind: "code", is: /^(?=.*\d)(?=.*[a-z])[a-z0-9_=+-]{14,}$/, regex: "[a-z0-9_=+-]{14,}" },
];
/** A label with so many runs of digits is a code, however short. */
const DIGIT_RUNS = 3;
const MIXED: Label = { text: "‹mix›", regex: "[a-z0-9_=+-]*[0-9][a-z0-9_=+-]*", repeats: true };

/** The shape of a name; what is registered stays as it is. */
export function shapeOf(name: string, registered: string): Shape {
  const below = registered !== "" && name.endsWith(`.${registered}`) ? name.slice(0, -registered.length - 1) : name === registered ? "" : undefined;
  const kept = below === undefined ? name.split(".").slice(-2).join(".") : registered;
  const labels = (below ?? name.split(".").slice(0, -2).join(".")).split(".").filter((one) => one !== "");
  let text = "";
  let regex = "^";
  for (let i = 0; i < labels.length; i += 1) {
    const label = labelOf(labels[i]!);
    let run = 1;
    while (label.repeats && i + 1 < labels.length && labelOf(labels[i + 1]!).text === label.text) {
      i += 1;
      run += 1;
    }
    text += `${label.text}${run > 1 ? "…" : ""}.`;
    regex += run > 1 ? `(?:${label.regex}\\.){2,}` : `${label.regex}\\.`;
  }
  return { text: text + kept, regex: `${regex}${escaped(kept)}$` };
}

function labelOf(label: string): Label {
  const kind = KINDS.find((one) => one.is.test(label));
  if (kind) return { text: `‹${kind.kind}›`, regex: kind.regex, repeats: kind.kind !== "n" };
  const runs = label.match(/\d+/g)?.length ?? 0;
  if (runs >= DIGIT_RUNS && /^[a-z0-9_=+-]+$/.test(label)) return MIXED;
  return { text: label.replace(/\d+/g, "‹n›"), regex: label.split(/\d+/).map(escaped).join("[0-9]+"), repeats: false };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/"]/g, "\\$&");
}
