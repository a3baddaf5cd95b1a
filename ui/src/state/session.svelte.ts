import { api, ApiError, ask, isAbort, sentence, setCsrf, whenLost, type Schemas } from "../api/client";

type Role = Schemas["Role"];
const RANK: Record<Role, number> = { viewer: 0, analyst: 1, admin: 2 };

class Session {
  /** `loading`: not known yet; `out`: a login is needed; `down`: the server does not answer. */
  state = $state<"loading" | "in" | "out" | "down">("loading");
  user = $state("");
  id = $state("");
  role = $state<Role>("viewer");
  /** The session was there and is over. */
  expired = $state(false);
  trouble = $state("");
  /** Where Cloudflare and people reach the server, when it knows. */
  publicUrl = $state("");

  constructor() {
    whenLost(() => {
      if (this.state === "in") this.expired = true;
      if (this.state !== "loading") this.state = "out";
    });
  }

  /** Whether the user's role is at least this. */
  can(role: Role): boolean {
    return RANK[this.role] >= RANK[role];
  }

  async load(): Promise<void> {
    try {
      const me = await ask(api.GET("/api/v1/me"));
      Object.assign(this, { user: me.user, id: me.id, role: me.role, publicUrl: (me as { public_url?: string | null }).public_url ?? "", state: "in", expired: false });
      setCsrf(me.csrf ?? "");
    } catch (cause) {
      if (isAbort(cause)) return;
      this.state = cause instanceof ApiError && cause.status === 401 ? "out" : "down";
      this.trouble = sentence(cause);
    }
  }

  async login(user: string, password: string): Promise<void> {
    const answer = await ask(api.POST("/api/v1/login", { body: { user, password } }));
    setCsrf(answer.csrf);
    await this.load();
  }

  async logout(): Promise<void> {
    await ask(api.POST("/api/v1/logout")).catch(() => undefined);
    setCsrf("");
    this.expired = false;
    this.state = "out";
  }
}

export const session = new Session();
