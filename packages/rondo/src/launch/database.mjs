/** The databases of services, on the embedded server or on the one that RONDO_DATABASE_ADMIN_URL names. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startEmbedded } from './embedded.mjs';
import { DATABASE_OFFSET } from './plan.mjs';

const ADMIN_URL = 'RONDO_DATABASE_ADMIN_URL';

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {number} [port] Of the embedded server.
 * @property {string} [adminUrl] Of the server that RONDO_DATABASE_ADMIN_URL names.
 */

/**
 * Which server holds the databases.
 * @param {import('./options.mjs').Options} options
 * @returns {Server}
 * @throws {Error} if RONDO_DATABASE_ADMIN_URL is not a PostgreSQL URL, or its file can't be read.
 */
export function databaseServer({ portBase }) {
  const name = 'the database';
  const adminUrl = readAdminUrl();
  if (adminUrl === '') return { name, port: portBase + DATABASE_OFFSET };
  if (!/^postgres(ql)?:\/\/./.test(adminUrl) || !URL.canParse(adminUrl)) {
    throw new Error(
      `${ADMIN_URL} must be a superuser's URL, such as postgres://postgres:password@127.0.0.1:5432/postgres`,
    );
  }
  return { name, adminUrl };
}

/** Whether the databases are on a server that this system doesn't run. */
export const namesServer = (environment) => Boolean(environment[ADMIN_URL] || environment[`${ADMIN_URL}_FILE`]);

/** The value of the variable, or what is in the file that its `_FILE` twin names; empty if neither is set. */
function readAdminUrl() {
  const { [ADMIN_URL]: url = '', [`${ADMIN_URL}_FILE`]: file = '' } = process.env;
  if (file === '') return url;
  if (url !== '') throw new Error(`${ADMIN_URL} and ${ADMIN_URL}_FILE are both set: give one of them`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(
      `${ADMIN_URL}_FILE=${file} can't be read: ${error.message}: give the path of a file that holds the URL`,
    );
  }
}

/**
 * @typedef {object} Databases
 * @property {string} address
 * @property {string} home Where the data is stored.
 * @property {(names: string[]) => Promise<void>} provide Makes databases that are missing.
 * @property {(name: string) => Promise<string>} urlOf The URL of a database, which is made if it is missing.
 * @property {(name: string) => Promise<void>} reset Makes a database anew, without its data. Rejects for a server that this system
 *   doesn't run.
 * @property {() => { pid: number, isRunning: boolean } | undefined} process The process of the embedded server.
 * @property {() => Promise<void>} restart
 * @property {() => Promise<void>} stop
 */

/**
 * Makes sure that a named server answers. The embedded one starts with the first database.
 * @param {{ data: string, server: Server, supervisor: import('./supervisor.mjs').Supervisor }} options
 * @returns {Promise<Databases>}
 */
export async function startDatabases({ data, server: { port, adminUrl }, supervisor }) {
  const server = adminUrl === undefined ? embedded({ data, port, supervisor }) : await foreign(adminUrl);
  const urls = new Map();
  const provide = async (names) => {
    const missing = names.filter((name) => !urls.has(name));
    if (missing.length === 0) return;
    const passwords = readPasswords(data, missing);
    const databases = missing.map((name) => ({ database: name, role: name, password: passwords[name] }));
    await server.provision(databases);
    for (const one of databases) urls.set(one.database, urlOf(await server.adminUrl(), one));
  };
  return {
    address: server.address,
    home: server.home,
    provide,
    urlOf: async (name) => {
      await provide([name]);
      return urls.get(name);
    },
    async reset(name) {
      await server.remove(name);
      urls.delete(name);
      await provide([name]);
    },
    process: server.process,
    restart: server.restart,
    stop: server.stop,
  };
}

async function foreign(adminUrl) {
  const provision = async (databases) => {
    try {
      await provisionAt(adminUrl, databases);
    } catch (error) {
      throw new Error(`the server that ${ADMIN_URL} names can't be set up: ${error.message}`, { cause: error });
    }
  };
  const refuse = (remedy) => async () => {
    throw new Error(`${ADMIN_URL} names a server that this system doesn't run: ${remedy}`);
  };
  const restart = refuse('restart it where it runs');
  const remove = refuse('remove the database there');
  await provision([]); // a server that can't be reached is refused, also if no service has a database yet
  const { host: address } = new URL(adminUrl);
  const running = { process: () => undefined, restart, stop: async () => {} };
  return { adminUrl: async () => adminUrl, address, home: ADMIN_URL, provision, remove, ...running };
}

function embedded({ data, port, supervisor }) {
  let starting;
  let started;
  const start = async () => {
    starting ??= startEmbedded({ data, port, supervisor });
    try {
      started = await starting;
      return started;
    } catch (error) {
      starting = undefined;
      throw error;
    }
  };
  const adminUrl = async () => (await start()).url;
  return {
    adminUrl,
    address: `127.0.0.1:${port}`,
    home: data,
    provision: async (databases) => provisionAt(await adminUrl(), databases),
    async remove(name) {
      const { createPool } = await import('@rondo/database');
      const admin = createPool({ url: await adminUrl(), maxConnections: 1 });
      await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`).finally(() => admin.close());
    },
    process: () => started?.process(),
    restart: async () => (await start()).restart(),
    stop: async () => (await starting)?.stop(),
  };
}

async function provisionAt(adminUrl, databases) {
  const { provision } = await import('@rondo/database');
  await provision({ adminUrl, databases });
}

/** Reads or makes a password for each database, and stores them for the next start. */
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
