import type { SchemaPart } from '@rondo/database';

const FIRST = `
-- What a coordinator has promised. A row is written before anybody is asked to prepare; that it goes from 'preparing' to
-- 'committing' is the decision to commit, and happens in the transaction of the service's own work.
CREATE TABLE transaction_log (
  id text PRIMARY KEY,
  coordinator text NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  state text NOT NULL
    CHECK (state IN ('preparing', 'committing', 'aborting', 'committed', 'aborted', 'conflict')),
  -- 'committed' or 'aborted'; null before it is decided.
  decision text CHECK (decision IN ('committed', 'aborted')),
  -- [{"service": "projects.v1.ProjectService", "outcome": "" | "committed" | "aborted" | "unknown", "error": ""}]
  participants jsonb NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  create_time timestamptz NOT NULL DEFAULT now(),
  expire_time timestamptz NOT NULL,
  -- When somebody has to look after it; whoever does moves it on, so that others leave it alone meanwhile.
  due_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL DEFAULT now(),
  CHECK ((state = 'preparing') = (decision IS NULL))
);

CREATE INDEX transaction_log_due ON transaction_log (due_time)
  WHERE state IN ('preparing', 'committing', 'aborting');
CREATE INDEX transaction_log_unfinished ON transaction_log (create_time)
  WHERE state NOT IN ('committed', 'aborted');
CREATE INDEX transaction_log_finished ON transaction_log (update_time)
  WHERE state IN ('committed', 'aborted');

-- How branches have ended here. 'committed' is written inside the prepared transaction, so that it is there exactly when
-- the rest is; 'aborted' refuses a Prepare that arrives after its Abort.
CREATE TABLE transaction_branches (
  gid text PRIMARY KEY,
  outcome text NOT NULL CHECK (outcome IN ('committed', 'aborted')),
  -- Whether an operator decided it.
  heuristic boolean NOT NULL DEFAULT false,
  update_time timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX transaction_branches_update_time ON transaction_branches (update_time);

-- Long work in steps, each done at least once.
CREATE TABLE sagas (
  id text PRIMARY KEY,
  kind text NOT NULL,
  subject text NOT NULL,
  input jsonb NOT NULL,
  -- What the steps that are done returned, by their names.
  results jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL CHECK (state IN ('running', 'compensating', 'done', 'compensated')),
  -- Whether it waits for an operator.
  parked boolean NOT NULL DEFAULT false,
  -- The step that it is at, from 0; going down while it is compensating.
  step integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  error text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL DEFAULT now(),
  due_time timestamptz NOT NULL DEFAULT now(),
  update_time timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX sagas_due ON sagas (due_time) WHERE state IN ('running', 'compensating') AND NOT parked;
CREATE INDEX sagas_unfinished ON sagas (create_time) WHERE state IN ('running', 'compensating');
CREATE INDEX sagas_finished ON sagas (update_time) WHERE state IN ('done', 'compensated');
`;

const TRACE = `
-- The trace of the call that began a transaction: a recovery by another process has a link to it.
ALTER TABLE transaction_log ADD COLUMN traceparent text NOT NULL DEFAULT '';
`;

const SAGA_STEPS = `
-- The names of its steps in order. Null in rows of versions that stored none; these versions don't find the other rows, whose kind
-- ends with ' by name'.
ALTER TABLE sagas ADD COLUMN steps jsonb;
`;

/**
 * The tables of coordinators, participants and sagas. A service that uses any of these passes it to
 * `createReadiness` in `parts`.
 */
export const transactionsSchema: SchemaPart = {
  name: 'transactions',
  migrations: [
    { name: '0001_transactions.sql', sql: FIRST },
    { name: '0002_trace.sql', sql: TRACE },
    { name: '0003_saga_steps.sql', sql: SAGA_STEPS },
  ],
};
