import type { Queries } from '@rondo/database';
import type { FeedSight } from '@rondo/resources/sql';
import { type OwnedKind, sightOf } from '../domain/access.js';
import type { SalespersonOf } from '../domain/ports.js';

const FIND: Readonly<Record<OwnedKind, string>> = {
  customer: 'SELECT salesperson FROM customers WHERE id = $1',
  quote: 'SELECT salesperson FROM quotes WHERE id = $1',
  order: 'SELECT salesperson FROM orders WHERE id = $1',
};

/** Finds the salespeople of resources in PostgreSQL. */
export function createSalespersonOf(queries: Queries): SalespersonOf {
  return async (kind, id) => {
    const options = { name: `salesperson_of_${kind}` };
    return (await queries.maybeOne<{ salesperson: string }>(FIND[kind], [id], options))?.salesperson;
  };
}

/** A salesperson watches the rows that have their subject. */
export const SALESPERSON_SIGHT: FeedSight = { column: 'salesperson', of: sightOf };
