// Where the user is. Addresses are read here and nowhere else.
class Router {
  path = $state(location.pathname);
  search = $state(location.search);

  constructor() {
    addEventListener("popstate", () => this.#read());
  }

  /** Goes to an address of ours; `replace` keeps the history as it is. */
  go(address: string, replace = false): void {
    const here = location.pathname + location.search;
    if (address === here) return;
    history[replace ? "replaceState" : "pushState"](null, "", address);
    const pathWas = this.path;
    this.#read();
    if (this.path !== pathWas) document.getElementById("content")?.scrollTo(0, 0);
  }

  /** The parts of the path, decoded; a damaged one stays as it is. */
  get parts(): string[] {
    return this.path.split("/").filter((part) => part !== "").map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }
}

export const router = new Router();

/** Lets links to our own pages change the page instead of loading it. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
  if (!link || link.target !== "" || link.hasAttribute("download") || link.origin !== location.origin || link.pathname.startsWith("/api/")) return;
  event.preventDefault();
  router.go(link.pathname + link.search);
}
