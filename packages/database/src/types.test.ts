import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { filePostgres } from '../test/postgres.js';

const postgres = filePostgres();

it('stores a time to the millisecond whose offset has seconds in the time zone of the process', async () => {
  const script = `import { createPool } from '@rondo/database';
    const database = createPool({ url: process.env.URL });
    const times = ['1800-01-01T00:00:00.123Z', '0001-01-01T00:00:00Z', '2026-07-01T00:00:00Z'].map((time) => new Date(time));
    const sql = 'SELECT array_agg(extract(epoch FROM time)::text) AS stored FROM unnest($1::timestamptz[] || $2::timestamptz) AS time';
    const { stored } = await database.one(sql, [times, times[0]]);
    console.log(JSON.stringify(stored.map((time, index) => time * 1000 - (times[index] ?? times[0]).getTime())));
    await database.close();`;
  const env = { ...process.env, TZ: 'Europe/Berlin', URL: await postgres.createDatabase() };
  const args = ['--input-type=module', '--eval', script];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  expect(JSON.parse(execFileSync(process.execPath, args, { cwd, env, encoding: 'utf8' }))).toEqual([0, 0, 0, 0]);
});
