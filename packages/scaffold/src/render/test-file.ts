import type { MethodContract } from '../contract/contract.js';
import { handlersFile, propertyName } from './app.js';
import type { Blueprint, NamedService } from './blueprint.js';

/** Renders the first test. It drives the whole service through its contract, as later tests should. */
export function renderTest(blueprint: Blueprint): string {
  const { database, services } = blueprint;
  const example = chooseExample(services);
  const lines = [
    `import { ${['afterAll', ...example.globals, 'expect', 'it'].join(', ')} } from '@jest/globals';`,
    ...example.imports,
    ...(database === undefined ? [] : DATABASE_IMPORTS),
    "import { createTestChannel } from '@rondo/rpc/testing';",
    "import { createApp } from '../src/app.js';",
    '',
    ...(database === undefined ? SETUP : DATABASE_SETUP),
    ...example.setup,
    '',
    ...(database === undefined ? TEARDOWN : DATABASE_TEARDOWN),
    '',
    ...(database === undefined ? [] : DATABASE_CASE),
    ...example.cases(blueprint.name),
  ];
  return `${lines.join('\n')}\n`;
}

const SETUP = ['const app = createApp();', 'const channel = createTestChannel(app);'];
const TEARDOWN = ['afterAll(() => channel.close());'];

const DATABASE_IMPORTS = [
  "import { createPool } from '@rondo/database';",
  "import { startTestPostgres } from '@rondo/database/testing';",
  "import { silentLogger } from '@rondo/rpc/call';",
];
const DATABASE_SETUP = [
  'const postgres = await startTestPostgres();',
  'const databaseUrl = await postgres.createDatabase();',
  'const app = createApp({ log: silentLogger }, { databaseUrl });',
  'const channel = createTestChannel(app);',
];
const DATABASE_TEARDOWN = [
  'afterAll(async () => {',
  '  channel.close();',
  '  await app.stop?.();',
  '  await postgres.stop();',
  '});',
];
const DATABASE_CASE = [
  "it('is ready once all migrations are applied', async () => {",
  '  for (const { check } of app.dependencies ?? []) await check(AbortSignal.timeout(60_000));',
  '  const database = createPool({ url: databaseUrl });',
  "  const entries = await database.query('SELECT id FROM entries').finally(() => database.close());",
  '  expect(entries).toEqual([]);',
  '});',
  '',
];

/** A test case with the imports and the setup that it needs. */
interface Example {
  /** Its imports from jest, besides those of every test. */
  readonly globals: readonly string[];
  readonly imports: readonly string[];
  readonly setup: readonly string[];
  readonly cases: (service: string) => readonly string[];
}

/** Chooses the simplest method of the first service that has one. */
function chooseExample(services: readonly NamedService[]): Example {
  const plain = ({ requestStream, responseStream }: MethodContract) => !requestStream && !responseStream;
  for (const named of services) {
    const { methods } = named.contract;
    const method = methods.find(plain) ?? methods[0];
    if (method !== undefined) return callOf(named, method);
  }
  return { globals: [], imports: [], setup: [], cases: () => serves(services) };
}

function callOf(named: NamedService, method: MethodContract): Example {
  const { definition, fullName, module } = named.contract;
  return {
    globals: ['describe'],
    imports: [
      `import { ${definition} } from '${module}';`,
      "import { createClient } from '@rondo/rpc/client';",
      "import { Status } from '@rondo/rpc/status';",
    ],
    setup: [`const client = createClient(${definition}, { channel });`],
    cases: (service) => [
      `describe('${fullName}', () => {`,
      `  it('reports the file in which to implement ${method.name}', async () => {`,
      ...(method.requestStream ? ['    async function* nothing() {}'] : []),
      `    await expect(${call(method)}).rejects.toMatchObject({`,
      '      code: Status.UNIMPLEMENTED,',
      `      message: expect.stringContaining('${handlersFile(service, named)}'),`,
      '    });',
      '  });',
      '});',
    ],
  };
}

/** An expression for the promise of the first response. */
function call({ key, requestStream, responseStream }: MethodContract): string {
  const property = propertyName(key);
  const member = property === key ? `.${key}` : `[${property}]`;
  const answer = `client${member}(${requestStream ? 'nothing()' : '{}'})`;
  return responseStream ? `${answer}[Symbol.asyncIterator]().next()` : answer;
}

const serves = (services: readonly NamedService[]) => [
  "it('serves its contract', () => {",
  `  const served = app.services.map(({ definition }) => definition.fullName);`,
  `  expect(served).toEqual([${services.map(({ contract }) => `'${contract.fullName}'`).join(', ')}]);`,
  '});',
];
