import { setTimeout as sleep } from 'node:timers/promises';

const RELAY_MS = 10_000;

/** What the database has once all changes are relayed: the changes of each project in order (`told`), and its tasks (`state`). */
export async function truthOf(database, { names, after }) {
  await relayed(database);
  const changes = await database.query(
    `SELECT topic AS name, payload->'row'->>'title' AS title, payload->'row'->>'id' AS task,
       (payload->'row'->>'version')::int AS version
     FROM sync_changes WHERE topic = ANY($1) AND position > $2 ORDER BY position`,
    [names, after],
  );
  const rows = await database.query(
    `SELECT 'projects/' || project_id AS project, id, title FROM tasks WHERE 'projects/' || project_id = ANY($1)`,
    [names],
  );
  const told = new Map(names.map((name) => [name, []]));
  for (const { name, title } of changes) told.get(name).push(title);
  const state = new Map(names.map((name) => [name, new Map()]));
  for (const { project, id, title } of rows) state.get(project).set(`${project}/tasks/${id}`, title);
  return { changes, told, state };
}

/** The position of the last change, once all are relayed. */
export async function position(database) {
  await relayed(database);
  const { position: head } = await database.one('SELECT max(position) AS position FROM sync_changes');
  return head;
}

async function relayed(database) {
  for (const lastAt = performance.now() + RELAY_MS; ; await sleep(20)) {
    const { waiting } = await database.one('SELECT count(*)::int AS waiting FROM sync_outbox');
    if (waiting === 0) return;
    if (performance.now() > lastAt) throw new Error(`${waiting} changes weren't relayed within ${RELAY_MS} ms`);
  }
}
