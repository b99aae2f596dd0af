-- What was made is changed and deleted by now: a request that comes again is answered with the row as it was made.
-- `outcome` is the row's id; without `made`, as in older requests, the row is taken as it is.
ALTER TABLE requests
  ALTER COLUMN fingerprint TYPE bytea USING decode(fingerprint, 'hex'),
  ADD CHECK (octet_length(fingerprint) = 32),
  ADD COLUMN made jsonb;

-- The oldest are removed.
CREATE INDEX requests_create_time ON requests (create_time);
