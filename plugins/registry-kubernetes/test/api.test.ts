import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { certify, createFolder, newAuthority } from '../../../packages/rpc/test/support/identities.js';
import { SlicesApi } from '../src/api.js';
import { openCluster } from '../src/cluster.js';
import { parseTarget } from '../src/target.js';

it('trusts the authorities that the file has now', async () => {
  const folder = createFolder();
  const [first, second] = [await newAuthority(), await newAuthority()];
  const list = JSON.stringify({ metadata: { resourceVersion: '1' }, items: [] });
  const server = createServer(await certify(first, 'api'), (_, response) => response.end(list));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder.write({ ca: first.cert });
  const at = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target = parseTarget(`kubernetes://shop?server=${at}&ca-file=${path.join(folder.path, 'ca.crt')}`);
  const api = new SlicesApi(openCluster(target, { environment: {} }));
  const ask = () => api.list('', AbortSignal.timeout(5_000));
  expect(await ask()).toEqual({ slices: [], revision: '1' });
  server.setSecureContext(await certify(second, 'api'));
  await expect(ask()).rejects.toThrow();
  folder.write({ ca: second.cert });
  expect(await ask()).toEqual({ slices: [], revision: '1' });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
