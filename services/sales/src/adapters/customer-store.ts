import { type Queries, UniqueViolation } from '@rondo/database';
import type { Customer } from '../domain/customer.js';
import { EmailTaken } from '../domain/errors.js';
import type { CustomerStore } from '../domain/ports.js';
import { descending, pageOf } from './page.js';

interface CustomerRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly display_name: string;
  readonly email: string;
  readonly create_time: Date;
}

/** Customers in PostgreSQL. */
export function createCustomerStore(queries: Queries): CustomerStore {
  return {
    async add({ id, displayName, email }) {
      const sql = 'INSERT INTO customers (id, display_name, email) VALUES ($1, $2, $3) RETURNING *';
      try {
        return toCustomer(await queries.one<CustomerRow>(sql, [id, displayName, email]));
      } catch (error) {
        const taken = error instanceof UniqueViolation && error.constraint === 'customers_email_key';
        throw taken ? new EmailTaken(email) : error;
      }
    },
    async find(id) {
      const row = await queries.maybeOne<CustomerRow>('SELECT * FROM customers WHERE id = $1', [id]);
      return row && toCustomer(row);
    },
    async list(query) {
      const sql = 'SELECT * FROM customers WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2';
      const { items, next } = pageOf(await queries.query<CustomerRow>(sql, descending(query)), query);
      return { items: items.map(toCustomer), next };
    },
  };
}

function toCustomer({ id, display_name, email, create_time }: CustomerRow): Customer {
  return { id, displayName: display_name, email, createTime: create_time };
}
