import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { openTools } from './open.js';

it('agents are served where a variable says so, by a key that gateways share or that one makes', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-key-'));
  const keys: Uint8Array[] = [];
  const open = async (key: Uint8Array) => {
    keys.push(key);
    return () => Promise.reject(new Error('not asked'));
  };
  const opened = (mcp?: string) => openTools({ mcp, open });
  const file = path.join(folder, 'key');
  expect([opened(), opened('off')]).toEqual([undefined, undefined]);
  await opened('on');
  await opened('on');
  writeFileSync(file, Buffer.alloc(32, 5));
  await opened(file);
  expect(keys.map(({ length }) => length)).toEqual([32, 32, 32]);
  expect(keys[0]).not.toEqual(keys[1]);
  expect(keys[2]).toEqual(Buffer.alloc(32, 5));
  writeFileSync(file, 'short');
  expect(() => opened(file)).toThrow(`RONDO_GATEWAY_MCP: ${file} has less than 32 bytes`);
  expect(() => opened(path.join(folder, 'none'))).toThrow('ENOENT');
  rmSync(folder, { recursive: true });
});
