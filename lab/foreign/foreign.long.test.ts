import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, startService } from '@rondo/harness';
import { Status } from '@rondo/rpc/status';
import { type Clone, cloneRepository } from '../e2e/src/repository.js';
import { type Answer, answersOf } from './calls.js';
import { type ForeignContract, foreignContracts, packageFolder } from './contracts.js';
import { type ReflectedMethod, reflect } from './reflect.js';
import { type Row, toTable } from './report.js';
import { passValues } from './values.js';

// `npm run lab -- foreign` uses all contracts, CI every sixth one, `npm test` only those whose packages are installed.
const { FOREIGN_CONTRACTS: wanted } = process.env;
const chosen = foreignContracts.filter(({ short, refused }, index) => {
  if (wanted === 'sample') return index % 6 === 0 || refused !== undefined;
  return wanted === 'all' || short;
});
const CONTRACT_TIMEOUT_MS = 600_000;
/** By service, in the order in which the services were made. */
const rows = new Map<string, Row>();
/** The answers of each service. It is called while the next service is made, as neither keeps two cores busy. */
const asked = new Map<string, Asked>();
type Asked = Promise<PromiseSettledResult<readonly ReflectedMethod[]>>;
let underWay: Asked | undefined;

let clone: Clone;

beforeAll(async () => {
  clone = await cloneRepository();
  // `npm run check` compares the contracts with main's, where the new ones don't exist.
  await clone.git('switch', '--quiet', '--create', 'foreign');
});

afterAll(async () => {
  await underWay;
  clone?.remove();
  const report = join(root, '.rondo/foreign');
  mkdirSync(report, { recursive: true });
  writeFileSync(join(report, 'report.md'), toTable([...rows.values()]));
});

describe('rondo new service makes a service from a foreign contract, or refuses it with a reason', () => {
  it.each(chosen)(
    '$service from $from',
    async (contract) => {
      const [{ ended, seconds, lastLine }] = await Promise.all([newService(contract), underWay]);
      const tree = await clone.git('status', '--porcelain');
      const tell = (result: string) => rows.set(contract.service, { contract, seconds, methods: [], result });
      if (contract.refused !== undefined) {
        expect({ code: ended.code, tree }).toEqual({ code: 1, tree: '' });
        expect(lastLine).toMatch(contract.refused);
        tell(`refused: ${lastLine}`);
        return;
      }
      tell(ended.code === 0 ? 'made' : `FAILED: ${lastLine}`);
      expect({ code: ended.code, stderr: ended.stderr }).toMatchObject({ code: 0 });
      await clone.git('add', '--all');
      await clone.git('commit', '--quiet', `--message=${contract.service}`);
      underWay = Promise.allSettled([answers(contract.service)]).then(([outcome]) => outcome);
      asked.set(contract.service, underWay);
    },
    CONTRACT_TIMEOUT_MS,
  );
});

describe('every method of such a service is described, and names the file to edit', () => {
  it.each(chosen.filter(({ refused }) => refused === undefined))(
    '$service',
    async ({ service }) => {
      const outcome = await asked.get(service);
      if (outcome?.status !== 'fulfilled') throw outcome?.reason ?? new Error(`there is no ${service}`);
      const row = rows.get(service);
      if (row !== undefined) rows.set(service, { ...row, methods: outcome.value, result: 'served' });
      expect(outcome.value.length).toBeGreaterThan(0);
    },
    CONTRACT_TIMEOUT_MS,
  );
});

(wanted === undefined ? describe.skip : describe)('all of them together (npm run lab -- foreign)', () => {
  it('pass npm run check', () => passes('check'), CONTRACT_TIMEOUT_MS);

  it('pass their own tests', async () => {
    const folders = chosen.map(({ service }) => `services/${service}`);
    await passes('test', ...folders.filter((folder) => existsSync(join(clone.root, folder))));
  });
});

async function newService({ service, from, file, protoPaths = [] }: ForeignContract) {
  const folder = await packageFolder(from);
  const roots = protoPaths.flatMap((path) => ['--proto-path', join(folder, path)]);
  const startedAt = performance.now();
  await clone.commit();
  const ended = await clone.rondo('new', 'service', service, '--proto', join(folder, file), ...roots);
  const seconds = (performance.now() - startedAt) / 1000;
  const lastLine = ended.stderr.trim().split('\n').at(-1)?.replaceAll(`${folder}/`, '') ?? '';
  return { ended, seconds, lastLine };
}

/** Starts the service, and requires that every method is described, keeps values, and names the file to edit. */
async function answers(service: string): Promise<readonly ReflectedMethod[]> {
  const served = await startService(service, { root: clone.root });
  try {
    const { v1, v1alpha } = await reflect(served.address);
    expect(v1.length).toBeGreaterThan(0);
    expect(v1alpha).toEqual(v1);
    expect((await passValues(clone.root, service)).differing).toEqual([]);
    for (const [method, answer] of await answersOf(served.address, v1)) expectUnwritten(service, method, answer);
    return v1;
  } finally {
    await served.stop();
  }
}

function expectUnwritten(service: string, method: ReflectedMethod, { code, message }: Answer): void {
  expect({ method, code }).toEqual({ method, code: Status.UNIMPLEMENTED });
  const [, file = message] = /its handler belongs in (\S+)$/.exec(message) ?? [];
  expect(message).toContain(`/${method.service}/${method.name}`);
  expect(file).toMatch(new RegExp(`^services/${service}/src/`));
  expect(existsSync(join(clone.root, file))).toBe(true);
}

async function passes(...args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await clone.node('scripts/rondo.mjs', ...args);
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
}
