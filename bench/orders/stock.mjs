/** How much there is to sell, and to how many: ids are numbers, so that pgbench can draw them. */
export const PRODUCTS = 100;
export const CUSTOMERS = 1000;

/** Puts it into the database of sales. */
export async function stockUp(database) {
  await database.query(
    `INSERT INTO customers (id, display_name, email)
     SELECT id, 'Customer ' || id, id || '@example.com' FROM generate_series(1, $1) AS id`,
    [CUSTOMERS],
  );
  await database.query(
    `INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
     SELECT id, 'Desk', 'DESK-' || id, 'EUR', 1999, 1000000000, 60 FROM generate_series(1, $1) AS id`,
    [PRODUCTS],
  );
}
