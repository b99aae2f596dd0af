/**
 * The cases of `rules.mjs`: files that break a rule of biome.json (`refused`), and similar files that don't (`allowed`). A refused
 * case is the file, the rule's name or the start of a plugin's message, and the code, which fails for that reason.
 */
const ambient = 'Ambient clock or chance';
const peers = "resolver, balancer, transport and telemetry don't know each other";
const sides = "server/ and the client side (client/, channel/, scatter/) don't know each other";
const deep = 'Import a package by its name';
const stores = "The registry's stores don't know each other";
const read = 'Name the columns: a migration';
const written = 'Name the columns that are written';
const internal = '@rondo/rpc/internal is for packages';
const wire = 'Only transport/grpc and server/grpc';

export const refused = [
  // The import table.
  ['packages/rpc/src/server/a.ts', sides, "import '../client/client.js';"],
  ['packages/rpc/src/server/b.ts', sides, "import '../channel/channel.js';"],
  ['packages/rpc/src/server/grpc/a.ts', sides, "import '../../client/client.js';"],
  ['packages/rpc/src/client/a.ts', sides, "export { a } from '../server/router.js';"],
  ['packages/rpc/src/channel/a.ts', sides, "import '../server/router.js';"],
  ['packages/rpc/src/scatter/a.ts', sides, "import type { A } from '../server/router.js';"],
  ['packages/rpc/src/resolver/a.ts', peers, "import type { A } from '../balancer/picker.js';"],
  ['packages/rpc/src/balancer/a.ts', peers, "import '../telemetry/metrics.js';"],
  ['packages/rpc/src/transport/a.ts', peers, "await import('../telemetry/metrics.js');"],
  ['packages/rpc/src/transport/grpc/a.ts', peers, "import '../../resolver/static.js';"],
  ['packages/rpc/src/telemetry/a.ts', peers, "export type A = import('../resolver/static.js').A;"],
  ['packages/rpc/src/balancer/b.ts', wire, "import '@grpc/grpc-js';"],
  ['packages/rpc/src/transport/b.ts', wire, "import '@grpc/grpc-js/build/src/channel.js';"],
  ['packages/service/src/a.ts', wire, "import type { Server } from '@grpc/grpc-js';"],
  ['e2e/conformance/services/a/src/rondo-server.ts', wire, "import '@grpc/grpc-js';"],
  ['packages/service/test/b.test.ts', 'The framework and its tests', "import '@rondo/contracts/shop/v1/orders';"],
  ['services/registry/test/a.ts', 'The framework and its tests', "import type {} from '@rondo/contracts/shop/orders';"],
  ['services/registry/src/rpc/a.ts', "Only the registry's etcd store", "import '@rondo/contracts/etcd-v3/rpc';"],
  ['services/sales/src/adapters/b.ts', "Only the registry's etcd store", "import '@rondo/contracts/etcd-v3/rpc';"],
  ['services/registry/src/adapters/etcd-store/a.ts', stores, "import '../memory-store/marks.js';"],
  ['services/registry/src/adapters/catalog/a.ts', stores, "import type { Etcd } from '../etcd-store/etcd-client.js';"],
  ['packages/rpc/src/call/a.ts', 'Take a Logger', "import type { Logger } from 'pino';"],
  ['services/sales/src/a.ts', 'Take a Logger', "import 'pino-pretty';"],
  ['packages/rpc/src/call/b.ts', 'packages/rpc knows no package', "import '@rondo/contracts/sales/v1/quotes';"],
  ['packages/rpc/src/call/c.ts', 'packages/rpc knows no package', "import '@rondo/service';"],
  ['packages/service/src/b.ts', 'packages/service, which every service shares', "import '@rondo/database/embedded';"],
  ['packages/sync/src/a.ts', 'packages/sync knows no other package', "import '@rondo/rpc/status';"],
  ['packages/database/src/a.ts', 'packages/database knows no other package', "import '@rondo/rpc/status';"],
  ['packages/resources/src/a.ts', 'packages/resources knows the statuses', "import '@rondo/database';"],
  ['packages/harness/src/a.ts', 'packages/harness knows no other package', "import '@rondo/rpc/status';"],
  ['packages/service/src/c.ts', 'Only journeys, outages', "import '@rondo/harness';"],
  [
    'services/sales/test/b.test.ts',
    'Only journeys, outages',
    "import { startPostgres } from '@rondo/harness/postgres';",
  ],
  ['packages/scaffold/src/a.ts', 'packages/scaffold knows no other package', "import '@rondo/rpc/status';"],
  ['scripts/a.mjs', 'Scripts run without a build', "import '../packages/scaffold/dist/exports/index.js';"],
  ['services/sales/src/domain/a.ts', 'domain/ is pure', "import 'node:crypto';"],
  ['services/sales/src/domain/b.ts', 'domain/ is pure', "import '../config.js';"],
  ['services/sales/src/domain/quote/c.ts', 'domain/ is pure', "import '../../adapters/products.js';"],
  [
    'services/sales/src/domain/d.ts',
    'domain/ is pure',
    "import type { Quote } from '@rondo/contracts/sales/v1/quotes';",
  ],
  ['services/sales/src/usecases/a.ts', 'usecases/ import nothing but', "import '../adapters/products.js';"],
  ['services/sales/src/usecases/b.ts', 'usecases/ import nothing but', "import '@rondo/rpc/status';"],
  ['services/sales/src/rpc/a.ts', 'rpc/ imports usecases/', "import '../adapters/products.js';"],
  ['services/sales/src/rpc/b.ts', 'rpc/ imports usecases/', "import '@rondo/database';"],
  ['services/sales/src/adapters/a.ts', 'adapters/ import domain/', "import '../usecases/place-order.js';"],
  ['services/sales/src/adapters/store/a.ts', 'adapters/ import domain/', "import '../../rpc/orders.js';"],
  ['services/sales/src/c.ts', internal, "import { nearest } from '@rondo/rpc/internal';"],
  ['services/sales/test/c.test.ts', internal, "import '@rondo/rpc/internal/testing';"],
  ['services/registry/src/b.ts', internal, "import type { Endpoint } from '@rondo/rpc/internal';"],
  ['services/sales/src/b.ts', deep, "import '../../calculator/src/app.js';"],
  ['services/sales/test/a.test.ts', deep, "import '../../calculator/src/app.js';"],
  ['packages/cli/src/a.ts', deep, "import '@rondo/rpc/dist/exports/client.js';"],
  ['packages/cli/src/b.ts', 'A service is called through its contract', "import '@rondo/service-sales';"],
  ['e2e/a.test.ts', deep, "import '../services/sales/src/app.js';"],
  ['bench/a.ts', deep, "import '../services/calculator/dist/app.js';"],
  ['packages/cli/src/c.ts', 'lint/correctness/noUndeclaredDependencies', "import 'left-pad';"],
  ['packages/cli/src/cycle-a.ts', 'lint/suspicious/noImportCycles', "import './cycle-b.js';\nexport const a = 1;"],
  ['packages/cli/src/cycle-b.ts', 'lint/suspicious/noImportCycles', "import './cycle-a.js';\nexport const b = 1;"],
  ['packages/cli/src/d.ts', 'lint/correctness/useImportExtensions', "import './cycle-a';"],
  ['packages/cli/src/e.ts', 'lint/correctness/noUnresolvedImports', "import './nowhere.js';"],

  // Clock and chance.
  ...Object.entries({
    'date-now': 'export const at = Date.now();',
    'new-date': 'export const at = new Date();',
    'bare-new-date': 'export const at = new Date;',
    'date-call': 'export const at = Date();',
    'date-alias': 'export const { now } = Date;',
    timeout: 'setTimeout(() => undefined, 1);',
    interval: 'export const every = setInterval;',
    immediate: 'globalThis.setImmediate(() => undefined);',
    'timers-module': "import 'node:timers/promises';",
    performance: 'export const at = performance.now();',
    hrtime: 'export const at = process.hrtime.bigint();',
    signal: 'export const signal = AbortSignal.timeout(5);',
    random: 'export const chance = Math.random();',
    'random-alias': 'export const { random } = Math;',
    uuid: "import { randomUUID } from 'node:crypto';",
    'uuid-alias': "import { randomUUID as id } from 'node:crypto';",
    'uuid-namespace': "import * as c from 'node:crypto';\nexport const id = c.randomUUID();",
    'uuid-global': 'export const id = crypto.randomUUID();',
  }).map(([name, code]) => [`services/registry/src/${name}.ts`, ambient, code]),
  ['packages/rpc/src/clock/clock.ts', ambient, 'export const at = Date.now();'],

  // Columns of statements.
  ...Object.entries({
    select: "'SELECT * FROM products WHERE id = $1'",
    distinct: "'SELECT DISTINCT * FROM products'",
    returning: '`UPDATE products SET stock = 1\n  RETURNING *`',
    beside: "'SELECT stock, * FROM products'",
    alias: "'SELECT products.*, orders.id FROM products'",
    last: "'DELETE FROM products RETURNING products.*'",
    record: '`SELECT (jsonb_populate_record(products, made)).* FROM requests`',
    after: `\`SELECT \${part}, lines.*\n  FROM products\``,
    of: `\`SELECT \${part}.* FROM products\``,
  }).map(([name, sql]) => [
    `services/sales/src/adapters/star-${name}.ts`,
    read,
    `const part = 'a';\nexport const SQL = [part, ${sql}];`,
  ]),
  ...Object.entries({
    values: "'INSERT INTO products VALUES ($1, $2)'",
    select: "'INSERT INTO products SELECT $1, $2'",
    copy: "'COPY products FROM STDIN'",
  }).map(([name, sql]) => [`packages/sync/src/write-${name}.ts`, written, `export const SQL = ${sql};`]),

  // The language.
  ['packages/cli/src/any.ts', 'lint/suspicious/noExplicitAny', 'export const a: any = 1;'],
  ['packages/cli/src/bang.ts', 'lint/style/noNonNullAssertion', 'export const f = (a?: { b: 1 }) => a!.b;'],
  ['packages/cli/src/default.ts', 'lint/style/noDefaultExport', 'export default 1;'],
  ['packages/cli/src/star.ts', 'lint/performance/noReExportAll', "export * from './cycle-a.js';"],
  ['packages/cli/src/camelCase.ts', 'lint/style/useFilenamingConvention', 'export const a = 1;'],
  ['packages/rpc/src/call/print.ts', 'lint/suspicious/noConsole', "console.log('');"],
  ['packages/cli/src/float.ts', 'lint/nursery/noFloatingPromises', 'const f = async () => 1;\nf();'],
  [
    'packages/cli/src/misuse.ts',
    'lint/nursery/noMisusedPromises',
    'const f = async () => true;\nexport const g = () => (f() ? 1 : 2);',
  ],
  [
    'packages/cli/src/swallow-a.ts',
    'A swallowed error',
    'try {\n  f();\n} catch {\n  // never mind\n}\nfunction f() {}',
  ],
  ['packages/cli/src/swallow-b.ts', 'A swallowed error', 'export const f = (p: Promise<void>) => p.catch(() => {});'],
  [
    'packages/cli/src/params.ts',
    'lint/complexity/useMaxParams',
    'export const f = (a = 1, b = 1, c = 1, d = 1) => a + b + c + d;',
  ],
  ['services/sales/src/app.ts', 'lint/style/noProcessEnv', 'export const url = process.env.DATABASE_URL;'],
];

