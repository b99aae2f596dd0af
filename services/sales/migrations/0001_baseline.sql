-- rondo:baseline
-- rondo:formerly 9b6918151ccb83081b8fc1291ca301b99de99f1a7e6306a99534373932a5c572
-- Customers, products with their stock, quotes, orders. A schema from before this file is refused.
--
-- `sequence` is the order in which rows were made; lists page along it, as it never ties and never changes. Times have the
-- milliseconds that clients see. Both times of a new row are that of its transaction; changes take the clock's, and never go
-- back. The version counts the changes; the etag is made of it. Money is a currency and a whole number of its minor units;
-- numeric, as google.type.Money holds more of them than bigint does.

CREATE TABLE customers (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
  email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  create_time timestamptz(3) NOT NULL DEFAULT now(),
  update_time timestamptz(3) NOT NULL DEFAULT now() CHECK (update_time >= create_time),
  delete_time timestamptz(3) CHECK (delete_time >= create_time)
);
-- Addresses are ASCII; the "C" collation lowers those alike on every server, whatever its locale. A deleted customer leaves the
-- address to others.
CREATE UNIQUE INDEX customers_email_key ON customers (lower(email COLLATE "C")) WHERE delete_time IS NULL;

-- The version of a product counts all changes but those of the stock, so that buyers don't outdate what a person has read.
-- Room in each page lets a stock change in place.
CREATE TABLE products (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  sku text NOT NULL CHECK (sku ~ '^[A-Za-z0-9._-]{1,64}$'),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  unit_price_minor numeric(24, 0) NOT NULL CHECK (unit_price_minor >= 0),
  stock bigint NOT NULL CHECK (stock BETWEEN 0 AND 1000000000),
  delivery_effort_minutes bigint NOT NULL CHECK (delivery_effort_minutes BETWEEN 0 AND 1000000),
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  create_time timestamptz(3) NOT NULL DEFAULT now(),
  update_time timestamptz(3) NOT NULL DEFAULT now() CHECK (update_time >= create_time),
  delete_time timestamptz(3) CHECK (delete_time >= create_time)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX products_sku_key ON products (sku) WHERE delete_time IS NULL;

-- Days may be one ahead of the time: the clock of the caller may be ahead of this one.
CREATE TABLE quotes (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  customer_id text NOT NULL REFERENCES customers,
  -- Follows from the order: none, one without a project, one with a project. The trigger below writes it.
  state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'ACCEPTING', 'ACCEPTED')),
  quote_date date NOT NULL,
  discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
  tax_percent numeric(7, 4) NOT NULL CHECK (tax_percent BETWEEN 0 AND 100),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  net_minor numeric(24, 0) NOT NULL CHECK (net_minor >= 0),
  total_minor numeric(24, 0) NOT NULL CHECK (total_minor >= net_minor),
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  create_time timestamptz(3) NOT NULL DEFAULT now(),
  update_time timestamptz(3) NOT NULL DEFAULT now() CHECK (update_time >= create_time),
  delete_time timestamptz(3) CHECK (delete_time >= create_time),
  -- True or missing, for orders to refer to: a quote with an order can't be deleted, nor a deleted one be ordered.
  live boolean GENERATED ALWAYS AS (CASE WHEN delete_time IS NULL THEN true END) STORED,
  CHECK (quote_date <= (update_time AT TIME ZONE 'UTC')::date + 1),
  CONSTRAINT quotes_live_key UNIQUE (id, live)
);

-- What was offered: a copy of the product as it was, so that a later change of it changes no offer.
CREATE TABLE quote_lines (
  quote_id text NOT NULL REFERENCES quotes,
  position bigint NOT NULL,
  product_id text NOT NULL REFERENCES products,
  quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
  title text NOT NULL,
  unit_price_minor numeric(24, 0) NOT NULL CHECK (unit_price_minor >= 0),
  delivery_effort_minutes bigint NOT NULL CHECK (delivery_effort_minutes BETWEEN 0 AND 1000000),
  PRIMARY KEY (quote_id, position)
);

