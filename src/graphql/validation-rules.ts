import type { ValidationRule } from "graphql";
import { NoIntrospectionRule } from "./introspection.ts";
import { LimitsRule } from "./limits.ts";
import { SubscriptionRootRule } from "./subscription-root.ts";

/** What documents are held against besides graphql-js's own rules, over every transport. */
export function validationRules({ hidesSchema }: { readonly hidesSchema: boolean }): ValidationRule[] {
  return [SubscriptionRootRule, LimitsRule, ...(hidesSchema ? [NoIntrospectionRule] : [])];
}
