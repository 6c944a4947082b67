import { execute, print, visit } from "graphql";
import type { ExecutionArgs, ExecutionResult } from "graphql";

/**
 * How long results are kept, in milliseconds. Those who watch live ask for an event's at nearly the same time; who comes to
 * it later wants what is looked up for it as it is then. It also bounds what is kept, whatever documents there are.
 */
const keptMs = 100;

/** A result, or the promise of one where a field below has to be looked up. */
type Result = ExecutionResult | Promise<ExecutionResult>;

/**
 * Executes a subscription's document for one event once, however many subscribers ask the same of it: the same document,
 * with the same variables but for those that only choose the events. Nothing below the root field depends on who asks.
 */
export class SharedResults {
  #results = new WeakMap<object, Map<string, Result>>();
  #since = performance.now();

  /** @returns executes one subscriber's document for each event that it is given */
  executor(args: ExecutionArgs): (event: object) => Result {
    const question = questionOf(args);
    return (event) => {
      const results = this.#resultsOf(event);
      const known = results.get(question);
      if (known !== undefined) return known;
      const result = execute({ ...args, rootValue: event });
      results.set(question, result);
      void forgetFailed(results, question, result);
      return result;
    };
  }

  #resultsOf(event: object): Map<string, Result> {
    const now = performance.now();
    if (now - this.#since > keptMs) {
      this.#results = new WeakMap();
      this.#since = now;
    }
    const known = this.#results.get(event);
    if (known !== undefined) return known;
    const results = new Map<string, Result>();
    this.#results.set(event, results);
    return results;
  }
}

/** What is in the way of one subscriber may be out of it for the next. */
async function forgetFailed(results: Map<string, Result>, question: string, result: Result): Promise<void> {
  if ((await result).errors !== undefined) results.delete(question);
}

/** The document without the arguments of its root field, and the values of the variables that are still used then. */
function questionOf({ schema, document, operationName, variableValues }: ExecutionArgs): string {
  const rootFields = schema.getSubscriptionType()?.getFields() ?? {};
  const names = new Set<string>();
  const question = visit(document, {
    Field: (node) => (node.name.value in rootFields ? { ...node, arguments: [] } : undefined),
  });
  visit(question, {
    VariableDefinition: () => false,
    Variable: (node) => void names.add(node.name.value),
  });
  // A variable that is not given has its default value, and one that is null has none.
  const given = Object.entries(variableValues ?? {}).filter(([name, value]) => names.has(name) && value !== undefined);
  const values = given.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([print(question), operationName, values]);
}