CREATE TABLE orders (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  quote_id text CONSTRAINT orders_quote_key UNIQUE REFERENCES quotes,
  customer_id text NOT NULL REFERENCES customers,
  state text NOT NULL DEFAULT 'placed' CHECK (state IN ('placed', 'cancelled')),
  order_date date NOT NULL,
  discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
  tax_percent numeric(7, 4) NOT NULL CHECK (tax_percent BETWEEN 0 AND 100),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  net_minor numeric(24, 0) NOT NULL CHECK (net_minor >= 0),
  total_minor numeric(24, 0) NOT NULL,
  -- `projects/{id}`, of the service that delivers.
  project text,
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  create_time timestamptz(3) NOT NULL DEFAULT now(),
  update_time timestamptz(3) NOT NULL DEFAULT now() CHECK (update_time >= create_time),
  quote_live boolean GENERATED ALWAYS AS (CASE WHEN quote_id IS NOT NULL THEN true END) STORED,
  CHECK (order_date <= (create_time AT TIME ZONE 'UTC')::date + 1),
  CONSTRAINT orders_total_above_net CHECK (total_minor >= net_minor),
  CONSTRAINT orders_project_of_quote CHECK (project IS NULL OR quote_id IS NOT NULL),
  CONSTRAINT orders_quote_is_live FOREIGN KEY (quote_id, quote_live) REFERENCES quotes (id, live)
);

CREATE TABLE order_lines (
  order_id text NOT NULL REFERENCES orders,
  position bigint NOT NULL,
  product_id text NOT NULL REFERENCES products,
  quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
  title text NOT NULL,
  unit_price_minor numeric(24, 0) NOT NULL CHECK (unit_price_minor >= 0),
  PRIMARY KEY (order_id, position)
);

CREATE FUNCTION refuse_to_place_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the order % is cancelled for ever', OLD.id
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER orders_cancelled_for_ever BEFORE UPDATE OF state ON orders
  FOR EACH ROW WHEN (OLD.state = 'cancelled' AND NEW.state <> 'cancelled') EXECUTE FUNCTION refuse_to_place_again();

CREATE FUNCTION set_quote_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE quotes SET state = CASE WHEN NEW.project IS NULL THEN 'ACCEPTING' ELSE 'ACCEPTED' END WHERE id = NEW.quote_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER orders_set_quote_state AFTER INSERT OR UPDATE OF project ON orders
  FOR EACH ROW WHEN (NEW.quote_id IS NOT NULL) EXECUTE FUNCTION set_quote_state();

-- Each change of products is told to watchers through the outbox of @rondo/sync, whichever statement makes it: one entry for up
-- to 100 products, as each order changes several.
CREATE FUNCTION append_product_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sync_outbox (topic, payload)
  SELECT 'products', jsonb_build_object('ids', jsonb_agg(id ORDER BY id))
  FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 100 AS part FROM changed) AS numbered
  GROUP BY part
  ORDER BY part;
  RETURN NULL;
END
$$;
CREATE TRIGGER products_added AFTER INSERT ON products
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_product_changes();
CREATE TRIGGER products_changed AFTER UPDATE ON products
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_product_changes();

-- Each list walks along `sequence` from where the page before has ended, by one of the `walk` indexes: over what isn't deleted or
-- what is, in each state, of each customer. By the others few rows are found at once.

CREATE INDEX customers_walk ON customers (sequence) WHERE delete_time IS NULL;
CREATE INDEX customers_walk_deleted ON customers (sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX customers_display_name ON customers (display_name);
CREATE INDEX customers_email ON customers (email);
CREATE INDEX customers_create_time ON customers (create_time);

-- There is none on the stock: an order changes only what no index has, so that the change stays in the row's page.
CREATE INDEX products_walk ON products (sequence) WHERE delete_time IS NULL;
CREATE INDEX products_walk_deleted ON products (sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX products_title ON products (title);
CREATE INDEX products_sku ON products (sku);
CREATE INDEX products_create_time ON products (create_time);

CREATE INDEX quotes_walk ON quotes (sequence) WHERE delete_time IS NULL;
CREATE INDEX quotes_walk_deleted ON quotes (sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX quotes_walk_state ON quotes (state, sequence) WHERE delete_time IS NULL;
CREATE INDEX quotes_walk_state_deleted ON quotes (state, sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX quotes_walk_customer ON quotes (customer_id, sequence) WHERE delete_time IS NULL;
CREATE INDEX quotes_walk_customer_deleted ON quotes (customer_id, sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX quotes_quote_date ON quotes (quote_date);
CREATE INDEX quotes_create_time ON quotes (create_time);

CREATE INDEX orders_customer ON orders (customer_id, sequence);
CREATE INDEX orders_walk_state ON orders (state, sequence);
CREATE INDEX orders_order_date ON orders (order_date);
CREATE INDEX orders_create_time ON orders (create_time);
