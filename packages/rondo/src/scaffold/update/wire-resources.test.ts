import { expect, it } from '@jest/globals';
import type { NamedService } from '../render/blueprint.js';
import { wireResources } from './wire-resources.js';

const named = {
  contract: { definition: 'BookServiceDefinition', module: '@rondo/contracts/shop/v1/books' },
  names: { file: 'books', value: 'bookService', definition: 'BookServiceDefinition' },
  resources: [{ value: 'books' }],
} as unknown as NamedService;

const app = (open: string, from: string) => `import { implement } from '@rondo/rpc/server';
import { ${open} } from '${from}';
export function createApp({ log }, { databaseUrl }) {
  const store = ${open}({ resources: [authors], url: databaseUrl, log });
  const jobs = createJobs({ database: store, services: [Chores] });
  return { services: [implement(Mine, mine(store))] };
}
`;

it.each([
  ['openDatabase', '@rondo/resources'],
  ['openResources', './adapters/resources.js'], // as 0.2 wrote it
])('adds services and tables to an app that calls %s of %s', (open, from) => {
  const text = wireResources('app.ts', app(open, from), [named]);
  expect(text).toContain(`const store = ${open}({ resources: [authors, books], url: databaseUrl, log });`);
  expect(text).toContain('services: [Chores] });');
  expect(text).toContain(
    'services: [implement(Mine, mine(store)), implement(BookServiceDefinition, bookService(store.context))]',
  );
  expect(text).toContain("import { bookService, books } from './books.js';");
});

it('adds tables to an app whose database has none', () => {
  const text = wireResources('app.ts', app('openDatabase', '@rondo/resources').replace('resources: [authors], ', ''), [
    named,
  ]);
  expect(text).toContain('openDatabase({ url: databaseUrl, log, resources: [books] });');
});

it('refuses an app that opens its database in another way', () => {
  const refused = () => wireResources('app.ts', app('createPool', '@rondo/database'), [named]);
  expect(refused).toThrow(/^app\.ts: doesn't open its database by openDatabase.*; write the resource by/);
});

it('refuses an app of 0.2 whose adapter opens a database without resources', () => {
  const refused = () => wireResources('app.ts', app('openDatabase', './adapters/database.js'), [named]);
  expect(refused).toThrow(
    /^app\.ts: opens its database by src\/adapters\/database\.ts, as an app of 0\.2 does; open it by openDatabase of @rondo\/resources/,
  );
});
