/** The limits of HTTP/2 that are in force at a server of `serve`: a client may have as much as they say, and no more. */
import { once } from 'node:events';
import http2, { type Http2Server, type ServerHttp2Session } from 'node:http2';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { open, type Victim } from '../../../test/attacks/attempt.js';
import { BEGIN } from '../../../test/attacks/frames.js';
import { HEADERS, outcomesOf, SETTINGS_ENTRIES } from '../../../test/attacks/session-limits.js';
import { socketsOfATest } from '../../../test/support/sockets.js';

const { closers, startServer } = socketsOfATest();
afterEach(() => {
  jest.restoreAllMocks();
});

async function start(): Promise<Victim> {
  const server = await startServer();
  return { port: server.port };
}

describe('a connection has at most', () => {
  it.each([SETTINGS_ENTRIES, HEADERS])('$most $what', async (limit) => {
    expect(await outcomesOf(await start(), limit)).toEqual(['served', limit.refusal]);
  });

  it('10,000 streams, and 64 KiB of headers, by what it tells its clients', async () => {
    const { port } = await start();
    const session = http2.connect(`http://127.0.0.1:${port}`);
    closers.push(() => session.destroy());
    const [settings] = await once(session, 'remoteSettings');
    expect(settings).toMatchObject({ maxConcurrentStreams: 10_000, maxHeaderListSize: 64 * 1024 });
  });

  it('10 pings that its client has not answered', async () => {
    const servers: Http2Server[] = [];
    const create = http2.createServer;
    jest.spyOn(http2, 'createServer').mockImplementation((...args: unknown[]) => {
      const made: Http2Server = Reflect.apply(create, http2, args);
      servers.push(made);
      return made;
    });
    const server = await start();
    const [http2Server] = servers;
    if (http2Server === undefined) throw new Error('grpc-js has made no server');
    const begun: Promise<ServerHttp2Session[]> = once(http2Server, 'session');
    const socket = await open(server);
    closers.push(() => socket.destroy());
    socket.pause().write(BEGIN);
    const [session] = await begun;
    const sent = Array.from({ length: 12 }, () => session?.ping(() => undefined));
    expect(sent).toEqual([...Array(10).fill(true), false, false]);
  });
});
