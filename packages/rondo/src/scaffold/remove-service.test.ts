import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { removeFiles } from './remove-service.js';

// A minimal repository without git.
describe('removing a service', () => {
  let folder: Folder;
  beforeEach(() => {
    folder = new Folder();
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
  });
  afterEach(() => folder[Symbol.dispose]());

  const stands = (file: string) => existsSync(path.join(folder.path, file));
  const read = (file: string) => readFileSync(path.join(folder.path, file), 'utf8');
  const put = (file: string, text: string) => folder.write(file, text);
  const composed = (name: string) => `  ${name}:\n    build: { args: { SERVICE: ${name} } }\n`;
  function service(name: string, contracts: readonly string[]): void {
    put(`services/${name}/package.json`, JSON.stringify({ rondo: { port: 50_060, contracts } }));
  }
  const remove = (options: Partial<Parameters<typeof removeFiles>[0]> = {}) =>
    removeFiles({
      root: folder.path,
      tool: path.join(folder.path, 'tool'),
      name: 'greeter',
      force: true,
      signal: new AbortController().signal,
      progress: { step: async (_name, work) => work() },
      isCommitted: true,
      written: new Map(),
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
    for (const gone of ['services/greeter', 'proto/greeter', 'proto/deep']) {
      expect([gone, stands(gone)]).toEqual([gone, false]);
    }
    for (const kept of ['proto/shared/money.proto', 'proto/sales/sales.proto']) {
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
    expect(await remove({ force: false })).toMatchObject({ contracts: [], kept: ['proto/greeter/greeter.proto'] });
  });

  it('refuses the registry and an unknown service', async () => {
    await expect(remove({ name: 'registry' })).rejects.toThrow('every service needs the registry');
    await expect(remove({ name: 'lost' })).rejects.toThrow('there is no service "lost"');
  });
});
