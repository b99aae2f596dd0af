import { expect, it } from '@jest/globals';
import type { NamedService } from '../render/blueprint.js';
import { wireResources } from './wire-resources.js';

const named = {
  contract: { definition: 'BookServiceDefinition', module: '@rondo/contracts/shop/v1/books' },
  names: { file: 'books', value: 'bookService', definition: 'BookServiceDefinition' },
  resources: [{ value: 'books' }],
} as unknown as NamedService;

const app = (open: string, services: string) => `import { implement } from '@rondo/rpc/server';
import { ${open} } from './adapters/${open === 'openDatabase' ? 'database' : 'resources'}.js';
export function createApp({ log }, { databaseUrl }) {
  const store = ${open}({ ${open === 'openDatabase' ? '' : 'resources: [authors], '}url: databaseUrl, log });
  return { services: [${services}] };
}
`;

it.each([
  ['openDatabase', 'url: databaseUrl, log, resources: [books]'],
  ['openResources', 'resources: [authors, books], url: databaseUrl, log'],
])('adds services and tables to an app that calls %s', (open, tables) => {
  const text = wireResources('app.ts', app(open, 'implement(Mine, mine(store))'), [named]);
  expect(text).toContain(`const store = openResources({ ${tables} });`);
  expect(text).toContain("import { openResources } from './adapters/resources.js';");
  expect(text).toContain(
    'services: [implement(Mine, mine(store)), implement(BookServiceDefinition, bookService(store.context))]',
  );
  expect(text).toContain("import { bookService, books } from './books.js';");
});

it('refuses an app that opens its database in another way', () => {
  const refused = () => wireResources('app.ts', app('createPool', 'mine'), [named]);
  expect(refused).toThrow(
    /^app\.ts: doesn't open its database by openDatabase or openResources.*; write the resource by/,
  );
});
