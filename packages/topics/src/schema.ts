import type { SchemaPart } from '@rondo/database';

const FIRST = `
-- What was published, as long as its topic keeps it.
CREATE TABLE topic_events (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  event bytea NOT NULL CHECK (octet_length(event) <= 262144),
  traceparent text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);

CREATE INDEX topic_events_time ON topic_events (topic, create_time);

-- Those that subscribe. What a group hasn't taken is in the table of jobs, by the group's name.
CREATE TABLE topic_groups (
  name text COLLATE "C" PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  service text NOT NULL,
  method text NOT NULL,
  idempotency_level text NOT NULL,
  policy bytea NOT NULL,
  -- What the end of the retention took from it.
  cut bigint NOT NULL DEFAULT 0
);

CREATE INDEX topic_groups_topic ON topic_groups (topic);

-- An event that is delivered again has a version of its own, and so has the key of its call.
CREATE SEQUENCE topic_replays AS integer START 2;
`;

const RELAYS = `
-- Topics that a broker carries: what is published waits here until the broker has it.
CREATE TABLE topic_relays (topic text COLLATE "C" PRIMARY KEY);
ALTER TABLE topic_events ADD COLUMN waits boolean NOT NULL DEFAULT false;
CREATE INDEX topic_events_waiting ON topic_events (topic, place) WHERE waits;
-- A group that was removed and registered again is another one to the broker.
ALTER TABLE topic_groups ADD COLUMN registration bigint NOT NULL DEFAULT extract(epoch FROM clock_timestamp()) * 1000;
`;

const OWNERS = `
-- The identity that may register the group; empty if no process with a certificate has done so.
ALTER TABLE topic_groups ADD COLUMN owner text NOT NULL DEFAULT '';
`;

/** The tables of {@link createTopics}; a service passes it to `createReadiness` in `parts`, after `jobsSchema`. */
export const topicsSchema: SchemaPart = {
  name: 'topics',
  migrations: [
    { name: '0001_topics.sql', sql: FIRST },
    { name: '0002_relays.sql', sql: RELAYS },
    { name: '0003_owners.sql', sql: OWNERS },
  ],
};
