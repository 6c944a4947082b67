import type { Authenticator } from "../access/authenticator.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { InventoryQueries } from "../inventory/queries.ts";

/** What the REST API is made of. */
export interface RestOptions {
  readonly inventory: Inventory;
  readonly queries: InventoryQueries;
  readonly authenticator: Authenticator;
}
