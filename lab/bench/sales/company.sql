-- A company of :quotes quotes, nearly all of them accepted, and :orders orders, most of them without a quote. What a filter looks
-- for is rare, and stands where a walk from the newest on comes last.

-- Nothing watches while it is filled.
ALTER TABLE customers DISABLE TRIGGER customers_are_watched;
ALTER TABLE quotes DISABLE TRIGGER quotes_added_are_watched, DISABLE TRIGGER quotes_are_watched;

INSERT INTO customers (id, display_name, email, create_time, update_time, delete_time)
SELECT 'c' || n, 'Customer ' || n, 'c' || n || '@example.com', since, since, CASE WHEN n % 20 = 7 THEN since END
FROM (
  SELECT n, TIMESTAMPTZ '2020-01-01 00:00Z' + n * interval '1 minute' AS since
  FROM generate_series(1, greatest(100, :quotes / 10)) AS n
) AS made;

INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes, create_time, update_time)
SELECT 'p' || n, 'Product ' || n, 'SKU-' || n, 'EUR', 1999, n % 1000 + 1, 60, since, since
FROM (
  SELECT n, TIMESTAMPTZ '2020-01-01 00:00Z' + n * interval '1 minute' AS since
  FROM generate_series(1, greatest(100, :quotes / 10)) AS n
) AS made;

INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor,
  create_time, update_time, delete_time)
SELECT 'q' || n, 'c' || CASE WHEN n <= 50 THEN 1 ELSE 2 + n % 17 END, DATE '2020-01-01' + (n / 100)::integer, 0, 0, 'EUR', 1999, 1999,
  since, since, CASE WHEN n > :quotes * 19 / 20 THEN since END
FROM (
  SELECT n, TIMESTAMPTZ '2020-01-01 00:00Z' + n * interval '30 minutes' AS since FROM generate_series(1, :quotes) AS n ORDER BY n
) AS made;
INSERT INTO quote_lines (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
SELECT id, 1, 'p' || 1 + sequence % 100, 1, 0, 'Product', 1999, 60 FROM quotes;

-- The oldest ten quotes are open, and the next ten are being accepted.
INSERT INTO orders (id, quote_id, customer_id, order_date, state, discount_percent, tax_percent, currency, net_minor,
  total_minor, project, create_time, update_time)
SELECT 'o' || sequence, id, customer_id, quote_date, CASE WHEN sequence BETWEEN 21 AND 30 THEN 'cancelled' ELSE 'placed' END,
  0, 0, 'EUR', 1999, 1999, CASE WHEN sequence > 20 THEN 'projects/' || id END, create_time, create_time
FROM quotes WHERE delete_time IS NULL AND sequence > 10 ORDER BY sequence;
INSERT INTO orders (id, customer_id, salesperson, order_date, state, discount_percent, tax_percent, currency, net_minor, total_minor,
  create_time, update_time)
SELECT 'w' || n, 'c' || 2 + n % 17, '', (since AT TIME ZONE 'UTC')::date, 'placed', 0, 0, 'EUR', 1999, 1999, since, since
FROM (
  SELECT n, TIMESTAMPTZ '2020-01-03 00:00Z' + n * interval '1 minute' AS since
  FROM generate_series(1, :orders - (SELECT count(*) FROM orders)) AS n ORDER BY n
) AS made;
INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
SELECT id, 1, 'p1', 1, 0, 'Product', 1999 FROM orders;

-- Open quotes to accept: the newest, each of a product of its own in turn.
INSERT INTO quotes (id, customer_id, quote_date, discount_percent, tax_percent, currency, net_minor, total_minor)
SELECT 'a' || n, 'c2', DATE '2020-01-01', 0, 0, 'EUR', 1999, 1999 FROM generate_series(1, :accepted) AS n;
INSERT INTO quote_lines (quote_id, position, product_id, quantity, discount_percent, title, unit_price_minor, delivery_effort_minutes)
SELECT 'a' || n, 1, 'p' || 50 + n % 50, 1, 0, 'Product', 1999, 60 FROM generate_series(1, :accepted) AS n;

ALTER TABLE customers ENABLE TRIGGER customers_are_watched;
ALTER TABLE quotes ENABLE TRIGGER quotes_added_are_watched, ENABLE TRIGGER quotes_are_watched;
