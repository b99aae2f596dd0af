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
    put('scripts/relock.mjs', '');
    put('scripts/run.mjs', '');
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
  const composed = (name: string) => `  ${name}:\n    build: { args: { SERVICE: ${name} } }\n`;
  function service(name: string, contracts: readonly string[]): void {
    put(`services/${name}/package.json`, JSON.stringify({ rondo: { port: 50_060, contracts } }));
  }
  const remove = (options: Partial<Parameters<typeof removeService>[0]> = {}) =>
    removeService({
      root,
      tool: path.join(root, 'scripts'),
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
      along: [],
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

  it("gives back the package's module in whose place one of its contracts stood", async () => {
    const buf = read('buf.yaml');
    put('buf.yaml', `${buf}modules:\n  # proto/greeter/words.proto stands in place of   - path: words\n`);
    await remove();
    expect(read('buf.yaml')).toBe('version: v2\nlint:\n  use: [STANDARD]\nmodules:\n  - path: words\n');
  });

  it('refuses if other code uses its contract, with the lines; with force it keeps the contract', async () => {
    put('services/sales/src/a.ts', "\nimport { G } from '@rondo/contracts/greeter/greeter';\n");
    put('e2e/b.test.ts', "import '@rondo/contracts/greeter/greeter';\n");
    put('services/greeter/src/own.ts', "import '@rondo/contracts/greeter/greeter';\n");
    await expect(remove({ force: false })).rejects.toThrow(
      'other code uses the contract of greeter: services/sales/src/a.ts:2, e2e/b.test.ts:1; change them first',
    );
    const { contracts, kept } = await remove();
    expect({ contracts, kept }).toEqual({ contracts: [], kept: ['proto/greeter/greeter.proto'] });
    expect(stands('services/greeter')).toBe(false);
    expect(stands('proto/deep/er/letters.proto')).toBe(true);
  });

  it('removes what samples.json names for it, with the lines that belong to that', async () => {
    put(
      'samples.json',
      '{\n  "e2e/a.test.ts": ["greeter"],\n  "lab": ["greeter", "sales"],\n  "lab/d.mjs": ["sales"],\n  "docs/b.md": ["sales"]\n}\n',
    );
    put('proto/greeter/own.proto', 'import "greeter/words.proto";');
    put(
      'samples.json',
      readFileSync(path.join(root, 'samples.json'), 'utf8').replace(
        '"lab"',
        '"proto/greeter/own.proto": ["greeter"],\n  "lab"',
      ),
    );
    put('e2e/a.test.ts', "import '@rondo/contracts/greeter/greeter';\n");
    put('lab/tsconfig.json', '{}');
    put('docs/b.md', '');
    put('scripts/greet.mjs', '');
    put('tsconfig.build.json', '{ "references": [{ "path": "services/greeter" }, { "path": "lab" }] }\n');
    put('knip.json', '{ "workspaces": { "lab": {}, "lab/peers": {}, "e2e": {} } }\n');
    expect(await remove({ force: true })).toMatchObject({
      contracts: ['proto/deep/er/letters.proto', 'proto/greeter/greeter.proto', 'proto/greeter/words.proto'],
      along: ['e2e/a.test.ts', 'proto/greeter/own.proto', 'lab'],
    });
    expect(['e2e/a.test.ts', 'lab', 'proto/greeter'].filter(stands)).toEqual([]);
    expect([read('tsconfig.build.json'), read('knip.json')]).toEqual([
      '{ "references": [] }\n',
      '{ "workspaces": { "e2e": {} } }\n',
    ]);
    expect(read('samples.json')).toBe('{\n  "docs/b.md": ["sales"]\n}\n');
  });

  it('removes samples.json with its last entry, and scripts of package.json that have no file any more', async () => {
    put('samples.json', '{ "scripts/greet.mjs": ["greeter"], "docs/c.md": ["greeter"] }\n');
    put('scripts/greet.mjs', '');
    put(
      'package.json',
      '{\n  "scripts": {\n    "greet": "exec node scripts/run.mjs greet",\n    "start": ""\n  }\n}\n',
    );
    await remove();
    expect(stands('samples.json')).toBe(false);
    expect(read('package.json')).toBe('{\n  "scripts": {\n    "start": ""\n  }\n}\n');
  });

  it('cuts marked lines, and links that lead nowhere any more; biome formats the files', async () => {
    const log = "require('node:fs').appendFileSync('biome.log', process.argv.slice(2).join(' ') + '\\n');\n";
    put('node_modules/@biomejs/biome/bin/biome', log);
    put('samples.json', '{ "docs/greet.md": ["greeter"] }\n');
    put('docs/greet.md', '');
    put('docs/index.md', 'Read [how to greet](greet.md#now), [`this`](other.md).\n');
    put('e2e/a.test.ts', "import '@rondo/contracts/greeter/greeter'; // sample: greeter\nconst one = 1;\n");
    expect(await remove({ force: true })).toMatchObject({ kept: [] });
    expect(read('docs/index.md')).toBe('Read how to greet, [`this`](other.md).\n');
    expect(read('e2e/a.test.ts')).toBe('const one = 1;\n');
    expect(read('biome.log').split('\n')).toEqual([
      expect.stringMatching(/^check .*--only=correctness\/noUnusedImports --unsafe --write e2e\/a\.test\.ts$/),
      expect.stringMatching(/^check .* --write e2e\/a\.test\.ts docs\/index\.md$/),
      '',
    ]);
  });

  it('only says what it would do, if it is asked to', async () => {
    put('samples.json', '{ "docs/greet.md": ["greeter"] }\n');
    put('docs/greet.md', '');
    let agreed = false;
    const onAgreed = async () => {
      agreed = true;
    };
    const removed = await remove({ dryRun: true, onAgreed });
    expect(removed).toMatchObject({ service: 'greeter', along: ['docs/greet.md'] });
    expect(['services/greeter', 'docs/greet.md', 'samples.json'].filter(stands)).toHaveLength(3);
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
    put('scripts/relock.mjs', "console.log('no network'); process.exitCode = 1;");
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
    put('scripts/run.mjs', "console.log('sales is wrong'); process.exitCode = 1;");
    expect(await remove()).toMatchObject({ complaints: 'sales is wrong\n' });
    expect(stands('services/greeter')).toBe(false);
  });

  it('refuses the registry and an unknown service', async () => {
    service('registry', ['rondo/registry.proto']);
    await expect(remove({ name: 'registry' })).rejects.toThrow('every service needs the registry');
    await expect(remove({ name: 'lost' })).rejects.toThrow('there is no service "lost"');
  });
});
