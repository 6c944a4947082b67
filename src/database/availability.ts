import { InvalidInputError, ServiceUnavailableError } from "../inventory/errors.ts";
import { isDatabaseUnavailable } from "./errors.ts";

/**
 * Runs statements outside of groups, and says in the domain's words when the database is away.
 * @throws ServiceUnavailableError with the message; InvalidInputError as it is; what else is thrown is a fault
 */
export async function whileAvailable<Result>(
  work: () => Promise<Result>,
  message = "The database can't be reached",
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InvalidInputError || !isDatabaseUnavailable(error)) throw error;
    throw new ServiceUnavailableError(message, "not applied", { cause: error });
  }
}
