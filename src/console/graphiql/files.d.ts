/** The address of one of the files that GraphiQL's package is made of: vite.config.ts makes them. */
declare module "virtual:graphiql/*" {
  const url: string;
  export default url;
}
