import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { removeService } from './remove-service.js';

// A minimal repository: its scripts for installing and building do nothing, and it has no git.
describe('removing a service', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'rondo-remove-'));
    rondo('install', '');
    put('tsconfig.build.json', '{ "references": [{ "path": "services/sales" }, { "path": "services/greeter" }] }\n');
    put('docker-compose.yml', `services:\n${['sales', 'greeter'].map(composed).join('\n')}`);
    put('buf.yaml', 'version: v2\nlint:\n  use: [STANDARD]\n  ignore:\n    - proto/greeter/greeter.proto\n');
    service('sales', ['sales/sales.proto']);
    service('greeter', ['greeter/greeter.proto']);
    put('proto/sales/sales.proto', 'import "shared/money.proto";');
    put(
      'proto/greeter/greeter.proto',
      'import "shared/money.proto";\nimport "greeter/words.proto"; // import "sales/sales.proto";',
    );
    put('proto/greeter/words.proto', 'import "deep/er/letters.proto";');
    put('proto/deep/er/letters.proto', '');
    put('proto/shared/money.proto', '');
    put('packages/contracts/src/sales/sales.ts', '');
    put('packages/contracts/dist/sales/sales.js', '');
    put('packages/contracts/dist/greeter/greeter.js', '');
    put('packages/contracts/dist/greeter/greeter.d.ts.map', '');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const stands = (file: string) => existsSync(path.join(root, file));
  const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
  function put(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  /** Makes a program that does nothing but for one command. */
  const rondo = (command: string, code: string) =>
    put('tool/dist/main.mjs', `if (process.argv[2] === '${command}') { ${code} }`);
  const composed = (name: string) => `  ${name}:\n    build: { args: { SERVICE: ${name} } }\n`;
  function service(name: string, contracts: readonly string[]): void {
    put(`services/${name}/package.json`, JSON.stringify({ rondo: { port: 50_060, contracts } }));
  }
  const remove = (options: Partial<Parameters<typeof removeService>[0]> = {}) =>
    removeService({
      root,
      tool: path.join(root, 'tool'),
      name: 'greeter',
      force: true,
      signal: new AbortController().signal,
      progress: { step: async (_name, work) => work() },
      ...options,
    });

  it('removes its contract and the files that nothing else imports', async () => {
    expect(await remove()).toEqual({
      service: 'greeter',
      contracts: ['proto/deep/er/letters.proto', 'proto/greeter/greeter.proto', 'proto/greeter/words.proto'],
      kept: [],
      database: undefined,
      complaints: undefined,
    });
    for (const gone of ['services/greeter', 'proto/greeter', 'proto/deep', 'packages/contracts/dist/greeter']) {
      expect([gone, stands(gone)]).toEqual([gone, false]);
    }
    for (const kept of [
      'proto/shared/money.proto',
      'proto/sales/sales.proto',
      'packages/contracts/dist/sales/sales.js',
    ]) {
      expect([kept, stands(kept)]).toEqual([kept, true]);
    }
    expect(read('tsconfig.build.json')).toBe('{ "references": [{ "path": "services/sales" }] }\n');
    expect(read('docker-compose.yml')).toBe(`services:\n${composed('sales')}`);
    expect(read('buf.yaml')).toBe('version: v2\nlint:\n  use: [STANDARD]\n');
  });

  it('refuses if other code uses its contract, with the lines; with force it keeps the contract', async () => {
    put('services/sales/src/a.ts', "\nimport { G } from '@rondo/contracts/greeter/greeter';\n");
    put('e2e/b.test.ts', "import '@shop/contracts/greeter/greeter';\n");
    put('services/greeter/src/own.ts', "import '@rondo/contracts/greeter/greeter';\n");
    await expect(remove({ force: false })).rejects.toThrow(
      'other code uses the contract of greeter: services/sales/src/a.ts:2, e2e/b.test.ts:1; change them first',
    );
    const { contracts, kept } = await remove();
    expect({ contracts, kept }).toEqual({ contracts: [], kept: ['proto/greeter/greeter.proto'] });
    expect(stands('services/greeter')).toBe(false);
    expect(stands('proto/deep/er/letters.proto')).toBe(true);
  });

  it('only says what it would do, if it is asked to', async () => {
    let agreed = false;
    const onAgreed = async () => {
      agreed = true;
    };
    const removed = await remove({ dryRun: true, onAgreed });
    expect(removed).toMatchObject({
      service: 'greeter',
      contracts: expect.arrayContaining(['proto/greeter/greeter.proto']),
    });
    expect(['services/greeter', 'proto/greeter/greeter.proto'].filter(stands)).toHaveLength(2);
    expect(agreed).toBe(false);
  });

  it('keeps a contract that another service serves', async () => {
    service('sales', ['sales/sales.proto', 'greeter/greeter.proto']);
    put('services/sales/src/a.ts', "import { G } from '@rondo/contracts/greeter/greeter';\n");
    await expect(remove({ force: false })).rejects.not.toThrow('other code uses');
    expect(await remove()).toMatchObject({ contracts: [], kept: ['proto/greeter/greeter.proto'] });
  });

  it('refuses to lose unsaved edits, before anything is stopped', async () => {
    let agreed = false;
    const onAgreed = async () => {
      agreed = true;
    };
    await expect(remove({ force: false, onAgreed })).rejects.toThrow(
      /git holds no copy of the edits in .*services\/greeter\/package/,
    );
    expect(agreed).toBe(false);
    expect(stands('services/greeter')).toBe(true);
  });

  it('changes nothing if the packages can not be installed', async () => {
    rondo('install', "console.log('no network'); process.exitCode = 1;");
    await expect(remove()).rejects.toMatchObject({ output: 'no network\n' });
    for (const kept of [
      'services/greeter/package.json',
      'proto/deep/er/letters.proto',
      'proto/greeter/greeter.proto',
    ]) {
      expect([kept, stands(kept)]).toEqual([kept, true]);
    }
    expect(read('docker-compose.yml')).toContain(composed('greeter'));
  });

  it('continues if the remaining tree does not build', async () => {
    rondo('build', "console.log('sales is wrong'); process.exitCode = 1;");
    expect(await remove()).toMatchObject({ complaints: 'sales is wrong\n' });
    expect(stands('services/greeter')).toBe(false);
  });

  it('builds nothing once the last one is gone', async () => {
    rondo('build', "console.log('there is no contract'); process.exitCode = 1;");
    rmSync(path.join(root, 'services/sales'), { recursive: true });
    expect(await remove()).toMatchObject({ service: 'greeter', complaints: undefined });
  });

  it('refuses the registry and an unknown service', async () => {
    await expect(remove({ name: 'registry' })).rejects.toThrow('every service needs the registry');
    await expect(remove({ name: 'lost' })).rejects.toThrow('there is no service "lost"');
  });
});
