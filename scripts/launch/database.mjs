/** The databases that the services own: on the embedded server, or on the one that RONDO_DATABASE_ADMIN_URL names. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DATABASE_OFFSET } from './plan.mjs';

/**
 * Starts the server and makes what is missing in it.
 * @param {{ data: string, portBase: number, names: string[], log: (line: string) => void }} options
 * @returns {Promise<{ urls: Map<string, string>, address: string, stop: () => Promise<void> }>} an URL for each name.
 */
export async function startDatabases({ data, portBase, names, log }) {
  const server = await startServer({ data, portBase, log });
  const passwords = readPasswords(data, names);
  const databases = names.map((name) => ({ database: name, role: name, password: passwords[name] }));
  const { provision } = await import('../../packages/database/dist/index.js');
  try {
    await provision({ adminUrl: server.adminUrl, databases, log });
  } catch (error) {
    await server.stop();
    throw error;
  }
  const urls = new Map(databases.map((one) => [one.database, urlOf(server.adminUrl, one)]));
  return { urls, address: new URL(server.adminUrl).host, stop: server.stop };
}

async function startServer({ data, portBase, log }) {
  const adminUrl = process.env.RONDO_DATABASE_ADMIN_URL;
  if (adminUrl !== undefined) return { adminUrl, stop: async () => {} };
  const { startEmbeddedPostgres } = await import('../../packages/database/dist/embedded/index.js');
  const directory = path.join(data, 'postgres');
  const server = await startEmbeddedPostgres({ directory, port: portBase + DATABASE_OFFSET, log });
  return { adminUrl: server.url, stop: () => server.stop() };
}

/** One password a database, kept for the next start. */
function readPasswords(data, names) {
  const file = path.join(data, 'passwords.json');
  const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  for (const name of names) known[name] ??= randomBytes(16).toString('hex');
  mkdirSync(data, { recursive: true });
  writeFileSync(file, `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 });
  return known;
}

function urlOf(adminUrl, { database, role, password }) {
  const url = new URL(adminUrl);
  url.username = role;
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
}
