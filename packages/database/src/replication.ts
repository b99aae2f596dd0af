import type { Queries, QueryOptions } from './sql.js';

/** A standby that is further behind has lost the connection, or is too slow for the writes. Seconds. */
const MAX_LAG_S = 10;

/** What a primary says about its standbys. A role without pg_monitor sees neither their lag nor what waits for them. */
interface Replication {
  readonly standbys: number;
  readonly names: string;
  /** `synchronous_commit` of this connection, and of the roles and databases that have their own. */
  readonly commit: string;
  readonly exceptions: readonly string[];
  readonly sees: boolean;
  readonly lagS: number;
  readonly waiting: number;
  readonly prepared: number;
}

const QUESTION = `
  SELECT (SELECT count(*)::int FROM pg_stat_replication) AS standbys,
    current_setting('synchronous_standby_names') AS names, current_setting('synchronous_commit') AS commit,
    ARRAY(
      SELECT format('%s for %s', setting, concat_ws(' in ', nullif(setrole, 0)::regrole::text, datname))
      FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS setting LEFT JOIN pg_database ON pg_database.oid = setdatabase
      WHERE setting IN ('synchronous_commit=off', 'synchronous_commit=local') ORDER BY 1
    ) AS exceptions,
    pg_has_role('pg_monitor', 'usage') AS sees,
    (SELECT coalesce(extract(epoch FROM max(replay_lag)), 0)::float8 FROM pg_stat_replication) AS "lagS",
    (SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'SyncRep') AS waiting,
    (SELECT count(*)::int FROM pg_prepared_xacts WHERE prepared < now() - interval '1 minute') AS prepared`;

/**
 * What a failover of the database would lose, and what is in the way of its commits: a line with a remedy for each. Empty for a server
 * without standbys, and if no acknowledged write can be lost.
 */
export async function replicationFaults(database: Pick<Queries, 'one'>, options?: QueryOptions): Promise<string[]> {
  const found = await database.one<Replication>(QUESTION, [], options);
  const { standbys, names, commit, exceptions, sees, lagS, waiting, prepared } = found;
  const faults: string[] = [];
  if (prepared > 0)
    faults.push(`${prepared} transactions are prepared for more than a minute, and hold their locks: see rondo tx ls`);
  if (standbys === 0 && names === '') return faults;
  if (names === '')
    faults.push('replication is asynchronous, so a failover loses acknowledged writes: set synchronous_standby_names');
  const own = commit === 'off' || commit === 'local' ? [`synchronous_commit=${commit} here`] : [];
  for (const setting of exceptions.length > 0 ? exceptions : own)
    faults.push(`${setting}: a failover loses acknowledged writes: reset it`);
  if (!sees) {
    faults.push('how far its standbys are behind is hidden from this role: GRANT pg_monitor TO it');
    return faults;
  }
  if (standbys === 0 || waiting > 0)
    faults.push(`${waiting} commits wait for a standby, and ${standbys} standbys are connected: start the others`);
  if (lagS > MAX_LAG_S) faults.push(`a standby is ${Math.round(lagS)} s behind: look at its log, disk and network`);
  return faults;
}
