/** The limits of HTTP/2 that are in force at a server of `serve`: a client may have as much as they say, and no more. */
import { once } from 'node:events';
import http2 from 'node:http2';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { open, type Victim } from '../../test/attacks/attempt.js';
import { BEGIN } from '../../test/attacks/frames.js';
import { HEADERS, outcomesOf, SETTINGS_ENTRIES } from '../../test/attacks/session-limits.js';
import { servedSessions } from '../../test/support/served-sessions.js';
import { socketsOfATest } from '../../test/support/sockets.js';
import { until } from '../../test/support/wait.js';

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
    const sessions = servedSessions();
    const server = await start();
    const socket = await open(server);
    closers.push(() => socket.destroy());
    socket.pause().write(BEGIN);
    await until(() => sessions.length > 0);
    const [session] = sessions;
    const sent = Array.from({ length: 12 }, () => session?.ping(() => undefined));
    expect(sent).toEqual([...Array(10).fill(true), false, false]);
  });
});
