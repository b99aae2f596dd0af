import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ServerReflectionDefinition } from '@rondo/contracts/grpc/reflection/v1/reflection';
import { root, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { bundleFile } from '../../packages/rondo/src/build/bundle-file.js';
import { patientClock } from '../../packages/rpc/test/support/patient-clock.js';

/** Most are of @rondo/rpc, then @rondo/service, pino, the contracts, @rondo/cache, @rondo/base and plugins. */
const MOST_FILES = 385;
const WHY = `Each file costs every start up to a millisecond of processor time, and every process about 50 KiB. Import on demand
what only some processes need; "npm run lab -- startup" shows what that saves. If all processes need it, raise the bound.`;

/** What a service needs only if it calls a foreign server, serves metrics, is asked by reflection, has rules in CEL, a database, or events over NATS. */
const ON_DEMAND =
  /@grpc\/|@opentelemetry|google\/protobuf\/descriptor\.js|\/descriptor-files\.js|@bufbuild\/(?:protovalidate|cel|re2)|\/pino-pretty\/|\/pg\/|nats/;

const running: ServiceProcess[] = [];
afterAll(() => Promise.all(running.map((process) => process.stop())));

it('answers its first call with few files loaded, and none that only some services need', async () => {
  const registry = await startRegistry();
  running.push(registry);
  const probe = pathToFileURL(join(root, 'lab/e2e/src/loaded-files.mjs')).href;
  const calculator = await startService('calculator', {
    registry: registry.address,
    nodeArguments: ['--import', probe],
  });
  running.push(calculator);
  await calculator.printed(/"msg":"registered"/);
  const channel = createChannel({ resolver: staticResolver([calculator.address]), clock: patientClock });
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

it('the code of sales loads nothing of NATS, which RONDO_TOPICS does', async () => {
  const probe = pathToFileURL(join(root, 'lab/e2e/src/loaded-files.mjs')).href;
  const app = pathToFileURL(join(root, 'services/sales/dist/app.js')).href;
  const code = `await import('${app}'); process.send('loaded')`;
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const child = spawn(process.execPath, ['--import', probe, '--input-type=module', '--eval', code], {
    stdio: [...stdio],
  });
  await once(child, 'message');
  const answer = once(child, 'message');
  child.send('which files?');
  const files = String((await answer)[0]).split('\n');
  child.kill();
  expect(files).toContain(pathToFileURL(join(root, 'packages/topics/dist/topics.js')).href);
  expect(files.filter((file) => file.includes('nats'))).toEqual([]);
});

describe('the bundle of an image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-bundle-'));
  beforeAll(() =>
    bundleFile(join(root, 'services/calculator/dist/main.js'), join(folder, 'main.mjs'), { splitting: true }),
  );
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has no code of channelz', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
    const code = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
    expect(code).not.toContain('protobufjs');
    expect(code).toContain('pino');
  });

  it('serves calls, metrics and reflection outside of the repository', async () => {
    const calculator = await startService('calculator', {
      root: folder,
      main: 'main.mjs',
      env: {
        RONDO_DESCRIPTORS: join(root, 'packages/contracts/descriptors.binpb'),
        RONDO_METRICS: '127.0.0.1:0',
      },
    });
    running.push(calculator);
    const channel = createChannel({ resolver: staticResolver([calculator.address]), clock: patientClock });
    const { result } = await createClient(CalculatorServiceDefinition, { channel }).add({ a: 2n, b: 3n });
    expect(result).toBe(5n);
    expect(await fileOf('calculator.v1.CalculatorService', channel)).toContain('calculator/v1/calculator.proto');
    channel.close();
    const [, metrics] = await calculator.printed(/"metrics":"([^"]+)"/);
    expect(await (await fetch(`http://${metrics}/metrics`)).text()).toContain('process_start_time_seconds');
  });

  it.each(['grpc', 'http/json', 'http/protobuf'])(
    'starts with traces and metrics by OTLP over %s',
    async (protocol) => {
      const env = {
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      };
      running.push(await startService('calculator', { root: folder, main: 'main.mjs', env }));
    },
  );
});

/** The file that declares a symbol, as reflection answers. */
async function fileOf(symbol: string, channel: Channel): Promise<string> {
  async function* requests() {
    yield { messageRequest: { $case: 'fileContainingSymbol' as const, value: symbol } };
  }
  const client = createClient(ServerReflectionDefinition, { channel });
  for await (const { messageResponse } of client.serverReflectionInfo(requests())) {
    if (messageResponse?.$case !== 'fileDescriptorResponse') break;
    return Buffer.concat(messageResponse.value.fileDescriptorProto).toString('latin1');
  }
  throw new Error(`reflection doesn't know ${symbol}`);
}
