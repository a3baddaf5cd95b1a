import { serverNow } from "../api/client";

/** The server's now, moved on every 10 seconds: for "3 min ago". */
export const now = $state({ ms: serverNow() });
setInterval(() => (now.ms = serverNow()), 10_000);
