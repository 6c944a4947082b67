const titles = {
  400: "Validation Error",
  401: "Unable to validate access token",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Payload Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Cannot complete request",
  424: "Failed Dependency",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

/** The HTTP statuses with which the REST API refuses. */
export type ErrorStatus = keyof typeof titles;

/** One refusal in the vendor's form. */
export interface ErrorEntry {
  /** A number: SDKs compare it with `===`. */
  readonly status: ErrorStatus;
  readonly title: string;
  readonly detail?: string;
}

/** The body of every answer that is no success. */
export interface ErrorEnvelope {
  readonly errors: readonly [ErrorEntry];
}

/** What every unknown stock, stock transaction and path is answered with. */
export const notFoundDetail = "The resource could not be found";

/**
 * A refusal in the vendor's form, with the title that belongs to the status.
 * @param detail what is wrong, for the person who reads the log; never a stack, SQL or a host name
 */
export function errorEnvelope(status: ErrorStatus, detail?: string): ErrorEnvelope {
  const title = titles[status];
  return { errors: [detail === undefined ? { status, title } : { status, title, detail }] };
}

/** Whether the REST API has a title for the status. */
export function isErrorStatus(status: number): status is ErrorStatus {
  return Object.hasOwn(titles, status);
}
