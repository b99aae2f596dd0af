-- A quote may be valid for a time only; without a date it is valid until it is deleted.
ALTER TABLE quotes
  ADD COLUMN valid_until_date date,
  ADD CONSTRAINT quotes_valid_from_quote_date CHECK (valid_until_date >= quote_date) NOT VALID;
