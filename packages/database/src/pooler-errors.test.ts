import { createServer } from 'node:net';
import { expect, it } from '@jest/globals';
import { createPool } from './pool.js';

/** A server that answers the start of a connection with an error, as PgBouncer does. */
async function refusing(code: string, message: string) {
  const fields = `SFATAL\0C${code}\0M${message}\0\0`;
  const length = Buffer.alloc(4);
  length.writeInt32BE(fields.length + 4);
  const server = createServer((socket) =>
    socket.once('data', () => socket.end(Buffer.concat([Buffer.from('E'), length, Buffer.from(fields)]))),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { url: `postgres://sales:secret@127.0.0.1:${port}/sales`, close: () => server.close() };
}

it.each([
  [
    '08P01',
    'unsupported startup parameter: statement_timeout',
    'a pooler refuses statement_timeout: give the address of PostgreSQL',
  ],
  [
    '26000',
    'prepared statement "x" does not exist',
    'a pooler loses prepared statements (prepared statement "x" does not exist)',
  ],
  [
    '42P05',
    'prepared statement "x" already exists',
    'a pooler loses prepared statements (prepared statement "x" already exists)',
  ],
])('a pooler that answers with %s is a fault that never passes, and no outage', async (code, message, why) => {
  const server = await refusing(code, message);
  const pool = createPool({ url: server.url, maxConnections: 1 });
  try {
    const refused = { name: 'Error', neverPasses: true, message: expect.stringContaining(why) };
    await expect(pool.check()).rejects.toMatchObject(refused);
  } finally {
    await pool.close();
    server.close();
  }
});
