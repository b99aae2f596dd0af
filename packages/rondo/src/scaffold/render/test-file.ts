import type { MethodContract } from '../contract/contract.js';
import { handlersFile, propertyName } from './app.js';
import { type Blueprint, type NamedService, resourcesOf } from './blueprint.js';
import { testResources } from './resource-cases.js';

/** Renders the first test. It drives the whole service through its contract, as later tests should. */
export function renderTest(blueprint: Blueprint, known: readonly NamedService[] = blueprint.services): string {
  const { database, services, scope } = blueprint;
  const example = resourcesOf(services).length > 0 ? ofResources(services, known) : chooseExample(services, scope);
  const lines = [
    `import { ${['afterAll', ...example.globals, 'expect', 'it'].join(', ')} } from '@jest/globals';`,
    ...example.imports,
    ...(database === undefined ? [] : DATABASE_IMPORTS),
    "import { createTestChannel } from '@rondo/rpc/testing';",
    "import { createApp } from '../src/app.js';",
    '',
    ...(database === undefined ? SETUP : DATABASE_SETUP),
    `const channel = createTestChannel(${scope === undefined ? 'app' : '{ ...app, authorize: true }'});`,
    ...example.setup,
    '',
    ...(database === undefined ? TEARDOWN : DATABASE_TEARDOWN),
    '',
    ...(database === undefined ? [] : DATABASE_CASE),
    ...example.cases(blueprint.name),
  ];
  return `${lines.join('\n')}\n`;
}

const SETUP = ['const app = createApp();'];
const TEARDOWN = ['afterAll(() => channel.close());'];

const DATABASE_IMPORTS = [
  "import { startTestPostgres } from '@rondo/database/testing';",
  "import { silentLogger } from '@rondo/rpc/call';",
];
const DATABASE_SETUP = [
  'const postgres = await startTestPostgres();',
  'const databaseUrl = await postgres.createDatabase();',
  'const app = createApp({ log: silentLogger }, { databaseUrl });',
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
  '  for (const { prepare, check } of app.dependencies ?? []) {',
  '    await prepare?.(AbortSignal.timeout(60_000));',
  '    await expect(check(AbortSignal.timeout(60_000))).resolves.toBeUndefined();',
  '  }',
  '});',
  '',
];

/** A test case with the imports and the setup that it needs. */
interface Example {
  readonly globals: readonly string[];
  readonly imports: readonly string[];
  readonly setup: readonly string[];
  readonly cases: (service: string) => readonly string[];
}

/** Chooses the simplest method of the first service that has one: the test calls it without a field. */
function chooseExample(services: readonly NamedService[], scope: string | undefined): Example {
  const plain = ({ requestStream, responseStream }: MethodContract) => !requestStream && !responseStream;
  for (const named of services) {
    const { methods } = named.contract;
    const taking = methods.find((method) => plain(method) && !method.refusesEmpty);
    const method = taking ?? methods.find(plain) ?? methods[0];
    if (method !== undefined) return callOf(named, method, scope);
  }
  return { globals: [], imports: [], setup: [], cases: () => serves(services) };
}

function ofResources(services: readonly NamedService[], known: readonly NamedService[]): Example {
  const { imports, setup, cases } = testResources(services, known);
  const status = cases.some((line) => line.includes('Status.')) ? ["import { Status } from '@rondo/rpc/status';"] : [];
  const client = setup.length > 0 ? ["import { createClient } from '@rondo/rpc/client';"] : [];
  return { globals: [], imports: [...imports, ...client, ...status], setup, cases: () => cases.slice(1) };
}

function callOf(named: NamedService, method: MethodContract, scope: string | undefined): Example {
  const { definition, fullName, module } = named.contract;
  return {
    globals: ['describe'],
    imports: [
      `import { ${definition} } from '${module}';`,
      "import { createClient } from '@rondo/rpc/client';",
      "import { Status } from '@rondo/rpc/status';",
    ],
    setup: [`const client = createClient(${definition}, { channel });`, ...(scope === undefined ? [] : CREDENTIALS)],
    cases: (service) => [
      `describe('${fullName}', () => {`,
      ...casesOf(method, { file: handlersFile(service, named), scope }),
      '});',
    ],
  };
}

/** What the first test expects: the file of the method's handler, and the scope without which it is refused. */
interface Expected {
  readonly file: string;
  readonly scope: string | undefined;
}

function casesOf(method: MethodContract, { file, scope }: Expected): readonly string[] {
  const { name } = method;
  const unwritten = { code: 'UNIMPLEMENTED', text: file };
  if (method.refusesEmpty && !method.requestStream) {
    const refusal = { code: 'INVALID_ARGUMENT', text: '', remark: REFUSED };
    return failing(`refuses a request of ${name} that breaks its rules`, method, refusal);
  }
  if (scope === undefined) return failing(`reports the file in which to implement ${name}`, method, unwritten);
  const refused = { code: 'PERMISSION_DENIED', text: scope, options: 'withScopes()' };
  const allowed = { ...unwritten, options: `withScopes('${scope}')` };
  return [
    ...failing(`refuses ${name} without the scope ${scope}`, method, refused),
    '',
    ...failing(`allows ${name} with the scope, and reports the file in which to implement it`, method, allowed),
  ];
}

/** For a contract in which the rules of each method refuse a request without fields. */
const REFUSED = 'The rules refuse {}. A request that they accept is UNIMPLEMENTED until its handler is written.';

const CREDENTIALS = [
  '',
  '/** The options of a call by a principal with these scopes. The channel obeys `auth` in the contract. */',
  'const withScopes = (...scopes: readonly string[]) => ({',
  "  principal: { subject: 'ada', issuer: 'test', scopes, actors: [] },",
  '});',
];

/** How a call fails: its status, a part of its message if it isn't empty, the options of the call, and a remark for the reader. */
interface Failure {
  readonly code: string;
  readonly text: string;
  readonly options?: string;
  readonly remark?: string;
}

function failing(title: string, method: MethodContract, { code, text, options, remark }: Failure): readonly string[] {
  return [
    `  it('${title}', async () => {`,
    ...(method.requestStream ? ['    async function* nothing() {}'] : []),
    ...(remark === undefined ? [] : [`    // ${remark}`]),
    `    await expect(${call(method, options)}).rejects.toMatchObject({`,
    `      code: Status.${code},`,
    ...(text === '' ? [] : [`      message: expect.stringContaining('${text}'),`]),
    '    });',
    '  });',
  ];
}

/** An expression for the promise of the first response. */
function call({ key, requestStream, responseStream }: MethodContract, options: string | undefined): string {
  const property = propertyName(key);
  const member = property === key ? `.${key}` : `[${property}]`;
  const args = [requestStream ? 'nothing()' : '{}', ...(options === undefined ? [] : [options])];
  const answer = `client${member}(${args.join(', ')})`;
  return responseStream ? `${answer}[Symbol.asyncIterator]().next()` : answer;
}

const serves = (services: readonly NamedService[]) => [
  "it('serves its contract', () => {",
  `  const served = app.services.map(({ definition }) => definition.fullName);`,
  `  expect(served).toEqual([${services.map(({ contract }) => `'${contract.fullName}'`).join(', ')}]);`,
  '});',
];
