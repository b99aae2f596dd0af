/** The Unix socket, or named pipe, through which a running system takes requests: a JSON line in, JSON lines out. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEFAULTS } from './options.mjs';

const isWindows = process.platform === 'win32';
const COMMANDS = ['start', 'stop', 'forget', 'restart', 'scale', 'reset', 'database', 'status', 'processes'];
const LISTINGS = ['status', 'processes'];
/** The kernel's limit is 103 bytes on macOS, 107 on Linux. */
const MAX_SOCKET_BYTES = 100;
const MAX_REQUEST_BYTES = 4096;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 16;
const MAX_INSTANCES = 100; // of a service, on one machine

/**
 * Listens, and writes the socket's path to `launcher.json` of the data folder. The caller must hold the folder's lock.
 * @param {{ data: string, registry: string, execute: import('./commands.mjs').Execute }} options
 * @returns {Promise<{ close: () => Promise<void> }>}
 */
export async function openControl({ data, registry, execute }) {
  const { socket, remove } = placeSocket(data);
  const connections = new Set();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    serve(connection, execute);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise((resolve, reject) => server.once('error', reject).listen(socket, resolve));
  if (!isWindows) chmodSync(socket, 0o600); // the umask might let other users in
  const description = path.join(data, 'launcher.json');
  writeFileSync(`${description}.new`, `${JSON.stringify({ pid: process.pid, socket, registry })}\n`);
  renameSync(`${description}.new`, description);
  const note = noteElsewhere(data);
  return {
    async close() {
      for (const file of [description, note]) rmSync(file, { force: true });
      const closed = new Promise((resolve) => server.close(resolve));
      for (const connection of connections) connection.destroy();
      await closed;
      remove();
    },
  };
}

/** Names a data folder that isn't the default one, below that: `rondo upgrade` looks there for what runs. */
function noteElsewhere(data) {
  const note = path.join(DEFAULTS.data, 'elsewhere', String(process.pid));
  if (data === DEFAULTS.data) return note;
  try {
    mkdirSync(path.dirname(note), { recursive: true });
    writeFileSync(note, data);
  } catch (error) {
    // No upgrade can change a workspace that can't be written to.
    if (!['EACCES', 'EROFS', 'ENOSPC'].includes(error.code)) throw error;
  }
  return note;
}

/** In the data folder; if its path is too long, in a temporary folder that only this user can read. Windows has named pipes instead. */
function placeSocket(data) {
  if (isWindows) return { socket: `\\\\.\\pipe\\rondo-${randomUUID()}`, remove: () => undefined };
  const socket = path.join(data, 'launcher.sock');
  if (Buffer.byteLength(socket) <= MAX_SOCKET_BYTES) {
    rmSync(socket, { force: true }); // a launcher that was killed leaves it behind
    return { socket, remove: () => rmSync(socket, { force: true }) };
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-'));
  return { socket: path.join(folder, 'launcher.sock'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function serve(connection, execute) {
  const reply = (message) => connection.writable && connection.write(`${JSON.stringify(message)}\n`);
  connection.on('error', () => connection.destroy()); // the client has left: its request is carried out all the same
  readLine(connection)
    .then((line) => execute(parseRequest(line), (text) => reply({ event: 'log', line: text })))
    .then(
      (answer) => reply({ event: 'done', ...answer }),
      (error) => reply({ event: 'failed', message: error.message ?? `the system stops (${error})` }),
    )
    .finally(() => connection.end());
}

function readLine(connection) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error('no request came; one is a JSON line')), REQUEST_TIMEOUT_MS);
    connection.once('close', () => clearTimeout(timer));
    connection.setEncoding('utf8').on('data', (more) => {
      text += more;
      const end = text.indexOf('\n');
      if (end === -1 && text.length <= MAX_REQUEST_BYTES) return;
      clearTimeout(timer);
      connection.removeAllListeners('data').resume();
      if (end === -1) reject(new Error(`a request is a JSON line of at most ${MAX_REQUEST_BYTES} bytes`));
      else resolve(text.slice(0, end));
    });
  });
}

function parseRequest(line) {
  const { command, service, name, instances } = parseObject(line);
  if (!COMMANDS.includes(command)) throw new Error(`"command" must be one of ${COMMANDS.join(', ')}`);
  if (LISTINGS.includes(command)) return { command };
  if (command === 'restart') {
    if (typeof name === 'string') return { command, name };
    throw new Error('"name" must name what to restart: a service, one of its instances, or postgres');
  }
  if (typeof service !== 'string') {
    throw new Error(`"service" must name the one to ${command}: its folder under services/`);
  }
  if (command !== 'scale') return { command, service };
  if (Number.isInteger(instances) && instances > 0 && instances <= MAX_INSTANCES)
    return { command, service, instances };
  throw new Error(`"instances" must be a whole number from 1 to ${MAX_INSTANCES}`);
}

function parseObject(line) {
  try {
    return { ...JSON.parse(line) };
  } catch (error) {
    throw new Error('a request is a JSON object, such as {"command":"start","service":"greeter"}', { cause: error });
  }
}
