/** The Unix socket, or named pipe, through which a running system takes requests: a JSON line in, JSON lines out. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LauncherRequest } from '@rondo/operate/internal';
import { codeOf, messageOf } from '../workspace/errors.js';
import type { Execute } from './commands.js';
import { replaceJson } from './data-folder.js';
import { DEFAULTS, type SystemOptions } from './options.js';

const isWindows = process.platform === 'win32';
/** The kernel's limit is 103 bytes on macOS, 107 on Linux. */
const MAX_SOCKET_BYTES = 100;
const MAX_REQUEST_BYTES = 4096;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 16;
const MAX_INSTANCES = 20; // of a service, on one machine

/**
 * Listens, and writes the socket's path to `launcher.json` of the data folder. The caller must hold the folder's lock.
 *
 * @param registry The address of the system's registry.
 * @returns a function that closes the socket.
 */
export async function openControl({ data, auth }: SystemOptions, registry: string, execute: Execute) {
  const { socket, remove } = placeSocket(data);
  const connections = new Set<Socket>();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    void serve(connection, execute);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await once(server.listen(socket), 'listening');
  if (!isWindows) chmodSync(socket, 0o600); // the umask might let other users in
  const description = path.join(data, 'launcher.json');
  replaceJson(description, { pid: process.pid, socket, registry, auth: auth !== undefined });
  const note = noteElsewhere(data);
  return async () => {
    for (const file of [description, note]) rmSync(file, { force: true });
    server.close();
    for (const connection of connections) connection.destroy();
    await once(server, 'close');
    remove();
  };
}

/** Names a data folder that isn't the default one, below that: `rondo upgrade` looks there for what runs. */
function noteElsewhere(data: string): string {
  const note = path.join(DEFAULTS.data, 'elsewhere', String(process.pid));
  if (data === DEFAULTS.data) return note;
  try {
    mkdirSync(path.dirname(note), { recursive: true });
    writeFileSync(note, data);
  } catch (error) {
    // No upgrade can change a workspace that can't be written to.
    if (!['EACCES', 'EROFS', 'ENOSPC'].includes(codeOf(error) ?? '')) throw error;
  }
  return note;
}

/** In the data folder; if its path is too long, in a temporary folder that only this user can read. Windows has named pipes instead. */
function placeSocket(data: string): { readonly socket: string; readonly remove: () => void } {
  if (isWindows) return { socket: `\\\\.\\pipe\\rondo-${randomUUID()}`, remove: () => undefined };
  const socket = path.join(data, 'launcher.sock');
  if (Buffer.byteLength(socket) <= MAX_SOCKET_BYTES) {
    // A launcher that was killed leaves it behind. rmSync of a socket makes Node 20 miss the links of the packages that it loads next.
    const remove = () => {
      if (existsSync(socket)) unlinkSync(socket);
    };
    remove();
    return { socket, remove };
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-'));
  return { socket: path.join(folder, 'launcher.sock'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function serve(connection: Socket, execute: Execute): Promise<void> {
  const reply = (message: object) => connection.writable && connection.write(`${JSON.stringify(message)}\n`);
  connection.on('error', () => connection.destroy()); // the client has left: its request is carried out all the same
  try {
    const request = parseRequest(await readLine(connection));
    reply({ event: 'done', ...(await execute(request, (line) => reply({ event: 'log', line }))) });
  } catch (error) {
    const message = typeof error === 'string' ? `the system stops (${error})` : messageOf(error);
    reply({ event: 'failed', message });
  }
  connection.end();
}

function readLine(connection: Socket): Promise<string> {
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

const LISTINGS = ['status', 'processes'] as const;
const OF_A_SERVICE = ['start', 'stop', 'reset', 'database'] as const;

function parseRequest(line: string): LauncherRequest {
  const { command, service, name, instances } = parseObject(line);
  const listing = LISTINGS.find((one) => one === command);
  if (listing !== undefined) return { command: listing };
  if (command === 'restart') {
    if (typeof name === 'string') return { command, name };
    throw new Error('"name" must name what to restart: a service, one of its instances, or postgres');
  }
  const simple = OF_A_SERVICE.find((one) => one === command);
  if (simple === undefined && command !== 'scale')
    throw new Error(`"command" must be one of ${[...OF_A_SERVICE, 'restart', 'scale', ...LISTINGS].join(', ')}`);
  if (typeof service !== 'string')
    throw new Error(`"service" must name the one to ${command}: its folder under services/`);
  if (simple !== undefined) return { command: simple, service };
  if (typeof instances === 'number' && Number.isInteger(instances) && instances >= 0 && instances <= MAX_INSTANCES)
    return { command: 'scale', service, instances };
  throw new Error(
    `npm start runs 0 to ${MAX_INSTANCES} instances of a service, as they share this machine; give such a number, ` +
      `or run more in containers: docker compose up --scale ${service}=${instances}`,
  );
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(line) };
  } catch (error) {
    throw new Error('a request is a JSON object, such as {"command":"start","service":"greeter"}', { cause: error });
  }
}
