import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { rondo } from './recording-context.js';
import { Folder } from './scaffold/folder.js';

it.each(['the default folder', 'another'])(
  'rondo upgrade replaces no packages of a system that runs on %s',
  async (on) => {
    using folder = new Folder();
    const dataDirectory = folder.path;
    const data = on === 'another' ? path.join(dataDirectory, 'second') : dataDirectory;
    folder.write('elsewhere/7', path.join(dataDirectory, 'second'));
    mkdirSync(data, { recursive: true });
    const socket = path.join(data, 'launcher.sock');
    const launcher = createServer((connection) => {
      connection.once('data', () => connection.end(`${JSON.stringify({ event: 'done', rows: [] })}\n`));
    });
    await new Promise<void>((resolve) => launcher.listen(socket, resolve));
    writeFileSync(path.join(data, 'launcher.json'), JSON.stringify({ pid: 1, socket, registry: '127.0.0.1:1' }));
    const { exitCode, stderr } = await rondo(['upgrade'], { dataDirectory });
    await new Promise((resolve) => launcher.close(resolve));
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`a system runs on ${data}, `);
  },
);
