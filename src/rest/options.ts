import type { AccessControl } from "../access/access-control.ts";
import type { Authenticator } from "../access/authenticator.ts";
import type { RateLimits } from "../access/rate-limits.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { InventoryQueries } from "../inventory/queries.ts";

/** What the REST API is made of. */
export interface RestOptions {
  readonly inventory: Inventory;
  readonly queries: InventoryQueries;
  readonly authenticator: Authenticator;
  readonly rateLimits: RateLimits;
  /** Issues the access tokens of /oauth/access_token. */
  readonly access: AccessControl;
}
