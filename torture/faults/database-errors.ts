import type { Database } from "../world/database.ts";
import type { Fault } from "./fault.ts";
import { untilStruck } from "./holds.ts";

/** PostgreSQL's codes of the errors that faults lead to. */
const databaseErrors = {
  serializationFailure: "40001",
  deadlockDetected: "40P01",
  diskFull: "53100",
  tooManyConnections: "53300",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
  crashShutdown: "57P02",
  cannotConnectNow: "57P03",
  idleInTransactionTimeout: "25P03",
} as const;

type DatabaseError = keyof typeof databaseErrors;

/** Counts each of these errors that PostgreSQL tells a gateway as a strike, and keeps the fault up until it has told one. */
export function untilTold<D extends Database>(
  errors: readonly DatabaseError[],
  begin: Fault<D>["begin"],
): Fault<D>["begin"] {
  return untilStruck<D>(async (scene) => {
    const { world, findings } = scene;
    for (const { databaseProxy } of world.stations)
      databaseProxy.behave(({ link, direction, bytes }) => {
        if (direction === "answer" && errors.some((error) => tells(bytes, error))) findings.strike();
        link.forward(direction, bytes);
      });
    const end = await begin(scene);
    return async () => {
      await end();
      for (const { databaseProxy } of world.stations) databaseProxy.heal();
    };
  });
}

/** Whether PostgreSQL's answer has that error: the field C of an ErrorResponse, after another field. */
export function tells(answer: Buffer, error: DatabaseError): boolean {
  return answer.includes(`\0C${databaseErrors[error]}\0`);
}
