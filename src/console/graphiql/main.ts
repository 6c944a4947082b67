import editorWorkerUrl from "virtual:graphiql/editorWorkerService";
import graphqlWorkerUrl from "virtual:graphiql/graphqlWorker";
import jsonWorkerUrl from "virtual:graphiql/jsonWorker";
import scriptUrl from "virtual:graphiql/js";
import stylesUrl from "virtual:graphiql/css";
import { readStoredSession } from "../session/stored-session.ts";
import { mendColors } from "./colors.ts";
import type { Monaco } from "./colors.ts";
import { mendRoles } from "./roles.ts";

/** What GraphiQL opens with. */
const query = `# Ctrl-Enter runs it.
# The access token stands under Headers.
query FewestAvailable {
  stocks(orderBy: AVAILABLE, first: 10) {
    nodes {
      productId
      available
      allocated
    }
  }
}
`;

/** What the package's script adds to the page. */
interface PackagedGraphiql {
  renderYogaGraphiQL(root: Element, options: object): void;
}

declare global {
  interface Window {
    readonly YogaGraphiQL?: PackagedGraphiql;
    readonly monaco?: Monaco;
    MonacoEnvironment?: object;
  }
}

const workerUrls: Readonly<Record<string, string>> = {
  editorWorkerService: editorWorkerUrl,
  json: jsonWorkerUrl,
  graphql: graphqlWorkerUrl,
};

/** Shows GraphiQL, with the token of the console's session if this tab has one. */
async function show(): Promise<void> {
  window.MonacoEnvironment = {
    globalAPI: true,
    getWorkerUrl: (_moduleId: string, label: string) => workerUrls[label],
  };
  await Promise.all([addStyles(stylesUrl), addScript(scriptUrl)]);
  const root = document.querySelector("#root");
  const { YogaGraphiQL, monaco } = window;
  if (root === null || YogaGraphiQL === undefined || monaco === undefined) throw new Error("GraphiQL was not loaded");
  mendColors(monaco);
  mendRoles(root);
  const session = readStoredSession();
  const authorization = session === null ? "Bearer …" : `Bearer ${session.token}`;
  YogaGraphiQL.renderYogaGraphiQL(root, {
    title: "inventory-gateway",
    logo: " ",
    endpoint: "/graphql",
    defaultQuery: query,
    headers: JSON.stringify({ Authorization: authorization }, null, 2),
    // A token is kept for the tab, never in localStorage.
    shouldPersistHeaders: false,
  });
}

function addScript(src: string): Promise<void> {
  const script = document.createElement("script");
  return added(Object.assign(script, { src }));
}

function addStyles(href: string): Promise<void> {
  return added(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}

function added(element: HTMLElement): Promise<void> {
  return new Promise((resolve, reject) => {
    element.addEventListener("load", () => resolve());
    element.addEventListener("error", () => reject(new Error("A file of GraphiQL could not be loaded")));
    document.head.append(element);
  });
}

void show();
