import http2, { type ServerHttp2Session } from 'node:http2';
import { jest } from '@jest/globals';

/** The sessions that servers of this process begin from now on. */
export function servedSessions(): readonly ServerHttp2Session[] {
  const sessions: ServerHttp2Session[] = [];
  const begin = http2.performServerHandshake;
  jest.spyOn(http2, 'performServerHandshake').mockImplementation((...args) => {
    const session = begin(...args);
    sessions.push(session);
    return session;
  });
  return sessions;
}
