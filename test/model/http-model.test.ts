import { deepStrictEqual } from "node:assert/strict";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { stockActions } from "../../src/inventory/actions.ts";
import type {
  BatchPolicy,
  Command,
  CommandBatch,
  CreateStockTransaction,
  DeleteStock,
} from "../../src/inventory/commands.ts";
import { ObviousModel } from "../inventory/obvious-model.ts";
import type { ModelAnswer } from "../inventory/obvious-model.ts";
import { auditLedger } from "../support/ledger-audit.ts";
import { Installation } from "./installation.ts";
import type { HttpAnswer, Way } from "./installation.ts";

const clientIds = ["warehouse", "shop"] as const;

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.open(clientIds);
});

afterAll(() => installation.close());

/** What is known of one history: the model, and under which id each stock transaction is known outside of it. */
interface Known {
  readonly model: ObviousModel;
  readonly ids: Map<string, string>;
  /** Before products and keys, so that no history meets another's. */
  readonly prefix: string;
}

type Step = fc.AsyncCommand<Known, Installation>;

function named<T extends CreateStockTransaction | DeleteStock>(command: T, prefix: string): T {
  const key =
    command.kind === "delete-stock" || command.idempotencyKey === null
      ? {}
      : { idempotencyKey: prefix + command.idempotencyKey };
  return { ...command, productId: prefix + command.productId, ...key };
}

/** Runs the commands through the model. @returns its answers, and whether each was given before */
function foresee(
  { model }: Known,
  batch: CommandBatch,
): { readonly answer: ModelAnswer; readonly replayed: boolean }[] {
  const spentBefore = [...model.keys];
  const answers = model.run(batch);
  return answers.map((answer, index) => {
    const command = batch.commands[index];
    const key = command?.kind === "create-stock-transaction" ? command.idempotencyKey : null;
    const isSpent = spentBefore.some((spent) => spent.clientId === command?.clientId && spent.idempotencyKey === key);
    return { answer, replayed: key !== null && isSpent && answer.code !== "IDEMPOTENCY_KEY_REUSED" };
  });
}

function foreseeOne(known: Known, command: Command): ReturnType<typeof foresee>[number] {
  const [expected] = foresee(known, { policy: "EACH", commands: [command] });
  if (expected === undefined) throw new Error("The model answers every command");
  return expected;
}

/** Holds an answer against the model's, as far as the transport tells it. */
function expectAnswer(known: Known, actual: HttpAnswer, expected: ModelAnswer, replayed: boolean): void {
  const { id, ...told } = actual;
  if (expected.code === "APPLIED" && id !== undefined && !replayed) known.ids.set(expected.id, id);
  const whole = {
    ...expected,
    ...(expected.code === "APPLIED" ? { id: known.ids.get(expected.id) } : {}),
    replayed,
  };
  const toldNames = new Set([...Object.keys(told), ...(id === undefined ? [] : ["id"])]);
  expect(actual).toEqual(Object.fromEntries(Object.entries(whole).filter(([name]) => toldNames.has(name))));
}

/** Holds a product's levels, over both transports and from both gateways, against the model's. */
async function expectLevels({ model }: Known, real: Installation, productId: string): Promise<void> {
  const { tracked, available, allocated, version } = model.levels(productId);
  const seen = await Promise.all([
    real.levels({ gateway: 0, transport: "graphql" }, "shop", productId),
    real.levels({ gateway: 1, transport: "rest" }, "warehouse", productId),
  ]);
  expect(seen).toEqual(
    tracked
      ? [
          { code: "LEVELS", available, allocated, version },
          { code: "LEVELS", available, allocated },
        ]
      : [null, null],
  );
}

class Move implements Step {
  constructor(
    readonly way: Way,
    readonly command: CreateStockTransaction,
  ) {}

  check(): boolean {
    return true;
  }

  async run(known: Known, real: Installation): Promise<void> {
    const command = named(this.command, known.prefix);
    const expected = foreseeOne(known, command);
    expectAnswer(known, await real.move(this.way, command), expected.answer, expected.replayed);
    await expectLevels(known, real, command.productId);
  }

  toString(): string {
    const { clientId, action, quantity, productId, idempotencyKey, expectedVersion } = this.command;
    return `${clientId} ${action} ${quantity} ${productId} key=${idempotencyKey} version=${expectedVersion} ${wordsOf(this.way)}`;
  }
}

class Batch implements Step {
  constructor(
    readonly way: Way,
    readonly commands: readonly CreateStockTransaction[],
    readonly policy: BatchPolicy,
  ) {}

  check(): boolean {
    return true;
  }

