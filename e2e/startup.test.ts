import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { root, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

/** 304 when this bound was set: 65 of grpc-js, 132 of @rondo/rpc, 29 of @rondo/service, 16 contracts, 28 of pino. */
const MOST_FILES = 312;
const WHY = `Each file costs every start about a millisecond of processor time, and every process about 50 KiB. Import on demand
what only some processes need; "npm run bench -- startup" shows what that saves. If all processes need it, raise the bound.`;

/** What a service needs only if it serves metrics, is asked by reflection, or has a database. */
const ON_DEMAND = /@opentelemetry|google\/protobuf\/descriptor\.js|\/descriptor-files\.js|\/pino-pretty\/|\/pg\//;

const running: ServiceProcess[] = [];
afterAll(() => Promise.all(running.map((process) => process.stop())));

it('answers its first call with few files loaded, and none that only some services need', async () => {
  const registry = await startRegistry();
  running.push(registry);
  const probe = pathToFileURL(join(root, 'e2e/src/loaded-files.mjs')).href;
  const calculator = await startService('calculator', {
    registry: registry.address,
    nodeArguments: ['--import', probe],
  });
  running.push(calculator);
  await calculator.printed(/"msg":"registered"/);
  const channel = createChannel({ resolver: staticResolver([calculator.address]) });
  const { result } = await createClient(CalculatorServiceDefinition, { channel }).add({ a: 2n, b: 3n });
  channel.close();
  expect(result).toBe(5n);

  const answer = once(calculator.process, 'message');
  calculator.process.send('which files?');
  const files = String((await answer)[0]).split('\n');
  expect(files.filter((file) => ON_DEMAND.test(file))).toEqual([]);
  // A floor as well: a probe that sees nothing must not pass.
  expect(files.length).toBeGreaterThan(100);
  if (files.length > MOST_FILES) throw new Error(`calculator loads ${files.length} files, over ${MOST_FILES}. ${WHY}`);
});
