import { connect, createServer, type Server, type Socket } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { filePostgres } from '../test/postgres.js';
import { DatabaseUnavailable } from './errors.js';
import { keepListening } from './keep-listening.js';
import { type Listening, listen } from './listen.js';
import type { Database } from './sql.js';
import { freePort, withoutBounds } from './testing/test-postgres.js';

const postgres = filePostgres();
let url: string;
let database: Database;

beforeAll(async () => {
  url = await postgres.createDatabase();
  database = postgres.pool({ url });
});

/** A queue of received notifications. */
function inbox() {
  const received: string[] = [];
  let wake: () => void = () => undefined;
  return {
    onNotification(payload: string) {
      received.push(payload);
      wake();
    },
    async next(): Promise<string> {
      while (received.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return received.shift() ?? '';
    },
  };
}

describe('listen', () => {
  it('receives committed notifications of its channel in order, and none of another', async () => {
    const { onNotification, next } = inbox();
    const listening = await listen({ url, channel: 'Changes; x', onNotification });
    await database.transaction(async (transaction) => {
      for (const payload of ['a', 'b']) await transaction.query("SELECT pg_notify('Changes; x', $1)", [payload]);
      await transaction.query("SELECT pg_notify('other', 'z')");
    });
    await database.query("SELECT pg_notify('Changes; x', '')");
    expect([await next(), await next(), await next()]).toEqual(['a', 'b', '']);
    await listening.close();
    await listening.ended;
  });

  it('is made again by keepListening, which says so', async () => {
    const { onNotification, next } = inbox();
    const notify = (payload = 'connected') => onNotification(payload);
    const listener = keepListening({ url, channel: 'changes', applicationName: 'kept', onNotification: notify });
    for (const payload of ['a', 'b']) {
      expect(await next()).toBe('connected');
      await database.query("SELECT pg_notify('changes', $1)", [payload]);
      expect(await next()).toBe(payload);
      await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kept'");
    }
    expect(await next()).toBe('connected');
    await listener.close();
  });

  it('ends when the server ends the connection, and is unusable then', async () => {
    const { onNotification } = inbox();
    const listening = await listen({ url, channel: 'changes', applicationName: 'doomed', onNotification });
    await listening.check(300_000);
    await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'");
    await listening.ended;
    await expect(listening.check(300_000)).rejects.toBeInstanceOf(DatabaseUnavailable);
    await listening.close();
  });

  it('fails in time if no server answers', async () => {
    const refused = listen({ url: urlAt(await freePort()), channel: 'changes', onNotification: () => undefined });
    await expect(refused).rejects.toBeInstanceOf(DatabaseUnavailable);
    const mute = await muteServer();
    const options = { url: urlAt(mute.port), channel: 'changes', onNotification: () => undefined };
    await expect(listen({ ...options, connectTimeoutMs: 50 })).rejects.toBeInstanceOf(DatabaseUnavailable);
    await mute.close();
  });

  it('detects a server that no longer answers', async () => {
    const proxy = await proxyBefore(postgres.port);
    const { onNotification } = inbox();
    const listening: Listening = await listen({ url: urlAt(proxy.port), channel: 'changes', onNotification });
    await listening.check(300_000);
    proxy.fallSilent();
    await expect(listening.check(50)).rejects.toBeInstanceOf(DatabaseUnavailable);
    await listening.ended;
    await proxy.close();
  });
});

function urlAt(port: number): string {
  const address = new URL(withoutBounds(url));
  address.port = String(port);
  return address.href;
}

/** Accepts connections and never answers. */
function muteServer() {
  return open(() => undefined);
}

/** Forwards everything until `fallSilent` is called. */
async function proxyBefore(port: number) {
  const sockets: Socket[] = [];
  const proxy = await open((near) => {
    const far = connect({ host: '127.0.0.1', port });
    sockets.push(near, far);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    near.on('close', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  return {
    ...proxy,
    fallSilent() {
      for (const socket of sockets) socket.unpipe();
      for (const socket of sockets) socket.pause();
    },
  };
}

async function open(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const listener: Server = createServer((socket) => {
    sockets.add(socket);
    onSocket(socket);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  return {
    port,
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        listener.close(() => resolve());
      }),
  };
}
