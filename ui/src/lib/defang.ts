/** Makes names, addresses and links that nobody clicks by accident: `hxxps://evil[.]example`, `203[.]0[.]113[.]7`. */
export function defang(text: string): string {
  return text
    .replace(/\bhttp(s?):\/\//gi, "hxxp$1://")
    .replace(/\bftp:\/\//gi, "fxp://")
    .replace(/(?<=[^\s.[\]])\.(?=[^\s.[\]])/gu, "[.]")
    .replace(/@/g, "[@]")
    .replace(/(?<=[0-9a-f])::?(?=[0-9a-f])/gi, (colons) => (looksLikeV6(text) ? "[" + colons + "]" : colons));
}

/** The way back. */
export function refang(text: string): string {
  return text
    .replace(/\bhxxp(s?):\/\//gi, "http$1://")
    .replace(/\bfxp:\/\//gi, "ftp://")
    .replace(/\[(\.|dot)\]|\((\.|dot)\)/gi, ".")
    .replace(/\[@\]/g, "@")
    .replace(/\[(::?)\]/g, "$1");
}

function looksLikeV6(text: string): boolean {
  return /^[0-9a-f:]+(?:\d+\.\d+\.\d+\.\d+)?$/i.test(text.trim()) && text.split(":").length > 2;
}
