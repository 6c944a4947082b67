/** The highest number of units that `available`, `allocated` and their total may reach: a GraphQL Int's. */
export const levelMax = 2_147_483_647;

/** The two pools of one product, in whole units, each 0 … {@link levelMax}. */
export interface Levels {
  readonly available: number;
  readonly allocated: number;
}

/** The stock of one tracked product. */
export interface Stock extends Levels {
  readonly productId: string;
  /** How many stock transactions the product has had; grows by exactly 1 with each, and never falls. */
  readonly version: number;
  /** When tracking began, the last time it did. */
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A product's row: kept when tracking stops (both levels 0 then), so that the version goes on from there. */
export interface StockRecord extends Stock {
  readonly tracked: boolean;
}

/** The units of a product wherever they are: available + allocated. */
export function totalOf(levels: Levels): number {
  return levels.available + levels.allocated;
}
