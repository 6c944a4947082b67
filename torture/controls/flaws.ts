/** What a storage can get wrong, one thing at a time; "none" is right. */
export const flaws = ["none", "unlocked", "key-before-lock", "refusals-spend-no-key", "error-caught"] as const;

export type Flaw = (typeof flaws)[number];
