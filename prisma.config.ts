import { defineConfig } from "prisma/config";

/** For Prisma's own command line (generate, validate, format); the gateway applies migrations itself. */
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
});
