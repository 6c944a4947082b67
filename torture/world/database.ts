/** What a world is built on. An implementation may have more than this, for the faults that need it. */
export interface Database {
  /** Where gateways, through proxies, and the outside connect: with user, password and name of the database. */
  readonly url: string;
  /** Stops it, whatever state it is in. Its files go with the world. */
  close(): Promise<void>;
}

/** How the database and the gateways of a world are set up. */
export interface Setting<D extends Database = Database> {
  readonly name: string;
  /** @param folder empty, and its own; whoever runs as another user can enter it */
  openDatabase(folder: string): Promise<D>;
  /** What this machine lacks for it, and how to get it; null where it can be opened. Always can be if left out. */
  readonly findObstacle?: (runFolder: string) => string | null;
  /** Further settings of the gateways, from the environment; none if left out. */
  readonly gatewayEnvironment?: Readonly<Record<string, string>>;
  /** The same, where it depends on the database that was opened. */
  gatewayEnvironmentOn?(database: D): Readonly<Record<string, string>>;
  /** What runs the gateways' program, where it is not this Node alone: a file and its arguments. */
  readonly gatewayLauncher?: readonly string[];
}
