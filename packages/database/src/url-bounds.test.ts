import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from '@jest/globals';
import { createPool, DatabaseUnavailable } from './index.js';
import { boundsOf } from './url-bounds.js';

it.each([
  ['connect_timeout=60', { connectTimeoutMs: 60_000 }],
  ['sslmode=require&connect_timeout=1&lock_timeout=20&x=y', { connectTimeoutMs: 1_000, lockTimeoutMs: 20 }],
  ['statement_timeout=1500', { statementTimeoutMs: 1_500 }],
  ['connect_timeout=0&statement_timeout=0&lock_timeout=0', {}],
  ['connect_timeout=soon&my_lock_timeout=9', {}],
  ['', {}],
])('an address may bound what is done by it: %s', (search, bounds) => {
  expect(boundsOf(`postgres://a:b@host:1/lock_timeout=7?${search}`)).toEqual(bounds);
});

it('a pool waits for a connection for as long as its address says, whatever its options say', async () => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => void sockets.push(socket));
  await once(mute.listen(0, '127.0.0.1'), 'listening');
  const address = mute.address();
  const url = `postgres://a:b@127.0.0.1:${typeof address === 'object' ? address?.port : ''}/c`;
  const pools = {
    'options: 1.5 s': createPool({ url, connectTimeoutMs: 1_500 }),
    'address: 1 s, options: 60 s': createPool({ url: `${url}?connect_timeout=1`, connectTimeoutMs: 60_000 }),
  };
  const gaveUp: string[] = [];
  const checks = Object.entries(pools).map(async ([name, pool]) => {
    await expect(pool.check()).rejects.toBeInstanceOf(DatabaseUnavailable);
    gaveUp.push(name);
  });
  try {
    await Promise.all(checks);
    expect(gaveUp).toEqual(['address: 1 s, options: 60 s', 'options: 1.5 s']);
  } finally {
    for (const socket of sockets) socket.destroy();
    await Promise.all(Object.values(pools).map((pool) => pool.close()));
    await new Promise((resolve) => mute.close(resolve));
  }
});
