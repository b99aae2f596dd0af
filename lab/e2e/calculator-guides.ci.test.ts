/** The guides whose examples call the calculator. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { eventually, freeBase, type RunningProcess, start } from '@rondo/harness';
import { createRouter, implement, type RpcServer, serve } from '@rondo/rpc/server';
import { readGuide } from '../../e2e/src/docs.js';
import { toTally } from '../../e2e/src/tally.js';
import { runFile } from './src/run-guide.js';

const OPENSSL = 'openssl';
const noOpenssl = spawnSync(OPENSSL, ['version']).error !== undefined;
if (noOpenssl) process.stdout.write('openssl is not installed here: by-address.mjs is not run with TLS\n');

describe('docs/guides/call-a-service.md', () => {
  const guide = readGuide('call-a-service.md');
  const folder = mkdtempSync(join(tmpdir(), 'rondo-by-address-'));
  let calculator: RpcServer;

  beforeAll(async () => {
    const add = implement(CalculatorDefinition, { add: ({ a, b }) => ({ result: a + b }) });
    calculator = await serve(createRouter({ services: [add] }), { listen: '127.0.0.1:0' });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await calculator.drain(0);
  });

  (noOpenssl ? it.skip : it)('runs as it stands, with TLS', async () => {
    const make = '-x509 -days 2 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -subj /CN=localhost';
    const names = ['-addext', 'subjectAltName=DNS:localhost'];
    spawnSync(OPENSSL, ['req', ...make.split(' '), ...names], { cwd: folder });
    const [cert, key] = ['ca.pem', 'key.pem'].map((file) => readFileSync(join(folder, file)));
    const front = createServer({ cert, key, ALPNProtocols: ['h2'] }, (outside) => {
      const inside = connect(calculator.port, '127.0.0.1');
      outside.on('close', () => inside.destroy());
      outside.pipe(inside).pipe(outside);
    });
    await once(front.listen(0, '127.0.0.1'), 'listening');
    const { port } = front.address() as AddressInfo;
    const { stdout, stderr } = await runFile(guide, 'by-address.mjs', `localhost:${port}`, join(folder, 'ca.pem'));
    expect({ stdout, stderr }).toEqual({ stdout: '2 + 3 = 5\n', stderr: '' });
    const closed = once(front, 'close');
    front.close();
    await closed;
  });
});

describe('docs/guides/balancing.md', () => {
  const { commands } = readGuide('balancing.md');
  const from = commands.findIndex((line) => line.includes('RONDO_METADATA=canary=5'));
  const [deploy = '', ps = '', thousand = '', one = '', drain = ''] = commands.slice(from);
  const running: RunningProcess[] = [];
  let registry: string;

  /** Runs a line of the guide, with the environment that `./rondo` and `npm start` would give it. */
  const run = (line: string, more = '') => {
    const command = line
      .replace('./rondo', `exec "${process.execPath}" scripts/rondo.mjs`)
      .replace(' node ', ' exec node ');
    return start('/bin/sh', ['-c', `${command} ${more}`], { env: { RONDO_REGISTRY: registry } });
  };

  const succeed = async ({ ended }: RunningProcess) => {
    const { code, stdout, stderr } = await ended;
    if (code !== 0) throw new Error(`${stdout}${stderr}`);
    return stdout;
  };

  beforeAll(async () => {
    const base = await freeBase();
    registry = `127.0.0.1:${base}`;
    for (const [index, name] of ['registry', 'calculator'].entries()) {
      const environment = { RONDO_REGISTRY: registry, RONDO_LISTEN: `127.0.0.1:${base + index}` };
      running.push(start(process.execPath, [`services/${name}/dist/main.js`], { env: environment }));
    }
    running.push(run(deploy));
    await Promise.all(running.slice(1).map((service) => service.printed(/"msg":"registered"/)));
    await eventually(async () => {
      const { stdout } = await run(ps, '--json').ended;
      expect(JSON.parse(stdout || '{"instances": []}').instances).toHaveLength(2);
    });
  });

  afterAll(async () => {
    for (const { process: child } of running) child.kill('SIGTERM');
    await Promise.all(running.map(({ ended }) => ended));
  });

  it('shows the canary in the list', async () => {
    expect(await succeed(run(ps))).toMatch(/^calculator-new .* 2\.1\.0 +5 /m);
  });

  it('gives the canary 5 % of a thousand calls', async () => {
    const { failed, instances } = toTally(await succeed(run(thousand, '--json')));
    expect(failed).toBe(0);
    expect(Math.abs((instances['calculator-new'] ?? 0) - 50)).toBeLessThan(5);
  });

  it('reaches the canary by its version', async () => {
    expect(toTally(await succeed(run(one, '--count 10 --json'))).instances).toEqual({ 'calculator-new': 10 });
  });

  it('drains the canary without failing a call', async () => {
    await succeed(run(drain));
    const { failed, instances } = toTally(await succeed(run(thousand, '--json')));
    expect(failed).toBe(0);
    expect(instances).not.toHaveProperty('calculator-new');
  });

  it('gives three calls of four to an instance of three times the weight, by weighted_round_robin', async () => {
    running.push(run(deploy.replace('calculator-new', 'large').replace('RONDO_METADATA=canary=5', 'RONDO_WEIGHT=300')));
    await running.at(-1)?.printed(/"msg":"registered"/);
    const weighted = thousand.replace('./', "RONDO_BALANCING='*=weighted_round_robin' ./");
    const { instances } = toTally(await succeed(run(weighted, '--json')));
    expect(Math.abs((instances['large'] ?? 0) - 750)).toBeLessThan(15);
  });
});
