import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { toRecord } from '@rondo/registries';
import { rondo } from './recording-context.js';
import { startAdder } from './services.js';

/** A server of Eureka with one instance of the adder. */
let server: Server;
let adder: Awaited<ReturnType<typeof startAdder>>;
let environment: { RONDO_REGISTRY: string };

beforeEach(async () => {
  adder = await startAdder('calculator', '127.0.0.1:1');
  const entry = {
    instanceId: 'adder-1',
    ipAddr: '127.0.0.1',
    vipAddress: 'rondo.conformance.v1.AdderService',
    status: 'UP',
    port: { $: Number(adder.address.split(':')[1]), '@enabled': 'true' },
  };
  const own = toRecord(
    Instance.fromPartial({ instanceId: 'other-1', incarnation: 1_700_000_000_000n, services: ['a.B'] }),
  );
  const other = { instanceId: 'other-1', status: 'UP', metadata: { rondo: own } };
  const application = [{ name: 'RONDO.CONFORMANCE.V1.ADDERSERVICE', instance: [entry, other] }];
  server = createServer((_, response) => void response.end(JSON.stringify({ applications: { application } })));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  environment = { RONDO_REGISTRY: `eureka://127.0.0.1:${(server.address() as AddressInfo).port}` };
});

afterEach(async () => {
  server.close();
  await adder.drain();
});

it('ps, pick and call use the instances of a registry of another kind', async () => {
  const { stdout } = await rondo(['ps'], { environment });
  expect(stdout).toMatch(/^adder-1 .* SERVING .* rondo\.conformance\.v1\.AdderService$/m);
  const { instances } = JSON.parse((await rondo(['ps', '--json'], { environment })).stdout);
  expect(instances).toMatchObject([{ registerTime: null }, { registerTime: '2023-11-14T22:13:20.000Z' }]);
  const picked = await rondo(['pick', 'AdderService', '--count', '1'], { environment });
  expect(picked).toMatchObject({ exitCode: 0, stdout: `adder-1 ${adder.address}\n` });
  const called = await rondo(['call', 'AdderService/Add', '{"a": 2, "b": 3}'], { environment });
  expect(called).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('5') });
});

it('the doctor examines the instances of a registry of another kind', async () => {
  const { stdout } = await rondo(['doctor'], { environment });
  expect(stdout).toMatch(/^ok {4}registry {8}answers at eureka:\/\/127/m);
  expect(stdout).toMatch(/^warn {2}instances {7}1 of 2 are SERVING; other-1 is /m);
});

it.each([
  [
    ['drain', 'adder-1', '--force'],
    /has no SetOperatorState; PUT …\/apps\/SERVICE\/ID:SERVICE\/status\?value=OUT_OF_SERVICE takes/,
  ],
  [['config'], /has no ListSettings; .*; a service's variables are its settings/],
])('%p says what does it there', async (command, message) => {
  const { exitCode, stderr } = await rondo(command, { environment });
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(message);
});

it.each([
  ['etcd://user:s3cret@h', /^rondo: RONDO_REGISTRY "etcd:\/\/\(hidden\)@h": rondo can't/],
  ['user:s3,cret@h:1', /^rondo: RONDO_REGISTRY "\(hidden\)@h:1": must be host:port/],
  ['kubernetes://shop', /rondo can't list what is registered there; ask kubectl get endpointslices, or HOST:PORT/],
  ['nacos://h', /there; give consul, eureka, zookeeper, or HOST:PORT/],
  ['consul://h:0', /h:0 is no HOST:PORT/],
])('%s is refused', async (url, message) => {
  const { stderr } = await rondo(['ps'], { environment: { RONDO_REGISTRY: url } });
  expect(stderr).toMatch(message);
});
