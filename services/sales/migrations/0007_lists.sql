-- Each list walks along `sequence` from where the page before has ended, by one of these: over what isn't deleted or what is,
-- in each state, of each customer. By the others few rows are found at once.

CREATE INDEX customers_walk ON customers (sequence) WHERE delete_time IS NULL;
CREATE INDEX customers_walk_deleted ON customers (sequence) WHERE delete_time IS NOT NULL;
ALTER TABLE customers DROP CONSTRAINT customers_sequence_key;
CREATE INDEX customers_display_name ON customers (display_name);
CREATE INDEX customers_email ON customers (email);
CREATE INDEX customers_create_time ON customers (create_time);

-- There is none on the stock: an order changes only what no index has, so that the change stays in the row's page.
CREATE INDEX products_walk ON products (sequence) WHERE delete_time IS NULL;
CREATE INDEX products_walk_deleted ON products (sequence) WHERE delete_time IS NOT NULL;
ALTER TABLE products DROP CONSTRAINT products_sequence_key;
CREATE INDEX products_title ON products (title);
CREATE INDEX products_sku ON products (sku);
CREATE INDEX products_create_time ON products (create_time);

-- The state follows from the order. The trigger writes it, whichever version of the service writes the order.
ALTER TABLE quotes ADD COLUMN state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'ACCEPTING', 'ACCEPTED'));
CREATE FUNCTION set_quote_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE quotes SET state = CASE WHEN NEW.project IS NULL THEN 'ACCEPTING' ELSE 'ACCEPTED' END WHERE id = NEW.quote_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER orders_set_quote_state AFTER INSERT OR UPDATE OF project ON orders
  FOR EACH ROW WHEN (NEW.quote_id IS NOT NULL) EXECUTE FUNCTION set_quote_state();
UPDATE quotes SET state = CASE WHEN orders.project IS NULL THEN 'ACCEPTING' ELSE 'ACCEPTED' END
FROM orders WHERE orders.quote_id = quotes.id;

CREATE INDEX quotes_walk ON quotes (sequence) WHERE delete_time IS NULL;
CREATE INDEX quotes_walk_deleted ON quotes (sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX quotes_walk_state ON quotes (state, sequence) WHERE delete_time IS NULL;
CREATE INDEX quotes_walk_state_deleted ON quotes (state, sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX quotes_walk_customer ON quotes (customer_id, sequence) WHERE delete_time IS NULL;
CREATE INDEX quotes_walk_customer_deleted ON quotes (customer_id, sequence) WHERE delete_time IS NOT NULL;
DROP INDEX quotes_customer;
ALTER TABLE quotes DROP CONSTRAINT quotes_sequence_key;
CREATE INDEX quotes_quote_date ON quotes (quote_date);
CREATE INDEX quotes_create_time ON quotes (create_time);

CREATE INDEX orders_walk_state ON orders (state, sequence);
CREATE INDEX orders_order_date ON orders (order_date);
CREATE INDEX orders_create_time ON orders (create_time);
