-- Outcomes of calls are in `call_outcomes` (of @rondo/database) from now on. Request ids of earlier versions go there with the
-- fingerprints of those versions: a repetition across the upgrade is refused instead of being carried out twice. `requests`
-- stays for replicas of the earlier version.
INSERT INTO call_outcomes (key, method, caller, fingerprint, bytes, expire_time)
SELECT request_id::text, service || method, '', fingerprint, '', requests.create_time + interval '31 days'
FROM requests JOIN (VALUES
  ('CreateCustomer', '/sales.v1.CustomerService/'),
  ('CreateProduct', '/sales.v1.ProductService/'),
  ('AdjustStock', '/sales.v1.ProductService/'),
  ('CreateQuote', '/sales.v1.QuoteService/'),
  ('PlaceOrder', '/sales.v1.OrderService/')
) AS methods (method, service) USING (method)
ON CONFLICT DO NOTHING;
