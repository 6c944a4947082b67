import { ApolloLink } from "@apollo/client/link";
import type { ApolloCache } from "@apollo/client";
import { OperationTypeNode } from "graphql";
import { finalize } from "rxjs";
import type { StockTransactionFieldsFragment } from "../generated/operations.ts";
import { mergeStockTransactions } from "./merge.ts";

/**
 * Keeps answers that were read before a stock transaction, and arrive after the feed has told of it, from undoing it in the
 * cache: what was told while a query was on its way is merged once more when its answer is there.
 */
export class OvertakenAnswers {
  readonly #underWay = new Set<StockTransactionFieldsFragment[]>();

  /** Says that the feed has told of it. */
  note(stockTransaction: StockTransactionFieldsFragment): void {
    for (const told of this.#underWay) told.push(stockTransaction);
  }

  /** @param cache what the answers are put into */
  link(cache: ApolloCache): ApolloLink {
    return new ApolloLink((operation, forward) => {
      if (operation.operationType !== OperationTypeNode.QUERY) return forward(operation);
      const told: StockTransactionFieldsFragment[] = [];
      this.#underWay.add(told);
      const end = (): void => {
        this.#underWay.delete(told);
        if (told.length > 0) mergeStockTransactions(cache, told);
      };
      // The answer is put into the cache by whoever asked, right after this.
      return forward(operation).pipe(finalize(() => void setTimeout(end)));
    });
  }
}
