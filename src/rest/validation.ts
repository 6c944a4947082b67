import { Ajv } from "ajv";
import type { ErrorObject } from "ajv";
import type { FastifyInstance } from "fastify";
import { RequestError } from "./errors.ts";

/** A validator's report; Fastify's type for it has no `data`. */
type Report = Pick<ErrorObject, "instancePath" | "keyword" | "params"> & { readonly data?: unknown };

/**
 * Validates requests against the routes' schemas as they stand: nothing is coerced, filled in or taken away, so that
 * the quantity "5" is refused and a misspelt field too. Formats only document.
 */
export function useStrictValidation(app: FastifyInstance): void {
  const ajv = new Ajv({ verbose: true, validateFormats: false });
  app.setValidatorCompiler(({ schema }) => ajv.compile(schema));
  app.setSchemaErrorFormatter(([error], part) => new RequestError(400, detailOf(error, part)));
  // The answers' schemas document and are tested; they don't decide which fields an answer has.
  app.setSerializerCompiler(() => JSON.stringify);
}

function detailOf(error: Report | undefined, part: string): string {
  if (error === undefined) return "The request is not valid";
  const { keyword, params, data } = error;
  const field = fieldOf(error, part);
  switch (keyword) {
    case "required":
      return `${field} is missing`;
    case "additionalProperties":
      return `${field} is not known`;
    case "type":
      if (part === "body" && error.instancePath === "") return "The body has to be a JSON object";
      return `${field} has to be ${withArticle(String(params["type"]))}${part === "body" ? `, not ${kindOf(data)}` : ""}`;
    case "enum":
      return `${field} has to be ${choicesOf(params["allowedValues"])}`;
    case "minimum":
      return `${field} has to be at least ${params["limit"]}`;
    case "maximum":
      return `${field} has to be at most ${params["limit"]}`;
    case "minLength":
    case "minItems":
      return `${field} is empty`;
    case "maxLength":
      return `${field} has to have at most ${params["limit"]} characters`;
    case "maxItems":
      return `${field} has to have at most ${params["limit"]} items`;
    default:
      return `${field} is not valid`;
  }
}

const harmlessName = /^[\w.-]{1,64}$/;

/** `data.quantity` for /data/quantity. A field that is missing or not known is named by the report's parameters. */
function fieldOf({ instancePath, params }: Report, part: string): string {
  const path = instancePath.split("/").slice(1);
  const own: unknown = params["missingProperty"] ?? params["additionalProperty"];
  if (typeof own === "string") path.push(harmlessName.test(own) ? own : "a field");
  const name = path.join(".");
  if (name === "productId") return "The product id";
  return name === "" ? `The ${part}` : name;
}

function withArticle(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function choicesOf(allowed: unknown): string {
  const choices = Array.isArray(allowed) ? allowed.map((value) => JSON.stringify(value)) : [];
  return choices.length === 1 ? choices.join() : `one of ${choices.join(", ")}`;
}

/** What a value is, without quoting it. */
function kindOf(data: unknown): string {
  if (data === null) return "null";
  if (Array.isArray(data)) return "an array";
  if (typeof data === "number" && !Number.isInteger(data))
    return Number.isFinite(data) ? "a fraction" : "a number that large";
  return withArticle(typeof data);
}
