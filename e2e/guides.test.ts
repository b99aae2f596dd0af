import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { eventually, freeBase, type RunningProcess, root, runNode, start } from '@rondo/harness';
import { POLICIES, parseBalancing } from '@rondo/rpc/internal';
import { createRouter, implement, type RpcServer, serve } from '@rondo/rpc/server';
import { readGuide } from './src/docs.js';
import { toTally } from './src/load.js';

const noOpenssl = spawnSync('openssl', ['version']).error !== undefined;

/** Runs a guide's file unchanged, in a folder from which the packages of the workspace resolve. */
async function runFile(file: string, code: string, ...args: readonly string[]) {
  const folder = join(root, 'e2e/.guides');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), code);
  const ended = await runNode([join(folder, file), ...args]);
  rmSync(join(folder, file));
  return ended;
}

describe('docs/guides/first-call.md', () => {
  const code = readGuide('first-call.md').code('first-call.mjs');

  it('is under 40 lines', () => {
    expect(code.trimEnd().split('\n').length).toBeLessThan(40);
  });

  it('runs unchanged, and ends by itself', async () => {
    const { code: exitCode, stdout, stderr } = await runFile('first-call.mjs', code);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.match(/^2 \+ \d = \d$/gm)).toEqual([
      '2 + 1 = 3',
      '2 + 2 = 4',
      '2 + 3 = 5',
      '2 + 4 = 6',
      '2 + 5 = 7',
      '2 + 6 = 8',
    ]);
    expect(stdout.match(/^call \d was served by (one|two|three)$/gm)).toHaveLength(6);
  });
});

describe('docs/guides/call-by-address.md', () => {
  const code = readGuide('call-by-address.md').code('by-address.mjs');
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

  it('runs unchanged, without TLS', async () => {
    const { stdout, stderr } = await runFile('by-address.mjs', code, calculator.address);
    expect({ stdout, stderr }).toEqual({ stdout: '2 + 3 = 5\n', stderr: '' });
  });

  (noOpenssl ? it.skip : it)('runs as it stands, with TLS', async () => {
    const make = '-x509 -days 2 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -subj /CN=localhost';
    const names = ['-addext', 'subjectAltName=DNS:localhost'];
    spawnSync('openssl', ['req', ...make.split(' '), ...names], { cwd: folder });
    const [cert, key] = ['ca.pem', 'key.pem'].map((file) => readFileSync(join(folder, file)));
    const front = createServer({ cert, key, ALPNProtocols: ['h2'] }, (outside) => {
      const inside = connect(calculator.port, '127.0.0.1');
      outside.on('close', () => inside.destroy());
      outside.pipe(inside).pipe(outside);
    });
    await once(front.listen(0, '127.0.0.1'), 'listening');
    const { port } = front.address() as AddressInfo;
    const { stdout, stderr } = await runFile('by-address.mjs', code, `localhost:${port}`, join(folder, 'ca.pem'));
    expect({ stdout, stderr }).toEqual({ stdout: '2 + 3 = 5\n', stderr: '' });
    const closed = once(front, 'close');
    front.close();
    await closed;
  });
});

describe('docs/guides/canary.md', () => {
  const [deploy = '', ps = '', thousand = '', one = '', drain = ''] = readGuide('canary.md').commands;
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
});

describe('docs/guides/balancing.md', () => {
  const guide = readGuide('balancing.md');
  const text = readFileSync(join(root, 'docs/guides/balancing.md'), 'utf8');
  const folder = join(root, 'e2e/.guides-balancing');

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('describes every policy', () => {
    expect(POLICIES.filter((policy) => !text.includes(`\n### ${policy}\n`))).toEqual([]);
  });

  it('has no broken links, and small pictures', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) =>
      join(root, 'docs/guides', link),
    );
    expect(links.filter((link) => !existsSync(link))).toEqual([]);
    const pictures = links.filter((link) => link.endsWith('.svg'));
    expect(pictures.length).toBeGreaterThan(POLICIES.length);
    expect(pictures.filter((picture) => statSync(picture).size >= 30_000)).toEqual([]);
  });

  it('has a contract that compiles', async () => {
    guide.write(join(folder, 'shop/v1'), 'shop.proto');
    const modules = [{ path: 'proto', includes: ['proto/rondo/options'] }, { path: 'e2e/.guides-balancing' }];
    const config = JSON.stringify({ version: 'v2', modules });
    const { code, stderr } = await start('node_modules/.bin/buf', ['build', '--config', config, '-o', '/dev/null'])
      .ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('has a valid configuration', () => {
    const configured = guide.commands.flatMap((line) => /^RONDO_BALANCING='(.*)'$/.exec(line)?.[1] ?? []);
    expect(configured).toHaveLength(1);
    expect(configured.map(parseBalancing)).toEqual([
      {
        faults: [],
        overrides: {
          'calculator.v1.CalculatorService': { policy: 'least_request' },
          'sales.v1.OrderService': { policy: 'weighted_round_robin', weights: 'load' },
        },
      },
    ]);
  });

  it('has code that runs unchanged: three calls of four go to the instance with three times the weight', async () => {
    guide.write(folder, 'balancing.mjs');
    const { code, stdout, stderr } = await runNode([join(folder, 'balancing.mjs')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, large = '', small = ''] = /\{ large: (\d+), small: (\d+) \}/.exec(stdout) ?? [];
    expect(Number(large) + Number(small)).toBe(400);
    expect(Number(large)).toBeGreaterThanOrEqual(290);
    expect(Number(large)).toBeLessThanOrEqual(320);
  });
});

describe('docs/guides/scatter-gather.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('scatter-gather.md');
    const { code: exitCode, stdout, stderr } = await runFile('scatter.mjs', guide.code('scatter.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});

describe('docs/guides/sync.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('sync.md');
    const { code: exitCode, stdout, stderr } = await runFile('sync.mjs', guide.code('sync.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});

describe('docs/guides/transactions.md', () => {
  it('runs unchanged, and prints what the guide shows', async () => {
    const guide = readGuide('transactions.md');
    const { code: exitCode, stdout, stderr } = await runFile('transactions.mjs', guide.code('transactions.mjs'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(guide.code('output'));
  });
});
