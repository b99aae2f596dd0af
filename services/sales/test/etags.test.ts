import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Product } from '@rondo/contracts/sales/v1/products';
import { createPool, type Database } from '@rondo/database';
import { addProduct, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

describe('an etag', () => {
  let company: Company;
  let database: Database;
  beforeAll(async () => {
    company = await startCompany();
    database = createPool({ url: company.databaseUrl, maxConnections: 1 });
  });
  afterAll(async () => {
    await database.close();
    await company.stop();
  });

  const rename = ({ name }: Product, title: string, etag = '') =>
    company.products.updateProduct({ product: { name, title, etag } });
  const FOREIGN =
    'never had this etag: it is of another resource, or of a state that a restore has undone; read it again';

  it('of another product is refused, whatever its version', async () => {
    const [desk, chair] = [await addProduct(company), await addProduct(company)];
    await refused(rename(desk, 'Desk', chair.etag), 'ABORTED', `${desk.name} ${FOREIGN}`);
    await expect(rename(desk, 'Desk', desk.etag)).resolves.toMatchObject({ title: 'Desk' });
  });

  it('that was made up is refused', async () => {
    const desk = await addProduct(company);
    await refused(rename(desk, 'Desk', '"1"'), 'ABORTED', FOREIGN);
    await refused(company.products.deleteProduct({ name: desk.name, etag: '"1"' }), 'ABORTED', FOREIGN);
  });

  it('of a state that a restore has undone is refused, also once the version comes again', async () => {
    const desk = await addProduct(company, { title: 'Desk' });
    const lost = await rename(desk, 'Table', desk.etag);
    // As a restore does: the row is as it was.
    const sql = 'UPDATE products SET title = $2, version = 1, update_time = $3 WHERE id = $1';
    await database.query(sql, [desk.name.slice('products/'.length), 'Desk', desk.updateTime ?? null]);

    await refused(rename(desk, 'Bench', lost.etag), 'ABORTED', FOREIGN);
    const again = await rename(desk, 'Table', desk.etag);
    await refused(rename(desk, 'Bench', lost.etag), 'ABORTED', 'has changed since its etag was read');
    await expect(rename(desk, 'Bench', again.etag)).resolves.toMatchObject({ title: 'Bench' });
  });
});
