import { type Queries, type SqlValue, UniqueViolation } from '@rondo/database';
import { columnsOf, type FeedSource, type Listing, listPage } from '@rondo/resources/sql';
import type { Customer, CustomerStore } from '../domain/customer.js';
import { EmailTaken } from '../domain/errors.js';
import { SALESPERSON_SIGHT } from './salespeople.js';
import { CHANGED, DELETED, DELETION } from './sql.js';

interface CustomerRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly display_name: string;
  readonly email: string;
  readonly salesperson: string;
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly delete_time: Date | null;
}

const SELECTED = [
  ...['sequence', 'id', 'display_name', 'email', 'salesperson', 'version', 'create_time'],
  ...['update_time', 'delete_time'],
];

const COLUMNS = columnsOf('customers', SELECTED);

const LISTING: Listing = {
  table: 'customers',
  order: 'the newest first',
  selected: SELECTED,
  columns: { display_name: 'display_name', email: 'email', salesperson: 'salesperson', create_time: 'create_time' },
  sorted: { create_time: 'create_time', display_name: 'display_name' },
  deletion: DELETION,
  scannedBy: { field: 'salesperson', withState: false },
  sight: { value: 'salesperson', indexed: true },
};

const INSERT = `INSERT INTO customers (id, display_name, email, salesperson)
  VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`;

const UPDATE = `
  UPDATE customers SET display_name = coalesce($2, display_name), email = coalesce($3, email),
    salesperson = coalesce($4, salesperson), ${CHANGED}
  WHERE id = $1
  RETURNING ${COLUMNS}`;

const DELETE = `UPDATE customers SET ${DELETED} WHERE id = $1 RETURNING ${COLUMNS}`;

const UNDELETE = `UPDATE customers SET delete_time = NULL, ${CHANGED} WHERE id = $1 RETURNING ${COLUMNS}`;

/**
 * Stores customers in PostgreSQL. The database appends each change for watchers.
 *
 * @param onAppended is called after each change, before the commit.
 */
export function createCustomerStore(queries: Queries, onAppended: () => void): CustomerStore {
  const find = async (sql: string, id: string): Promise<Customer | undefined> => {
    const row = await queries.maybeOne<CustomerRow>(sql, [id]);
    return row && toCustomer(row);
  };
  const write = async (sql: string, params: readonly SqlValue[], email?: string): Promise<Customer> => {
    try {
      const customer = toCustomer(await queries.one<CustomerRow>(sql, params));
      onAppended();
      return customer;
    } catch (error) {
      const taken = error instanceof UniqueViolation && error.constraint === 'customers_email_key';
      throw taken ? new EmailTaken(email) : error;
    }
  };

  return {
    find: (id) => find(`SELECT ${COLUMNS} FROM customers WHERE id = $1`, id),
    lock: (id) => find(`SELECT ${COLUMNS} FROM customers WHERE id = $1 FOR NO KEY UPDATE`, id),
    list: (query) => listPage<CustomerRow, Customer>(queries, { listing: LISTING, query }, toCustomer),
    add: ({ id, displayName, email, salesperson }) => write(INSERT, [id, displayName, email, salesperson], email),
    update: (id, { displayName, email, salesperson }) =>
      write(UPDATE, [id, displayName ?? null, email ?? null, salesperson ?? null], email),
    delete: (id) => write(DELETE, [id]),
    undelete: (id) => write(UNDELETE, [id]),
  };
}

function toCustomer(row: CustomerRow): Customer {
  return {
    id: row.id,
    displayName: row.display_name,
    email: row.email,
    salesperson: row.salesperson,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
    deleteTime: row.delete_time ?? undefined,
  };
}

/** How customers are watched. */
export const CUSTOMER_FEED: FeedSource<CustomerRow, Customer> = {
  table: 'customers',
  select: `SELECT ${COLUMNS} FROM customers`,
  live: DELETION.live,
  key: 'sequence',
  keyOf: ({ sequence }) => sequence,
  toItem: toCustomer,
  sight: SALESPERSON_SIGHT,
  parse: ({ text, whole, time, optionalTime }) => ({
    id: text('id'),
    displayName: text('display_name'),
    email: text('email'),
    salesperson: text('salesperson'),
    version: whole('version'),
    createTime: time('create_time'),
    updateTime: time('update_time'),
    deleteTime: optionalTime('delete_time') ?? undefined,
  }),
};
