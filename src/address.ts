import { createServer } from "node:net";
import { ConfigError } from "./config.ts";
import { errorCodeOf } from "./error-message.ts";

/**
 * Finds out before anything is started whether the address can be had.
 * @returns the port, a free one in the place of 0: several processes can only share one that they all name
 * @throws ConfigError
 */
export function checkAddress(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) => reject(addressError(error, host, port) ?? error));
    probe.listen({ host, port }, () => {
      const address = probe.address();
      const found = typeof address === "object" && address !== null ? address.port : port;
      probe.close(() => resolve(found));
    });
  });
}

/** @returns null for an error that is not about the address */
export function addressError(
  error: unknown,
  host: string,
  port: number,
  settings: { readonly host: string; readonly port: string } = { host: "HOST", port: "PORT" },
): ConfigError | null {
  switch (errorCodeOf(error)) {
    case "EADDRINUSE":
      return new ConfigError(`${settings.port}: ${port} is taken on ${host} by another program`, { cause: error });
    case "EACCES":
      return new ConfigError(`${settings.port}: this user may not listen on ${port}`, { cause: error });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ConfigError(`${settings.host}: ${host} is no address of this machine`, { cause: error });
    default:
      return null;
  }
}
