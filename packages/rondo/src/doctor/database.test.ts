import { chmodSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort } from '@rondo/database/testing';
import { Folder } from '../../test/scaffold/folder.js';
import { asNeeded, faultOfRunning } from './database.js';
import { fail, ok } from './finding.js';

it('that PostgreSQL is missing is a fault if a service has a database', () => {
  const missing = fail('it is not installed', 'install it');
  const [storing, plain] = [{ database: 'shop' }, { database: undefined }];
  expect(asNeeded(missing, [plain, storing])).toBe(missing);
  expect(asNeeded(missing, [plain])).toEqual({ state: 'note', detail: 'no service has one; it is not installed' });
  expect(asNeeded(ok('18.4'), [plain])).toEqual(ok('18.4'));
});

it('a frozen PostgreSQL is a fault', async () => {
  using data = new Folder();
  chmodSync(data.path, 0o755);
  const server = await startEmbeddedPostgres({ directory: path.join(data.path, 'postgres'), port: await freePort() });
  expect(await faultOfRunning(data.path)).toBeUndefined();
  process.kill(server.pid, 'SIGSTOP');
  const begun = performance.now();
  const remedy = `kill -CONT ${server.pid}; pkill -CONT -P ${server.pid}`;
  expect(await faultOfRunning(data.path)).toMatchObject({ state: 'fail', remedy });
  expect(performance.now() - begun).toBeLessThan(4_000);
  process.kill(server.pid, 'SIGCONT');
  await server.stop();
});
