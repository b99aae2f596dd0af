ALTER TABLE quotes ADD COLUMN reminder_time timestamptz(3);
