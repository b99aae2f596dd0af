-- Acceptances are transactions across both services from now on. Those that an earlier version has left half done, an order
-- whose project was never recorded, are finished once by a saga (of @rondo/transactions, whose tables are there before).
INSERT INTO sagas (id, kind, subject, input, state)
SELECT 'finish-acceptance-' || quote_id, 'finish-acceptance', 'quotes/' || quote_id,
  jsonb_build_object('quote', quote_id), 'running'
FROM orders WHERE quote_id IS NOT NULL AND project IS NULL
ON CONFLICT DO NOTHING;
