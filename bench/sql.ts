import { Client } from "pg";

/** Runs statements on a connection of their own. @returns the rows of the last one */
export async function executeSql<Row extends object>(url: string, statement: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}
