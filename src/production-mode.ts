/**
 * Imported before everything else: libraries look at NODE_ENV while they are loaded, and check at every step what a
 * developer might get wrong where it isn't "production" (in graphql, each instanceof).
 */
process.env["NODE_ENV"] ??= "production";
