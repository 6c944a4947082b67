import base from "../../jest.config.js";

const { globalSetup: _setup, globalTeardown: _teardown, ...rest } = base;

/**
 * Apollo's tests of what stands between HTTP and an Apollo Server. They are a run of their own: they want no database, and leave out by
 * themselves what needs graphql 17.
 */
export default {
  ...rest,
  rootDir: "../..",
  roots: ["<rootDir>/test/apollo-suite"],
  testMatch: ["**/*.suite.ts"],
};