export const allowed = [
  ['e2e/ok.test.ts', "import './src/repository.js';\nimport '@rondo/harness';"],
  [
    'packages/rpc/src/server/ok.ts',
    "import type { WireCall } from '../transport/transport.js';\nexport type A = WireCall;",
  ],
  ['packages/rpc/src/client/ok.ts', "import '../balancer/picker.js';\nimport '../resolver/static.js';"],
  ['packages/rpc/src/server/grpc/ok.ts', "import '@grpc/grpc-js';\nimport '../router.js';"],
  ['packages/rpc/src/transport/grpc/ok.ts', "import '@grpc/grpc-js';\nimport '../transport.js';"],
  ['e2e/conformance/services/a/src/plain-server.ts', "import '@grpc/grpc-js';"],
  ['packages/rpc/src/transport/grpc/server.ts', "import './client.js';\nimport '@rondo/contracts/google/rpc/status';"],
  [
    'packages/rpc/src/client/ok.test.ts',
    "import '../server/router.js';\nimport '@rondo/contracts/rondo/options/v1/options';",
  ],
  [
    'packages/rpc/src/call/ok.ts',
    'export const at = (ms: number): Date => new Date(ms);\nexport const { max } = { max: 1 };',
  ],
  ['packages/rpc/src/clock/system.ts', 'export const now = (): number => Date.now() + Math.random();'],
  ['packages/rpc/src/call/ok.test.ts', 'setTimeout(() => undefined, 1);'],
  ['packages/service/test/ok.test.ts', "import '@rondo/contracts/rondo/conformance/v1/adder';"],
  ['packages/shared/src/ok.ts', "import '@rondo/contracts/shop/v1/orders';"],
  ['packages/service/src/ok.ts', "import 'pino';\nimport '@rondo/rpc/client';\nsetTimeout(() => undefined, 1);"],
  ['services/sales/src/domain/ok.ts', "import './money.js';"],
  ['services/sales/src/domain/quote/ok.ts', "import '../money.js';\nimport './line.js';"],
  ['services/sales/src/domain/ok.test.ts', "import '@jest/globals';\nimport './money.js';"],
  ['services/sales/src/usecases/ok.ts', "import '../domain/money.js';\nimport './place-order.js';"],
  ['services/sales/src/usecases/quotes/ok.ts', "import '../../domain/money.js';\nimport '../place-order.js';"],
  [
    'services/sales/src/rpc/ok.ts',
    "import '../usecases/place-order.js';\nimport '@rondo/rpc/status';\nimport 'node:crypto';",
  ],
  ['services/sales/src/adapters/ok.ts', "import '../domain/money.js';\nimport '@rondo/database';\nimport './sql.js';"],
  ['services/registry/src/adapters/etcd-store/ok.ts', "import '@rondo/contracts/etcd-v3/rpc';"],
  ['services/sales/src/ok.ts', "import './adapters/products.js';\nimport '@rondo/service';\nimport './rpc/orders.js';"],
  ['services/sales/src/config.ts', 'export const url = process.env.DATABASE_URL;'],
  [
    'services/sales/src/adapters/columns.ts',
    [
      "export const SQL = ['SELECT count(*) AS all, stock * 2 AS twice FROM products', 'SELECT FROM products',",
      "  'INSERT INTO products (id, title) SELECT id, title FROM old', 'COPY products (id) FROM STDIN', 'a.*b', '*'];",
    ].join('\n'),
  ],
  ['services/sales/src/adapters/star.test.ts', "export const SQL = 'SELECT * FROM products';"],
  ['packages/resources/src/ok.test.ts', "import '@rondo/rpc/testing';"],
  ['packages/harness/src/ok.ts', "import '@rondo/database/embedded';"],
  ['bench/ok.mjs', "import '@rondo/harness';"],
  ['chaos/src/ok.ts', "import '@rondo/harness/postgres';"],
  ['services/registry/test/ok.test.ts', "import '@rondo/rpc/internal';\nimport '@rondo/rpc/internal/testing';"],
  ['packages/service/src/internal.ts', "import '@rondo/rpc/internal';"],
  ['services/sales/test/ok.test.ts', "import '../src/app.js';\nimport '@rondo/rpc/testing';"],
  ['scripts/ok.mjs', "import './steps.mjs';\nawait import('../packages/scaffold/dist/exports/index.js');"],
  ['packages/scaffold/src/ok.ts', "import '@babel/parser';\nimport './refusal.js';"],
  [
    'packages/cli/src/ok.ts',
    "console.log('');\nexport const f = (p: Promise<void>) => p.catch((error) => console.error(error));",
  ],
];
