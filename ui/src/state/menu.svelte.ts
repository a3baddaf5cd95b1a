// The menu of a value. One for the whole application; the page that is open says what "filter for" means.
import { searchLink, type View } from "../lib/view";
import { valueFilter } from "../lib/query";
import { router } from "./router.svelte";

/** What a page lets one do with a value. */
export interface Acts {
  filter: (field: string, value: string, not: boolean) => void;
  column?: (field: string) => void;
  hasColumn?: (field: string) => boolean;
  pick?: (field: string, value: string) => void;
  top?: (field: string) => void;
}

class Menu {
  open = $state.raw<{ field: string; value: string; at: Element } | undefined>(undefined);
  acts = $state.raw<Acts | undefined>(undefined);
  /** The range that links from this page use. */
  range = $state.raw<View["range"] | undefined>(undefined);

  show(field: string, value: string, at: Element): void {
    this.open = this.open?.at === at ? undefined : { field, value, at };
  }

  filter(field: string, value: string, not: boolean): void {
    if (this.acts) return this.acts.filter(field, value, not);
    router.go(searchLink({ filters: [valueFilter(field, value, not)], ...(this.range ? { range: this.range } : {}) }));
  }
}

export const menu = new Menu();
