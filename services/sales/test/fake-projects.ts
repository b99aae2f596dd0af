import { DeliverProjectRequest, DeliverProjectResponse } from '@rondo/contracts/projects/v1/delivery';
import { Project, ProjectServiceDefinition, ProjectState } from '@rondo/contracts/projects/v1/projects';
import { ParticipantServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createPool, migrate } from '@rondo/database';
import { eventually, type TestPostgres } from '@rondo/database/testing';
import { type ServerCall, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, standIn } from '@rondo/rpc/testing';
import { createParticipant, operation, transactionsSchema } from '@rondo/transactions';

/** A busy machine ends and refuses no call: limits of time fire twenty times as late, and slow calls refuse no others. */
export const patient = {
  clock: {
    now: () => systemClock.now(),
    setTimer: (delayMs, callback, options) => systemClock.setTimer(20 * delayMs, callback, options),
  } satisfies Clock,
  admission: { adaptive: false },
};

/** Gives a call ten minutes at the server, unless its caller wants it to be short: the database waits as long as the call may. */
export const unhurried: Middleware<ServerCall> = (call, next) => {
  const leftMs = (call.context.endsAt ?? Infinity) - systemClock.now();
  if (leftMs > 2_000) call.context.endAt(systemClock.now() + 600_000, systemClock);
  return next(call);
};

/**
 * What fails at project management:
 * - `away`: every call.
 * - `old`: it runs a version without distributed transactions.
 * - `prepare`, `commit`: the call fails before it has an effect.
 * - `prepared`, `committed`: the call has its effect, but its reply is lost.
 */
export type Failure = 'none' | 'away' | 'old' | 'prepare' | 'prepared' | 'commit' | 'committed';

const TABLES = `
  CREATE TABLE projects (id text PRIMARY KEY, title text NOT NULL, efforts bigint[] NOT NULL, state int NOT NULL);
  CREATE TABLE capacity (minutes bigint NOT NULL CHECK (minutes >= 0));
  INSERT INTO capacity VALUES (1000000000)`;

/** Starts a fake of project management: a transaction participant with its own database, and projects with a state. */
export async function startFakeProjects(postgres: TestPostgres) {
  const url = await postgres.createDatabase();
  const [database, endingDatabase] = [createPool({ url }), createPool({ url, maxConnections: 2 })];
  await migrate(database, { part: transactionsSchema.name, migrations: transactionsSchema.migrations });
  await migrate(database, { migrations: [{ name: '0001_tables.sql', sql: TABLES }] });
  const deliver = operation(
    { request: DeliverProjectRequest, result: DeliverProjectResponse },
    async (transaction, { projectId, project, tasks, quote, order }) => {
      fake.links.push({ quote, order });
      const efforts = tasks.map(({ effortMinutes }) => effortMinutes);
      const minutes = efforts.reduce((sum, effort) => sum + effort, 0n);
      await transaction.query('INSERT INTO projects VALUES ($1, $2, $3, 1)', [
        projectId,
        project?.title ?? '',
        efforts,
      ]);
      const { left } = await transaction.one<{ left: bigint }>('SELECT minutes AS left FROM capacity FOR UPDATE');
      if (left < minutes) throw new RpcError(Status.FAILED_PRECONDITION, `${minutes - left} minutes too few are free`);
      await transaction.query('UPDATE capacity SET minutes = minutes - $1', [minutes]);
      return {};
    },
  );
  const participant = createParticipant({
    database,
    endingDatabase,
    name: 'projects',
    coordinators: {
      names: ['sales'],
      knows: (name) => name === 'sales',
      mayBe: () => true,
      inquire: async () => undefined,
    },
    log: silentLogger,
    operations: [deliver],
  });
  const inner = createTestChannel({ ...patient, middleware: [unhurried], services: [participant.service] });
  const client = createClient(ParticipantServiceDefinition, { channel: inner });
  const fake = {
    failure: 'none' as Failure,
    calls: [] as string[],
    links: [] as { quote: string; order: string }[],
    preparing: 0,
    mostAtOnce: 0,
    /** A `prepare` begins its work once so many have been there at once. */
    together: 0,
  };

  const failing = async <T>(step: 'prepare' | 'commit', work: () => Promise<T>): Promise<T> => {
    fake.calls.push(step);
    if (fake.failure === 'old') throw new RpcError(Status.UNIMPLEMENTED, 'there is no such method');
    if (fake.failure === 'away' || fake.failure === step) throw new RpcError(Status.UNAVAILABLE, 'the process is gone');
    const reply = await work().catch((error: unknown) => {
      // A new error with the same status: the handler of a fake must not rethrow the error of a client call.
      throw error instanceof RpcError ? new RpcError(error.code, error.message, { details: error.details }) : error;
    });
    if (fake.failure === `${step}d` || fake.failure === `${step}ted`) throw new RpcError(Status.UNAVAILABLE, 'lost');
    return reply;
  };
  const project = async (name: string): Promise<Project> => {
    if (fake.failure === 'away') throw new RpcError(Status.UNAVAILABLE, 'the process is gone');
    const sql = 'SELECT title, state FROM projects WHERE id = $1';
    const row = await database.maybeOne<{ title: string; state: ProjectState }>(sql, [name.split('/')[1] ?? '']);
    if (row === undefined) throw new RpcError(Status.NOT_FOUND, `${name} doesn't exist`);
    return Project.fromPartial({ name, ...row });
  };

  return Object.assign(fake, {
    services: [
      standIn(ParticipantServiceDefinition, {
        async prepare(request) {
          fake.preparing += 1;
          fake.mostAtOnce = Math.max(fake.mostAtOnce, fake.preparing);
          await eventually('others prepare', () => fake.mostAtOnce >= fake.together);
          return await failing('prepare', () => client.prepare(request)).finally(() => {
            fake.preparing -= 1;
          });
        },
        commit: (request) => failing('commit', () => client.commit(request)),
        abort: (request) => client.abort(request),
      }),
      standIn(ProjectServiceDefinition, {
        getProject: ({ name }) => project(name),
        async createProject({ project: asked, requestId, tasks }) {
          const efforts = tasks.map(({ effortMinutes }) => effortMinutes);
          const sql = 'INSERT INTO projects VALUES ($1, $2, $3, 1) ON CONFLICT DO NOTHING';
          await database.query(sql, [requestId, asked?.title ?? '', efforts]);
          return project(`projects/${requestId}`);
        },
        async updateProject({ project: { name, state } = Project.fromPartial({}) }) {
          const present = await project(name);
          if (present.state === ProjectState.PROJECT_STATE_ACTIVE && state !== ProjectState.PROJECT_STATE_PLANNED) {
            throw new RpcError(Status.FAILED_PRECONDITION, `${name} is ACTIVE`);
          }
          await database.query('UPDATE projects SET state = $2 WHERE id = $1', [name.split('/')[1] ?? '', state]);
          return project(name);
        },
      }),
    ],
    database,
    /** The committed projects. */
    projects: () =>
      database.query<{ id: string; title: string; efforts: readonly bigint[]; state: ProjectState }>(
        'SELECT * FROM projects ORDER BY id',
      ),
    /** The number of transactions that are prepared and neither committed nor aborted. */
    prepared: async () => (await database.listPrepared('rondo:')).length,
    async stop() {
      inner.close();
      await Promise.all([database.close(), endingDatabase.close()]);
    },
  });
}
