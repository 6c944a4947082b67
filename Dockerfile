# The gateway over a PostgreSQL of your own (DATABASE_URL). Nothing is written at run time: the root file system may be read-only.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
# What is optional is the embedded PostgreSQL, and Prisma's own command line.
RUN npm ci && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:24-bookworm-slim
ENV HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/prisma prisma
COPY --from=build /app/dist dist
USER node
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 4000}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# As the first process it is told to stop, and answers what it has accepted before it does.
ENTRYPOINT ["node", "dist/main.js"]
CMD ["start"]
