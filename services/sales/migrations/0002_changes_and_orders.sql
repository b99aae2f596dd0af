-- What has a version can be changed, and some of it deleted and brought back; orders have prices and states of their own.
--
-- Rows begin with both times alike, that of their transaction; changes take the clock's, and never go back.

ALTER TABLE customers
  ALTER COLUMN create_time SET DEFAULT now(),
  ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  ADD COLUMN update_time timestamptz(3) NOT NULL DEFAULT now(),
  ADD COLUMN delete_time timestamptz(3) CHECK (delete_time >= create_time);
UPDATE customers SET update_time = create_time;
ALTER TABLE customers ADD CHECK (update_time >= create_time);

-- Of those that are there: what is deleted keeps its address from nobody.
DROP INDEX customers_email_key;
CREATE UNIQUE INDEX customers_email_key ON customers (lower(email COLLATE "C")) WHERE delete_time IS NULL;

-- The version counts all changes but those of the stock, so that buyers don't outdate what a person has read. Room in
-- each page lets a stock change in place.
ALTER TABLE products
  ALTER COLUMN create_time SET DEFAULT now(),
  ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  ADD COLUMN update_time timestamptz(3) NOT NULL DEFAULT now(),
  ADD COLUMN delete_time timestamptz(3) CHECK (delete_time >= create_time),
  SET (fillfactor = 70);
UPDATE products SET update_time = create_time;
ALTER TABLE products ADD CHECK (update_time >= create_time);

ALTER TABLE products DROP CONSTRAINT products_sku_key;
CREATE UNIQUE INDEX products_sku_key ON products (sku) WHERE delete_time IS NULL;

-- Days may be one ahead of the time: the clock of whoever asks may be ahead of this one.
ALTER TABLE quotes
  ALTER COLUMN create_time SET DEFAULT now(),
  ADD COLUMN quote_date date,
  ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  ADD COLUMN update_time timestamptz(3) NOT NULL DEFAULT now(),
  ADD COLUMN delete_time timestamptz(3) CHECK (delete_time >= create_time);
UPDATE quotes SET update_time = create_time, quote_date = (create_time AT TIME ZONE 'UTC')::date;
ALTER TABLE quotes
  ALTER COLUMN quote_date SET NOT NULL,
  ADD CHECK (update_time >= create_time),
  ADD CHECK (quote_date <= (update_time AT TIME ZONE 'UTC')::date + 1),
  -- True or missing, for orders to refer to: a quote with an order can't be deleted, nor a deleted one be ordered.
  ADD COLUMN live boolean GENERATED ALWAYS AS (CASE WHEN delete_time IS NULL THEN true END) STORED,
  ADD CONSTRAINT quotes_live_key UNIQUE (id, live);
CREATE INDEX quotes_customer ON quotes (customer_id, sequence);

ALTER TABLE orders
  ALTER COLUMN create_time SET DEFAULT now(),
  ALTER COLUMN quote_id DROP NOT NULL,
  ADD COLUMN state text NOT NULL DEFAULT 'placed' CHECK (state IN ('placed', 'cancelled')),
  ADD COLUMN order_date date,
  ADD COLUMN discount_percent numeric(7, 4) CHECK (discount_percent BETWEEN 0 AND 100),
  ADD COLUMN tax_percent numeric(7, 4) CHECK (tax_percent BETWEEN 0 AND 100),
  ADD COLUMN net_minor numeric(24, 0) CHECK (net_minor >= 0),
  ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  ADD COLUMN update_time timestamptz(3) NOT NULL DEFAULT now();
-- Until now an order was its quote's, lines and price alike.
UPDATE orders SET
  order_date = (orders.create_time AT TIME ZONE 'UTC')::date,
  discount_percent = quotes.discount_percent,
  tax_percent = quotes.tax_percent,
  net_minor = quotes.net_minor,
  update_time = orders.create_time
FROM quotes WHERE quotes.id = orders.quote_id;
ALTER TABLE orders
  ALTER COLUMN order_date SET NOT NULL,
  ALTER COLUMN discount_percent SET NOT NULL,
  ALTER COLUMN tax_percent SET NOT NULL,
  ALTER COLUMN net_minor SET NOT NULL,
  ADD CHECK (update_time >= create_time),
  ADD CHECK (order_date <= (create_time AT TIME ZONE 'UTC')::date + 1),
  ADD CONSTRAINT orders_total_above_net CHECK (total_minor >= net_minor),
  ADD CONSTRAINT orders_project_of_quote CHECK (project IS NULL OR quote_id IS NOT NULL),
  ADD COLUMN quote_live boolean GENERATED ALWAYS AS (CASE WHEN quote_id IS NOT NULL THEN true END) STORED,
  ADD CONSTRAINT orders_quote_is_live FOREIGN KEY (quote_id, quote_live) REFERENCES quotes (id, live);
CREATE INDEX orders_customer ON orders (customer_id, sequence);

CREATE FUNCTION refuse_to_place_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the order % is cancelled for ever', OLD.id
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER orders_cancelled_for_ever BEFORE UPDATE OF state ON orders
  FOR EACH ROW WHEN (OLD.state = 'cancelled' AND NEW.state <> 'cancelled') EXECUTE FUNCTION refuse_to_place_again();

ALTER TABLE order_lines
  ADD COLUMN discount_percent numeric(7, 4) CHECK (discount_percent BETWEEN 0 AND 100),
  ADD COLUMN title text,
  ADD COLUMN unit_price_minor numeric(24, 0) CHECK (unit_price_minor >= 0);
UPDATE order_lines SET
  discount_percent = quoted.discount_percent,
  title = quoted.title,
  unit_price_minor = quoted.unit_price_minor
FROM orders JOIN quote_lines AS quoted ON quoted.quote_id = orders.quote_id
WHERE orders.id = order_lines.order_id AND quoted.position = order_lines.position;
ALTER TABLE order_lines
  ALTER COLUMN discount_percent SET NOT NULL,
  ALTER COLUMN title SET NOT NULL,
  ALTER COLUMN unit_price_minor SET NOT NULL;
