import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { conformanceService } from '../../test/support/service.js';
import { createChannel } from '../channel/channel.js';
import { createClient } from '../client/create-client.js';
import { staticResolver } from '../resolver/static.js';
import { createRouter } from '../server/router.js';
import { serve } from './serve.js';

const router = createRouter({ services: [conformanceService()] });
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-socket-'));
  path = join(folder, 'rpc.sock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Leaves a socket at `path`, as a killed process does. */
async function crash(): Promise<void> {
  const code = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', code, path]), 'exit');
  expect(lstatSync(path).isSocket()).toBe(true);
}

it.each([
  ['unix:/path', 'unix:'],
  ['unix:///path', 'unix://'],
])('serves at %s although a killed process left its socket there', async (_form, scheme) => {
  await crash();
  const server = await serve(router, { listen: `${scheme}${path}` });
  const channel = createChannel({ resolver: staticResolver([`unix:${path}`]) });
  const { unary } = createClient(ConformanceServiceDefinition, { channel });
  expect(await unary({ text: 'served' })).toMatchObject({ text: 'served' });
  channel.close();
  await server.drain(0);
  expect(existsSync(path)).toBe(false);
});

it('does not disturb a server that listens there', async () => {
  const other = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  await once(other.listen(path), 'listening');
  const { ino } = lstatSync(path);
  const message = `can't listen on unix:${path}: another process listens on it`;
  await expect(serve(router, { listen: `unix:${path}` })).rejects.toThrow(message);
  expect(lstatSync(path).ino).toBe(ino);
  other.close();
});

it('does not remove a file that is no socket', async () => {
  writeFileSync(path, 'a letter');
  const message = `can't listen on unix:${path}: the path isn't a socket`;
  await expect(serve(router, { listen: `unix:${path}` })).rejects.toThrow(message);
  expect(existsSync(path)).toBe(true);
});
