import { ServiceUnavailableError } from "../inventory/errors.ts";
import { isDatabaseUnavailable } from "./errors.ts";

/**
 * Runs statements of access control, and says in the domain's words when the database is away.
 * @throws ServiceUnavailableError; what else is thrown is a fault
 */
export async function whileAvailable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    throw new ServiceUnavailableError("The database can't be reached", "not applied", { cause: error });
  }
}