  async run(known: Known, real: Installation): Promise<void> {
    const commands = this.commands.map((command) => named(command, known.prefix));
    const expected = foresee(known, { policy: this.policy, commands });
    const answers = await real.moveAll(this.way, commands, this.policy);
    deepStrictEqual(answers.length, expected.length);
    for (const [index, { answer }] of expected.entries()) {
      const actual = answers[index] ?? { code: "none" };
      // Of a key that comes twice in one batch the second is a repetition too: the model tells only by the id.
      expectAnswer(known, actual, answer, actual.replayed ?? false);
    }
    for (const productId of new Set(commands.map((command) => command.productId)))
      await expectLevels(known, real, productId);
  }

  toString(): string {
    return `${this.policy} of [${this.commands.map((command) => new Move(this.way, command).toString()).join("; ")}]`;
  }
}

class Delete implements Step {
  constructor(
    readonly way: Way,
    readonly command: DeleteStock,
  ) {}

  check(): boolean {
    return true;
  }

  async run(known: Known, real: Installation): Promise<void> {
    const command = named(this.command, known.prefix);
    const expected = foreseeOne(known, command);
    expectAnswer(known, await real.delete(this.way, command), expected.answer, false);
    await expectLevels(known, real, command.productId);
  }

  toString(): string {
    const { clientId, productId, expectedVersion } = this.command;
    return `${clientId} deletes ${productId} version=${expectedVersion} ${wordsOf(this.way)}`;
  }
}

class LookUpKey implements Step {
  constructor(
    readonly way: Way,
    readonly clientId: string,
    readonly key: string,
  ) {}

  check(): boolean {
    return true;
  }

  async run(known: Known, real: Installation): Promise<void> {
    const key = known.prefix + this.key;
    const spent = known.model.keys.find(
      ({ clientId, idempotencyKey }) => clientId === this.clientId && idempotencyKey === key,
    );
    const found = await real.findByKey(this.way, this.clientId, key);
    if (spent === undefined || found === null) deepStrictEqual([found, spent], [null, undefined]);
    else expectAnswer(known, found, spent.answer, true);
  }

  toString(): string {
    return `${this.clientId} looks up ${this.key} ${wordsOf(this.way)}`;
  }
}

function wordsOf({ gateway, transport }: Way): string {
  return `(${transport}, gateway ${gateway})`;
}

const ways = fc.record({
  gateway: fc.constantFrom(0 as const, 1 as const),
  transport: fc.constantFrom("graphql" as const, "rest" as const),
});
const clients = fc.constantFrom(...clientIds);
const products = fc.constantFrom("apple", "pear");
const keys = fc.constantFrom("k1", "k2", "k3", "k4");
const versions = fc.option(fc.integer({ min: 0, max: 6 }), { freq: 6 });

const moves: fc.Arbitrary<CreateStockTransaction> = fc.record({
  kind: fc.constant("create-stock-transaction" as const),
  id: fc.uuid({ version: 7 }),
  clientId: clients,
  fingerprint: fc.constant(""),
  productId: products,
  action: fc.constantFrom(...stockActions),
  quantity: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom(2_147_483_646, 2_147_483_647) },
  ),
  idempotencyKey: fc.option(keys, { freq: 3 }),
  expectedVersion: versions,
  reason: fc.constantFrom(null, "SOLD" as const),
  reference: fc.constant(null),
  note: fc.constant(null),
});
const deletions: fc.Arbitrary<DeleteStock> = fc.record({
  kind: fc.constant("delete-stock" as const),
  id: fc.uuid({ version: 7 }),
  clientId: clients,
  productId: products,
  expectedVersion: versions,
});
/** A batch has one client: its token's. */
const batches = fc
  .tuple(clients, fc.array(moves, { minLength: 2, maxLength: 5 }))
  .map(([clientId, commands]) => commands.map((command) => ({ ...command, clientId })));

const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(ways, moves).map(([way, command]) => new Move(way, command)),
  fc.tuple(ways, moves).map(([way, command]) => new Move(way, command)),
  fc
    .tuple(ways, batches, fc.constantFrom("EACH" as const, "ALL_OR_NOTHING" as const))
    .map(([way, commands, policy]) => new Batch(way, commands, policy)),
  fc.tuple(ways, deletions).map(([way, command]) => new Delete(way, command)),
  fc.tuple(ways, clients, keys).map(([way, clientId, key]) => new LookUpKey(way, clientId, key)),
];

test("random histories over GraphQL and REST, through two gateways, are answered as the obvious model answers them", async () => {
  let histories = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: "max" }), async (history) => {
      histories += 1;
      const known = { model: new ObviousModel(), ids: new Map<string, string>(), prefix: `history ${histories}: ` };
      await fc.asyncModelRun(() => ({ model: known, real: installation }), history);
    }),
    { numRuns: 20, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false },
  );
  expect(histories).toBeGreaterThan(0);
  expect(await auditLedger(installation.databaseUrl)).toEqual([]);
});
