-- Customers, products with their stock, quotes, orders.
--
-- `sequence` is the order in which rows were made; lists page along it, as it never ties and never changes. Times have
-- the milliseconds that clients see. Money is a currency and a whole number of its minor units; numeric, as
-- google.type.Money holds more of them than bigint does.

CREATE TABLE customers (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
  email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

-- Addresses are ASCII; the "C" collation lowers those alike on every server, whatever its locale.
CREATE UNIQUE INDEX customers_email_key ON customers (lower(email COLLATE "C"));

CREATE TABLE products (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  sku text NOT NULL CONSTRAINT products_sku_key UNIQUE CHECK (sku ~ '^[A-Za-z0-9._-]{1,64}$'),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  unit_price_minor numeric(24, 0) NOT NULL CHECK (unit_price_minor >= 0),
  stock bigint NOT NULL CHECK (stock BETWEEN 0 AND 1000000000),
  delivery_effort_minutes bigint NOT NULL CHECK (delivery_effort_minutes BETWEEN 0 AND 1000000),
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

-- A quote has no state of its own: without an order it is open, with one that has no project it is being accepted, with
-- one that has a project it is accepted. So the two can't disagree.
CREATE TABLE quotes (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  customer_id text NOT NULL REFERENCES customers,
  discount_percent numeric(7, 4) NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
  tax_percent numeric(7, 4) NOT NULL CHECK (tax_percent BETWEEN 0 AND 100),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  net_minor numeric(24, 0) NOT NULL CHECK (net_minor >= 0),
  total_minor numeric(24, 0) NOT NULL CHECK (total_minor >= net_minor),
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp()
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
  quote_id text NOT NULL CONSTRAINT orders_quote_key UNIQUE REFERENCES quotes,
  customer_id text NOT NULL REFERENCES customers,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  total_minor numeric(24, 0) NOT NULL CHECK (total_minor >= 0),
  -- `projects/{id}`, of the service that delivers.
  project text,
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE order_lines (
  order_id text NOT NULL REFERENCES orders,
  position bigint NOT NULL,
  product_id text NOT NULL REFERENCES products,
  quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
  PRIMARY KEY (order_id, position)
);

-- Calls that carried a request id (AIP-155), with what is needed to answer them again.
CREATE TABLE requests (
  method text NOT NULL,
  request_id uuid NOT NULL,
  fingerprint text NOT NULL,
  outcome text NOT NULL,
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (method, request_id)
);
