import type { SchemaPart } from '@rondo/database';

const FIRST = `
CREATE TABLE audit_events (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  subject text NOT NULL,
  issuer text NOT NULL,
  process text NOT NULL,
  actors text[] NOT NULL,
  method text NOT NULL,
  resource text NOT NULL,
  code smallint NOT NULL,
  trace_id text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX audit_events_subject ON audit_events (subject, sequence);
CREATE INDEX audit_events_resource ON audit_events (resource);
CREATE INDEX audit_events_create_time ON audit_events (create_time);
`;

/** The table of {@link createAudit}; pass it to `createReadiness` in `parts`. */
export const auditSchema: SchemaPart = {
  name: 'audit',
  migrations: [{ name: '0001_audit_events.sql', sql: FIRST }],
};
