import type { SchemaPart } from '@rondo/database';

const FIRST = `
-- Runs of workflows. While a run goes on, its row of jobs says when, and which process has it.
CREATE TABLE workflow_runs (
  id text COLLATE "C" PRIMARY KEY,
  -- Such as sales.v1.OrderService/Fulfil.
  method text COLLATE "C" NOT NULL,
  -- The process and the principal that started it; empty for the service itself.
  caller text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  fingerprint bytea NOT NULL,
  request bytea NOT NULL CHECK (octet_length(request) <= 1048576),
  traceparent text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now(),
  -- Why it waits for an operator.
  blocked text,
  -- With what it has ended, or ends once its undos are made: its result, or a google.rpc.Status.
  code smallint,
  result bytea,
  end_time timestamptz,
  expire_time timestamptz,
  -- The timeline of the server that it ran on last, and when that changed: what the run did on the earlier one may be lost here.
  timeline bigint NOT NULL,
  restore_time timestamptz,
  UNIQUE (method, caller, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX workflow_runs_method ON workflow_runs (method, id);
CREATE INDEX workflow_runs_blocked ON workflow_runs (method, id) WHERE blocked IS NOT NULL;
CREATE INDEX workflow_runs_expire_time ON workflow_runs (expire_time) WHERE expire_time IS NOT NULL;

CREATE TABLE workflow_steps (
  run text COLLATE "C" NOT NULL REFERENCES workflow_runs ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  undoing boolean NOT NULL,
  -- Of a call.
  request bytea,
  -- Of a wait.
  signal text COLLATE "C",
  begin_time timestamptz NOT NULL,
  -- When a wait or a sleep ends by itself.
  due_time timestamptz,
  -- Whether an operator decides what becomes of it.
  unsettled boolean NOT NULL DEFAULT false,
  end_time timestamptz,
  code smallint,
  result bytea,
  -- The order of the outcomes of a run.
  place integer,
  PRIMARY KEY (run, name)
);

-- What was sent to a run, and that it hasn't read. Whoever sends or reads has locked the run.
CREATE TABLE workflow_signals (
  place bigint GENERATED ALWAYS AS IDENTITY,
  run text COLLATE "C" NOT NULL REFERENCES workflow_runs ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  value bytea NOT NULL CHECK (octet_length(value) <= 1048576),
  PRIMARY KEY (run, name, place)
);
`;

const LISTED = `
ALTER TABLE workflow_runs ADD COLUMN state text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
  CASE WHEN end_time IS NULL THEN CASE WHEN blocked IS NULL THEN 'open' ELSE 'blocked' END
    WHEN code = 0 THEN 'succeeded' WHEN code = 1 THEN 'cancelled' ELSE 'failed' END) STORED;
CREATE INDEX workflow_runs_state ON workflow_runs (method, state, id);
DROP INDEX workflow_runs_method;
DROP INDEX workflow_runs_blocked;

-- Of a child, signal is the name of its operation.
CREATE INDEX workflow_steps_children ON workflow_steps (right(signal, 26)) WHERE kind = 'child' AND end_time IS NULL;
`;

const TRIED = `
-- After how many attempts at a step it waits for an operator.
ALTER TABLE workflow_runs ADD COLUMN tried integer;
`;

const TRACED = `
-- That of the execution which ended the step, or else began it.
ALTER TABLE workflow_steps ADD COLUMN trace_id text;
`;

/** The tables of workflows; a service with some has them besides `jobsSchema`. */
export const runsSchema: SchemaPart = {
  name: 'workflows',
  migrations: [
    { name: '0001_workflows.sql', sql: FIRST },
    { name: '0002_listed.sql', sql: LISTED },
    { name: '0003_tried.sql', sql: TRIED },
    { name: '0004_traced.sql', sql: TRACED },
  ],
};
