-- rondo:no-transaction
-- Sorted lists walk along these: by the value, then by the order in which rows were made. They take the place of the indexes on the
-- value alone, so that a write changes no more indexes than before.
CREATE INDEX CONCURRENTLY IF NOT EXISTS customers_sort_create_time ON customers (create_time, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS customers_sort_display_name ON customers (display_name, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_sort_create_time ON products (create_time, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_sort_title ON products (title, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_sort_sku ON products (sku, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_sort_create_time ON quotes (create_time, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_sort_quote_date ON quotes (quote_date, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_sort_create_time ON orders (create_time, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_sort_order_date ON orders (order_date, sequence);
DROP INDEX CONCURRENTLY IF EXISTS customers_create_time;
DROP INDEX CONCURRENTLY IF EXISTS customers_display_name;
DROP INDEX CONCURRENTLY IF EXISTS products_create_time;
DROP INDEX CONCURRENTLY IF EXISTS products_title;
DROP INDEX CONCURRENTLY IF EXISTS products_sku;
DROP INDEX CONCURRENTLY IF EXISTS quotes_create_time;
DROP INDEX CONCURRENTLY IF EXISTS quotes_quote_date;
DROP INDEX CONCURRENTLY IF EXISTS orders_create_time;
DROP INDEX CONCURRENTLY IF EXISTS orders_order_date;
