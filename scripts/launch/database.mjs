/** The databases that the services own: on the embedded server, or on the one that RONDO_DATABASE_ADMIN_URL names. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DATABASE_OFFSET } from './plan.mjs';

const ADMIN_URL = 'RONDO_DATABASE_ADMIN_URL';

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {number} [port] Of the embedded server.
 * @property {string} [adminUrl] Of the one that RONDO_DATABASE_ADMIN_URL names.
 */

/**
 * Which server holds the databases.
 * @param {import('./options.mjs').Options} options
 * @returns {Server}
 * @throws {Error} when RONDO_DATABASE_ADMIN_URL is no PostgreSQL URL.
 */
export function databaseServer({ portBase }) {
  const name = 'the database';
  const adminUrl = process.env[ADMIN_URL] ?? '';
  if (adminUrl === '') return { name, port: portBase + DATABASE_OFFSET };
  if (!/^postgres(ql)?:\/\/./.test(adminUrl) || !URL.canParse(adminUrl)) {
    throw new Error(
      `${ADMIN_URL} must be a superuser's URL, such as postgres://postgres:password@127.0.0.1:5432/postgres`,
    );
  }
  return { name, adminUrl };
}

/**
 * Starts the server and makes what is missing in it.
 * @param {{ data: string, server: Server, names: string[], log: (line: string) => void }} options
 * @returns {Promise<{ urls: Map<string, string>, address: string, home: string, stop: () => Promise<void> }>} an URL for
 * each name; `home` tells where the data is kept.
 */
export async function startDatabases({ data, server: { port, adminUrl }, names, log }) {
  const server = adminUrl === undefined ? await startEmbedded({ data, port, log }) : foreign(adminUrl);
  const passwords = readPasswords(data, names);
  const databases = names.map((name) => ({ database: name, role: name, password: passwords[name] }));
  const { provision } = await import('../../packages/database/dist/index.js');
  try {
    await provision({ adminUrl: server.adminUrl, databases, log });
  } catch (error) {
    await server.stop();
    if (adminUrl === undefined) throw error;
    throw new Error(`the server that ${ADMIN_URL} names can't be set up: ${error.message}`, { cause: error });
  }
  const urls = new Map(databases.map((one) => [one.database, urlOf(server.adminUrl, one)]));
  return { urls, address: new URL(server.adminUrl).host, home: server.home, stop: server.stop };
}

const foreign = (adminUrl) => ({ adminUrl, home: ADMIN_URL, stop: async () => {} });

async function startEmbedded({ data, port, log }) {
  const { startEmbeddedPostgres } = await import('../../packages/database/dist/embedded/index.js');
  const directory = path.join(data, 'postgres');
  const server = await startEmbeddedPostgres({ directory, port, log });
  return { adminUrl: server.url, home: data, stop: () => server.stop() };
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
