-- rondo:no-transaction
-- By these the lists of a customer in a state walk.
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_walk_customer_state ON quotes (customer_id, state, sequence) WHERE delete_time IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS quotes_walk_customer_state_deleted ON quotes (customer_id, state, sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_walk_customer_state ON orders (customer_id, state, sequence);
