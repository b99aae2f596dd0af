import { expect, it } from '@jest/globals';
import { Book, LibraryServiceDefinition, ListBooksRequest, Shelf } from '@rondo/contracts/rondo/conformance/v1/library';
import { implement } from '@rondo/rpc/server';
import {
  defineResource,
  moneyColumns,
  ownedBy,
  type ResourceContext,
  reference,
  standardMethods,
} from '../src/exports/index.js';
import { requireShapes } from '../src/resource/method-shapes.js';
import { books, shelves } from './library.js';

const refuses = (define: () => unknown, text: string) => expect(define).toThrow(text);

// A line under `@ts-expect-error` that compiles is an error of tsconfig.tests.json.
it('knows the fields of the contract when it is compiled, and says at the start what else does not fit', () => {
  // @ts-expect-error a field that the contract doesn't have
  refuses(() => defineResource(Shelf, { table: 'shelves', filter: ['colour'] }), '"colour" is no stored field');
  // @ts-expect-error a field that the contract doesn't have
  refuses(() => defineResource(Shelf, { table: 'shelves', sort: ['display_name'] }), 'is no stored field');
  // @ts-expect-error a field that the contract doesn't have
  expect(defineResource(Shelf, { table: 'shelves', unique: { shelves_colour_key: 'colour' } })).toBeDefined();
  // @ts-expect-error a field that the contract doesn't have
  expect(defineResource(Shelf, { table: 'shelves', columns: { colour: 'color' } })).toBeDefined();
  // @ts-expect-error columns of another type than the field's
  expect(defineResource(Shelf, { table: 'shelves', columns: { title: moneyColumns({ currency: 'a', amount: 'b' }) } }));
  // @ts-expect-error no key of a definition
  expect(defineResource(Shelf, { table: 'shelves', softDelete: true })).toBeDefined();
  refuses(() => defineResource(Book, { table: 'books', sort: ['price'] }), '"price" can\'t be filtered or sorted by');
  refuses(() => defineResource(Book, { table: 'books', ids: ['id'] }), 'ids must be 2 columns');
  // @ts-expect-error a message that is no resource has no name
  refuses(() => defineResource(ListBooksRequest, { table: 'requests' }), 'is no resource');
  expect(
    defineResource(Book, { table: 'books', columns: { origin: reference('shelves/{shelf}', 'o') } }),
  ).toBeDefined();
  expect(ownedBy('owner', { scope: 'admin' }).column).toBe('owner');
});

it('has the types of the methods that the contract has, of the one resource', () => {
  const define = (context: ResourceContext) => {
    const ofBooks = standardMethods(LibraryServiceDefinition, books, {
      ...context,
      // @ts-expect-error a hook writes fields of the contract only
      beforeCreate: async () => ({ colour: 'red' }),
    });
    const ofShelves = standardMethods(LibraryServiceDefinition, shelves, context);
    // @ts-expect-error the lists are those of books
    ofShelves.listBooks;
    // @ts-expect-error lendBook is no standard method, and isn't written
    implement(LibraryServiceDefinition, { ...ofBooks, ...ofShelves });
    const { watchBooks: _, ...methods } = LibraryServiceDefinition.methods;
    const byHand = standardMethods({ ...LibraryServiceDefinition, methods }, books, context);
    // @ts-expect-error watchBooks is left out, and isn't written
    implement(LibraryServiceDefinition, { ...byHand, ...ofShelves, lendBook: () => ({ name: '' }) });
    return implement(LibraryServiceDefinition, { ...ofBooks, ...ofShelves, lendBook: () => ({ name: '' }) });
  };
  expect(define).toBeInstanceOf(Function);
});

it('refuses a watch of the resources with one reference, if an update can change the reference', () => {
  const { methods } = LibraryServiceDefinition;
  const { requestType } = methods.watchBooks;
  const ofOneOrigin = { ...requestType, fromPartial: () => ({ origin: '', resumeToken: '' }) };
  const watched = { ...methods, watchBooks: { ...methods.watchBooks, requestType: ofOneOrigin } };
  const { updateBook: _, ...withoutUpdate } = watched;
  const columns = { origin: reference('shelves/{shelf}', 'origin_id') };
  const { model: changeable } = defineResource(Book, { table: 'books', columns });
  const { model: immutable } = defineResource(Book, { table: 'books', columns, immutable: ['origin'] });
  const check = (served: typeof withoutUpdate, model: typeof changeable) => () =>
    requireShapes({ ...LibraryServiceDefinition, methods: served }, model);
  refuses(check(watched, changeable), "watchers wouldn't learn that an update changes origin, which isn't IMMUTABLE");
  expect(check(withoutUpdate, changeable)).not.toThrow();
  expect(check(watched, immutable)).not.toThrow();
});

it('refuses a watch of a table with a column that has the name of a mark in changes', () => {
  const { watchBooks } = LibraryServiceDefinition.methods;
  const context = { sync: {} } as ResourceContext;
  const serve = (changed: Readonly<Record<string, string>>) => () => {
    const marked = defineResource(Book, { table: 'books', columns: { lent: 'removed' }, changed });
    return standardMethods({ ...LibraryServiceDefinition, methods: { watchBooks } }, marked, context);
  };
  refuses(serve({}), 'WatchBooks: the column removed has the name of a mark in changes; store the field in another');
  expect(serve({ removed: 'gone' })).not.toThrow();
});

it('refuses a watch whose reply lacks an event: its watchers would get an empty one', () => {
  const { createShelf, deleteShelf, watchBooks } = LibraryServiceDefinition.methods;
  const check = (methods: object, model: typeof books.model | typeof shelves.model) => () =>
    requireShapes({ ...LibraryServiceDefinition, methods: { ...methods } }, model as typeof books.model);
  refuses(
    check({ watchBooks: { ...watchBooks, responseType: createShelf.responseType } }, books.model),
    'its reply has no snapshot in a oneof event; leave the method out',
  );
  const deleteBook = { ...deleteShelf, name: 'DeleteBook' };
  const forEver = { ...books.model, has: (key: string) => key !== 'deleteTime' && books.model.has(key) };
  refuses(check({ deleteBook, watchBooks }, forEver), 'WatchBooks: its reply has no bookDeleted in a oneof event');
  expect(check({ watchBooks }, forEver)).not.toThrow();
});
