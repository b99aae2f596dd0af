-- rondo:no-transaction
-- By these the lists of a salesperson walk.
CREATE INDEX CONCURRENTLY IF NOT EXISTS customers_walk_salesperson ON customers (salesperson, sequence) WHERE delete_time IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS customers_walk_salesperson_deleted ON customers (salesperson, sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_walk_salesperson ON quotes (salesperson, sequence) WHERE delete_time IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_walk_salesperson_deleted ON quotes (salesperson, sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_walk_salesperson_state ON quotes (salesperson, state, sequence) WHERE delete_time IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_walk_salesperson_state_deleted ON quotes (salesperson, state, sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_walk_salesperson ON orders (salesperson, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_walk_salesperson_state ON orders (salesperson, state, sequence);
