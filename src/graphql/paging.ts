import { ArgsType, Field, Int } from "type-graphql";
import { InvalidInputError } from "../inventory/errors.ts";
import { pageSizeDefault, pageSizeMax } from "../inventory/queries.ts";
import type { PageRequest } from "../inventory/queries.ts";

/**
 * The arguments by which every list is paged; the lists' own args classes extend it. Fields of args and inputs are declared and
 * not made: those that were not given type-graphql would delete, and an object that was deleted from is slow for V8.
 */
@ArgsType()
export class PagingArgs {
  @Field(() => Int, {
    nullable: true,
    description: `How many items, counted from \`after\` or the list's beginning: 0 … ${pageSizeMax}, ${pageSizeDefault} if you don't say. Not together with \`last\`.`,
  })
  declare readonly first?: number | null;

  @Field(() => String, {
    nullable: true,
    description: "Only items after the one with this cursor, which has to be of this list and order.",
  })
  declare readonly after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: `How many items, counted back from \`before\` or the list's end: 0 … ${pageSizeMax}. They come in the list's order all the same.`,
  })
  declare readonly last?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Only items before the one with this cursor. Without `first` and `last` you get the ones right before it. Together with `after`: " +
      "what lies between.",
  })
  declare readonly before?: string | null;
}

/**
 * @returns the page asked for; cursors are checked where the list is read
 * @throws InvalidInputError for `first` with `last`, or a size out of range
 */
export function toPageRequest({ first, after, last, before }: PagingArgs): PageRequest {
  if (first != null && last != null) throw new InvalidInputError("last", "last can't be given together with first");
  const isBackward = last != null || (first == null && before != null && after == null);
  const limit = isBackward ? parsePageSize("last", last) : parsePageSize("first", first);
  return {
    limit,
    direction: isBackward ? "backward" : "forward",
    after: after ?? undefined,
    before: before ?? undefined,
  };
}

function parsePageSize(field: "first" | "last", size: number | null | undefined): number {
  if (size == null) return pageSizeDefault;
  if (size < 0 || size > pageSizeMax || Object.is(size, -0))
    throw new InvalidInputError(field, `${field} has to be an integer from 0 to ${pageSizeMax}`);
  return size;
}
