/** Metadata refuses what Node's HTTP/2 throws at: thrown amid a reply, nothing catches it, and the process ends. */

import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Metadata } from './metadata.js';

const server = http2.createServer();
let session: ClientHttp2Session;

beforeAll(async () => {
  server.on('sessionError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(session, 'connect');
});

afterAll(async () => {
  session.destroy();
  const closed = once(server, 'close');
  server.close();
  await closed;
});

/** Whether Node throws at a message that has the header. */
function nodeThrows(key: string, value: string | string[]): boolean {
  try {
    session.request({ [key]: value }).on('error', () => undefined);
    return false;
  } catch {
    return true;
  }
}

function refuses(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return true;
  }
}

const keys = Object.entries(http2.constants)
  .filter(([name]) => name.startsWith('HTTP2_HEADER_'))
  .map(([, key]) => String(key))
  .filter((key) => !key.startsWith(':'));

it.each(keys)('%s, once and twice', (key) => {
  const metadata = new Metadata();
  const once = refuses(() => metadata.append(key, 'x'));
  const twice = refuses(() => metadata.append(key, 'y'));
  if (nodeThrows(key, 'x')) expect(once).toBe(true);
  if (nodeThrows(key, ['x', 'y'])) expect(twice).toBe(true);
});

it('tells what Node does', () => {
  expect(keys.length).toBeGreaterThan(50);
  expect(nodeThrows('connection', 'close')).toBe(true);
  expect(nodeThrows('etag', ['a', 'b'])).toBe(true);
  expect(nodeThrows('x-own', ['a', 'b'])).toBe(false);
});
