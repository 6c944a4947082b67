import type { Principal } from "./principal.ts";

/** Tells who sends a request. */
export interface Authenticator {
  /**
   * @param authorization the value of the Authorization header: `Bearer <token>`, or `Bearer: <token>` as old SDKs send it
   * @throws UnauthenticatedError
   * @throws ServiceUnavailableError while keys or clients can't be read
   */
  authenticate(authorization: string | undefined): Promise<Principal>;
}
