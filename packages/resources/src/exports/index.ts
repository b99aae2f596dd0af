/**
 * A resource is defined once: its contract says what it has, `defineResource` how that is stored, and `standardMethods` has the handlers.
 *
 * ```ts
 * import { randomUUID } from 'node:crypto';
 * import { LibraryServiceDefinition, Shelf } from '@rondo/contracts/rondo/conformance/v1/library';
 * import { createPool } from '@rondo/database';
 * import { defineResource, standardMethods } from '@rondo/resources';
 * import { createStoreDatabase } from '@rondo/resources/sql';
 *
 * const database = createStoreDatabase(createPool({ url: 'postgres://books:secret@127.0.0.1:5432/books' }));
 * const shelves = defineResource(Shelf, { table: 'shelves', unique: { shelves_title_key: 'title' } });
 * const handlers = standardMethods(LibraryServiceDefinition, shelves, { database, newId: randomUUID });
 * ```
 *
 * What other methods need stands next to it: the fields that requests have in common, by the AIPs: pages and filters of lists, etags, update
 * masks and dates. The readers report each fault by what `reading` of `@rondo/rpc/server` passes to them, or `validate` of
 * `@rondo/rpc/status`.
 *
 * ```ts
 * import { type List, readList } from '@rondo/resources';
 * import { validate } from '@rondo/rpc/status';
 *
 * const BOOKS: List = { collection: 'books', fields: { year: { kind: 'integer' } }, sortable: ['year'] };
 * const request = { filter: 'year > 1900', orderBy: 'year desc', pageSize: 10, pageToken: '' };
 * const query = validate((field) => readList(field, BOOKS, request)); // listPage of @rondo/resources/sql reads the page
 * ```
 */

export { type Audit, auditBy, auditParams, auditSql, createAudit } from '../access/audit/audit.js';
export { auditSchema } from '../access/audit/schema.js';
export { createRules, type Rule, type RulesByPath, rulesOf, rulesPart } from '../access/rules.js';
export { type List, nextPageToken, readList } from '../list.js';
export { checkEtag, etagOf, readDate, requireEtag, toDateMessage } from '../request-fields.js';
export type { Column } from '../resource/column.js';
export { defineResource, type Resource } from '../resource/define-resource.js';
export type { Hooks, ResourceContext } from '../resource/hooks.js';
export { inColumns } from '../resource/json-column.js';
export { openDatabase, type ServiceDatabase } from '../resource/open-database.js';
export { type CreateRequest, readDraft, readNamed, type UpdateRequest } from '../resource/requests.js';
export { scalarColumn } from '../resource/scalar-columns.js';
export { standardMethods } from '../resource/standard-methods.js';
export type { Store } from '../resource/store.js';
export { moneyColumns, readOnly, reference } from '../resource/value-columns.js';
export { ownedBy, type Visibility } from '../resource/visibility.js';
export { createStatusMapping, type StatusMapping } from '../status.js';
export { appendChanges, appendSql, type PayloadFields, payloadFields } from '../sync/changes.js';
export { syncSchema } from '../sync/schema.js';
export { createSync, type Sync } from '../sync/sync.js';
