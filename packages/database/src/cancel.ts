import { connect } from 'node:net';
import type { PoolClient } from 'pg';

const CANCEL_REQUEST_CODE = 80877102;
const CANCEL_REQUEST_BYTES = 16;

/**
 * Asks the server to end what `client` is running. Resolves when the server has taken the request or couldn't be asked
 * within `timeoutMs`; never rejects, as `statement_timeout` ends the statement all the same.
 *
 * It is the protocol's own CancelRequest (PostgreSQL manual, 54.2.9), not `pg_cancel_backend`: it needs no free
 * connection, and cancelling matters most when there is none.
 */
export function cancelStatement(client: PoolClient, timeoutMs: number): Promise<void> {
  const request = cancelRequest(client);
  if (request === undefined) return Promise.resolve();
  const { host, port } = client;
  return new Promise((resolve) => {
    const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('connect', () => socket.end(request));
    // The server answers by closing, and 'close' follows only when that end has been read.
    socket.resume();
  });
}

/** Undefined where the server gave no key, as some poolers do. */
function cancelRequest(client: PoolClient): Buffer | undefined {
  const processId = 'processID' in client ? client.processID : undefined;
  const secretKey = 'secretKey' in client ? client.secretKey : undefined;
  if (typeof processId !== 'number' || typeof secretKey !== 'number') return undefined;
  const packet = Buffer.alloc(CANCEL_REQUEST_BYTES);
  packet.writeInt32BE(CANCEL_REQUEST_BYTES, 0);
  packet.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  packet.writeInt32BE(processId, 8);
  packet.writeInt32BE(secretKey, 12);
  return packet;
}
