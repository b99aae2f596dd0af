import type { SchemaPart } from '@rondo/database';
import { NO_UID } from './attempt.js';

const FIRST = `
-- Calls that are made later. A row goes when its job has succeeded.
CREATE TABLE jobs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  method text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
  request bytea NOT NULL CHECK (octet_length(request) <= 1048576),
  -- Counts how often the job was replaced by one with its key: each has an effect of its own.
  version integer NOT NULL DEFAULT 1,
  -- When the next attempt is due. While one runs: until when its replica has the job for itself.
  due_time timestamptz NOT NULL,
  -- The attempt that runs.
  claim text,
  attempts integer NOT NULL DEFAULT 0,
  error text NOT NULL DEFAULT '',
  -- Whether it waits for an operator.
  failed boolean NOT NULL DEFAULT false,
  progress text NOT NULL DEFAULT '',
  -- Of the call that asked for it.
  traceparent text NOT NULL DEFAULT '',
  create_time timestamptz NOT NULL DEFAULT now(),
  UNIQUE (method, key)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.1);

CREATE INDEX jobs_due ON jobs (method, due_time) WHERE NOT failed;
CREATE INDEX jobs_running ON jobs (method) WHERE claim IS NOT NULL;
CREATE INDEX jobs_failed ON jobs (create_time) WHERE failed;

-- When methods with a schedule are called next.
CREATE TABLE job_schedules (
  method text COLLATE "C" PRIMARY KEY,
  cron text NOT NULL,
  time_zone text NOT NULL,
  next_time timestamptz NOT NULL,
  skipped bigint NOT NULL DEFAULT 0
);
`;

const LANES = `
-- Calls of a lane are made one after the other, by their ids.
ALTER TABLE jobs ADD COLUMN lane text COLLATE "C";
CREATE INDEX jobs_lane ON jobs (method, lane, id) WHERE lane IS NOT NULL;
`;

const ENDS = `
-- How many instances have ended during the call. After the first end it is a suspect, which is called alone.
ALTER TABLE jobs ADD COLUMN ends integer NOT NULL DEFAULT 0;
-- The instance that the attempt which runs can't be at.
ALTER TABLE jobs ADD COLUMN avoids text;
CREATE INDEX jobs_suspects ON jobs (method, due_time) WHERE ends > 0 AND NOT failed;

-- The instance that gets suspects, and no other call. At most one row.
CREATE TABLE job_quarantine (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  instance text NOT NULL,
  -- The worker that makes the calls, and until when no other does.
  owner text NOT NULL,
  until timestamptz NOT NULL,
  since timestamptz NOT NULL
);

-- The id of a job in all databases: its calls have keys of it. Nil where the keys are those of a version before this column, of the id.
ALTER TABLE jobs ADD COLUMN uid uuid DEFAULT '${NO_UID}';
ALTER TABLE jobs ALTER COLUMN uid DROP DEFAULT;

-- When the job is due that replaced one whose attempt still runs: that attempt's claim then ends in a plus sign.
ALTER TABLE jobs ADD COLUMN next_time timestamptz;

-- A replica of a version before these columns leaves alone what it would call at one instance after the other, with another key, or too early.
CREATE FUNCTION jobs_old_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.ends > 0 OR OLD.uid <> '${NO_UID}' OR (OLD.claim IS NOT NULL AND OLD.next_time > now()) THEN RETURN NULL; END IF;
  NEW.uid := '${NO_UID}';
  RETURN NEW;
END $$;
CREATE TRIGGER jobs_old_claim BEFORE UPDATE OF claim ON jobs FOR EACH ROW
  WHEN (NEW.claim IS DISTINCT FROM OLD.claim AND NEW.claim NOT LIKE '2.%')
  EXECUTE FUNCTION jobs_old_claim();

-- How often instances refused the call, or none was reached. The last reason is in error, until an attempt fails.
ALTER TABLE jobs ADD COLUMN refusals integer NOT NULL DEFAULT 0;
CREATE INDEX jobs_refused ON jobs (method, create_time) WHERE refusals > 0 AND NOT failed;
`;

const OWNERS = `
-- The workers that have jobs, by the ids in their claims. A worker without a heartbeat has ended: its jobs are free.
CREATE TABLE job_owners (
  id text COLLATE "C" PRIMARY KEY,
  -- Since when its heartbeats have no gap. The database may have been away in a gap, so that others gave none either.
  since timestamptz NOT NULL,
  heartbeat timestamptz NOT NULL
);

-- If an operator tries a suspect again that has failed, it is called before it fails again.
UPDATE jobs SET ends = 1 WHERE failed AND ends > 1;
`;

const KEYS = `
-- Whether a job with a bound for its key, which is its lane, is due. False until a claim has found that it is, and while it runs. False for
-- other jobs, whose method may get a bound later, and null for events.
ALTER TABLE jobs ADD COLUMN ready boolean DEFAULT false;
CREATE INDEX jobs_ready ON jobs (method, lane, due_time) WHERE ready AND NOT failed;
CREATE INDEX jobs_unready ON jobs (method, due_time) WHERE NOT ready AND NOT failed;

-- Since when the times of a schedule are skipped, as an earlier job hasn't ended; null if the latest one had a job.
ALTER TABLE job_schedules ADD COLUMN overlap_time timestamptz;
`;

const CLAIMS = `
-- How often this version of the job was claimed. The first attempt of a job whose handler runs in the process that claims it ends the job in its
-- own transaction, as no other process can have called it. 1 for jobs and events of which that isn't known.
ALTER TABLE jobs ADD COLUMN claims integer NOT NULL DEFAULT 1;
`;

const UNFIT = `
-- The workers whose function doesn't fit what a run has recorded: they leave it to others. Null for none, and for jobs.
ALTER TABLE jobs ADD COLUMN unfit text[];
CREATE INDEX jobs_unfit ON jobs (method) WHERE unfit IS NOT NULL;

-- What a worker claims; null for one of a version before this column.
ALTER TABLE job_owners ADD COLUMN methods text[];
`;

const RETRIED = `
CREATE INDEX jobs_retried ON jobs (method, create_time) WHERE error <> '' AND refusals = 0 AND NOT failed;
`;

/** The tables of {@link createJobs}; a service passes it to `createReadiness` in `parts`. */
export const jobsSchema: SchemaPart = {
  name: 'jobs',
  migrations: [
    { name: '0001_jobs.sql', sql: FIRST },
    { name: '0002_lanes.sql', sql: LANES },
    { name: '0003_ends.sql', sql: ENDS },
    { name: '0004_owners.sql', sql: OWNERS },
    { name: '0005_keys.sql', sql: KEYS },
    { name: '0006_claims.sql', sql: CLAIMS },
    { name: '0007_unfit.sql', sql: UNFIT },
    { name: '0008_retried.sql', sql: RETRIED },
  ],
};
