import { beforeAll, describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '@rondo/contracts/rondo/audit/v1/audit';
import { BranchOutcome } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { eventually } from '@rondo/database/testing';
import { createAudit } from '@rondo/resources';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { Status } from '@rondo/rpc/status';
import { addProduct, callersOf, testCompany } from './company.js';
import { refused } from './refused.js';

const RIGHTS = ['sales.read', 'sales.write'] as const;
const { BRANCH_OUTCOME_COMMITTED: COMMITTED, BRANCH_OUTCOME_ABORTED: ABORTED } = BranchOutcome;
/** How operators end transactions. */
const ENDINGS = [
  ['undecided', ABORTED],
  ['decided', COMMITTED],
  ['conflict', COMMITTED],
] as const;

describe('the audit', () => {
  const company = testCompany(undefined, 90);
  let ada: ReturnType<ReturnType<typeof callersOf>>;
  let bob: typeof ada;
  let product: string;
  beforeAll(async () => {
    const as = callersOf(company);
    [ada, bob] = [as('ada', ...RIGHTS), as('bob', ...RIGHTS)];
    ({ name: product } = await addProduct(company, { stock: 100n }));
  });

  const events = async (filter = ''): Promise<AuditEvent[]> => (await company.audit.listAuditEvents({ filter })).events;
  const lines = (found: readonly AuditEvent[]) =>
    found.map(({ method, resource, code }) => `${method.split('/').at(-1)} ${resource} ${code}`);
  const since = async () => (await events())[0]?.sequence ?? 0n;
  const newer = async (sequence: bigint) => (await events()).filter((event) => event.sequence > sequence).reverse();
  const subjectsSince = async (sequence: bigint) =>
    (await newer(sequence)).map(({ subject }) => subject).filter((subject) => subject !== 'last');
  /** Resolves when the batches of what was refused before have ended: an event of a later one is written. */
  const untilWritten = async (customer: string) => {
    await refused(callersOf(company)('last', ...RIGHTS).customers.getCustomer({ name: customer }), 'NOT_FOUND');
    const written = () => events(`subject = "last" AND resource = "${customer}"`);
    await eventually('a later refusal is written', async () => (await written()).length > 0);
  };

  it('has one event for each effect, with who, what, which and the trace', async () => {
    const start = await since();
    const trace = '0123456789abcdef0123456789abcdef';
    const fields = { displayName: 'Secret Buyer', email: 'secret@example.com' };
    const options = { metadata: { traceparent: `00-${trace}-0123456789abcdef-01` } };
    const { name: customer } = await ada.customers.createCustomer({ customer: fields }, options);
    await ada.customers.updateCustomer({ customer: { name: customer, displayName: 'Other' } });
    const quote = await ada.quotes.createQuote({ quote: { customer, lines: [{ product, quantity: 1n }] } });
    const { order: made } = await ada.quotes.acceptQuote({ name: quote.name });
    const order = await ada.orders.placeOrder({ order: { customer, lines: [{ product, quantity: 1n }] } });
    await ada.orders.cancelOrder({ name: order.name });
    await ada.customers.deleteCustomer({ name: customer });
    await ada.customers.getCustomer({ name: customer });
    await ada.orders.listOrders({});
    expect(made?.name).toMatch(/^orders\//);
    const found = await newer(start);
    expect(lines(found)).toEqual([
      `CreateCustomer ${customer} 0`,
      `UpdateCustomer ${customer} 0`,
      `CreateQuote ${quote.name} 0`,
      `AcceptQuote ${quote.name} 0`,
      `PlaceOrder ${order.name} 0`,
      `CancelOrder ${order.name} 0`,
      `DeleteCustomer ${customer} 0`,
    ]);
    expect(found[0]).toMatchObject({
      subject: 'ada',
      issuer: 'https://issuer.example.com',
      process: 'spiffe://example.org/gateway',
      actors: ['spiffe://example.org/gateway'],
      method: '/sales.v1.CustomerService/CreateCustomer',
      traceId: trace,
    });
    const stored = await company.database.query<{ text: string }>(
      'SELECT to_jsonb(audit_events)::text AS text FROM audit_events',
    );
    expect(stored.filter(({ text }) => /secret/i.test(text))).toEqual([]);
  });

  it('has no event for an effect that is rolled back, nor for the repetition of a call', async () => {
    const customer = { displayName: 'B', email: 'twice@example.com' };
    const requestId = '5f0c3b52-7c8e-4b7e-9d6e-3f6a2f1f0a01';
    const { name } = await ada.customers.createCustomer({ customer, requestId });
    const order = { customer: name, lines: [{ product, quantity: 1n }] };
    await ada.orders.placeOrder({ order, requestId });
    const start = await since();
    await ada.customers.createCustomer({ customer, requestId });
    await ada.orders.placeOrder({ order, requestId });
    const tooMany = { customer: name, lines: [{ product, quantity: 1_000n }] };
    await refused(ada.orders.placeOrder({ order: tooMany }), 'FAILED_PRECONDITION');
    const { name: quote } = await ada.quotes.createQuote({ quote: tooMany });
    await refused(ada.quotes.acceptQuote({ name: quote }), 'FAILED_PRECONDITION');
    await refused(ada.customers.createCustomer({ customer }), 'ALREADY_EXISTS');
    await refused(ada.customers.updateCustomer({ customer: { name, displayName: 'C', etag: '"old"' } }), 'ABORTED');
    expect(lines(await newer(start))).toEqual([`CreateQuote ${quote} 0`]);
  });

  it('has no event for an effect whose commit fails', async () => {
    await company.database.query(`CREATE FUNCTION refuse_commit() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'no commit'; END $$`);
    await company.database.query(`CREATE CONSTRAINT TRIGGER refuse_commit AFTER INSERT ON customers DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.email = 'late@example.com') EXECUTE FUNCTION refuse_commit()`);
    const start = await since();
    const customer = { displayName: 'Late', email: 'late@example.com' };
    await refused(ada.customers.createCustomer({ customer }), 'INTERNAL');
    expect(await newer(start)).toEqual([]);
  });

  it('has one event for each refusal, and none for what does not exist', async () => {
    const { name: customer } = await ada.customers.createCustomer({
      customer: { displayName: 'C', email: 'c@example.com' },
    });
    const wanted = { customer, lines: [{ product, quantity: 1n }] };
    const { name: quote } = await ada.quotes.createQuote({ quote: wanted });
    const { name: order } = await ada.orders.placeOrder({ order: wanted });
    const start = await since();
    await refused(bob.customers.getCustomer({ name: customer }), 'NOT_FOUND');
    await refused(bob.quotes.acceptQuote({ name: quote }), 'NOT_FOUND');
    await refused(bob.orders.cancelOrder({ name: order }), 'NOT_FOUND');
    await refused(bob.orders.placeOrder({ order: wanted }), 'NOT_FOUND');
    const handOver = { customer: { name: customer, salesperson: 'bob' } };
    await refused(ada.customers.updateCustomer(handOver), 'PERMISSION_DENIED');
    await refused(bob.customers.getCustomer({ name: 'customers/none' }), 'NOT_FOUND');
    await refused(ada.customers.updateCustomer({ customer: { name: customer, email: 'x' } }), 'INVALID_ARGUMENT');
    await eventually('the refusals are written', async () => (await newer(start)).length >= 5);
    expect(lines(await newer(start))).toEqual([
      `GetCustomer ${customer} ${Status.NOT_FOUND}`,
      `AcceptQuote ${quote} ${Status.NOT_FOUND}`,
      `CancelOrder ${order} ${Status.NOT_FOUND}`,
      `PlaceOrder ${customer} ${Status.NOT_FOUND}`,
      `UpdateCustomer ${customer} ${Status.PERMISSION_DENIED}`,
    ]);
  });

  it('has what operators do to jobs and events, in the transaction that does it', async () => {
    const group = 'sales.v1.OrderPlaced:audited';
    const [ops, poison] = ['ops', 'poison'].map((who) => callersOf(company)(who, 'rondo.operator'));
    if (ops === undefined || poison === undefined) throw new Error('there are two');
    const subscriber = { service: 's.v1.S', method: 'M', idempotencyLevel: 'IDEMPOTENT', policy: { subscription: {} } };
    const registration = { topic: 'sales.v1.OrderPlaced', group: 'audited', ...subscriber };
    await ada.events.registerGroup(registration);
    const add = async (method: string, key: string) =>
      (
        await company.database.one<{ id: bigint }>(
          `INSERT INTO jobs (method, key, request, due_time, failed) VALUES ($1, $2, '', now(), true) RETURNING id`,
          [method, key],
        )
      ).id;
    const method = 'sales.v1.QuoteService/RemindOwner';
    const [job, other] = [await add(method, 'a'), await add(method, 'b')];
    const [event, another] = [await add(group, 'a'), await add(group, 'b')];
    const start = await since();
    const last = callersOf(company)('last', ...RIGHTS);
    await refused(last.jobs.retryJob({ id: job }), 'PERMISSION_DENIED');
    await refused(last.events.removeGroup({ group }), 'PERMISSION_DENIED');
    const written = () => events(`subject = "last" AND code = ${Status.PERMISSION_DENIED}`);
    await eventually('the refusals are written', async () => (await written()).length === 2);
    await refused(ops.jobs.discardJob({ id: event }), 'NOT_FOUND');
    await refused(ops.events.discardEvent({ id: job }), 'NOT_FOUND');
    await company.database.query(`ALTER TABLE audit_events ADD CONSTRAINT sound CHECK (subject <> 'poison') NOT VALID`);
    await refused(poison.jobs.discardJob({ id: job }), 'INTERNAL');
    await refused(poison.events.removeGroup({ group }), 'INTERNAL');
    await company.database.query('ALTER TABLE audit_events DROP CONSTRAINT sound');
    await ops.jobs.retryJob({ id: job });
    await ops.jobs.discardJob({ id: other });
    await ops.events.retryEvent({ id: event });
    await ops.events.discardEvent({ id: another });
    await ops.events.replayEvents({ group });
    await ops.events.handOverGroup({ group, owner: 'spiffe://example.org/other' });
    await refused(last.events.registerGroup(registration), 'PERMISSION_DENIED');
    await eventually('the take-over is written', async () => (await written()).length === 3);
    expect(lines(await written())[0]).toBe(`RegisterGroup  ${Status.PERMISSION_DENIED}`);
    await ops.events.removeGroup({ group });
    const done = (await newer(start)).filter(({ subject }) => subject === 'ops');
    expect(lines(done)).toEqual([
      `RetryJob jobs/${job} 0`,
      `DiscardJob jobs/${other} 0`,
      `RetryEvent events/${event} 0`,
      `DiscardEvent events/${another} 0`,
      `ReplayEvents groups/${group} 0`,
      `HandOverGroup groups/${group} 0`,
      `RemoveGroup groups/${group} 0`,
    ]);
  });

  it('has what operators do to transactions and sagas, in the transaction that does it', async () => {
    await company.database.query(`
      INSERT INTO transaction_log (id, coordinator, kind, subject, state, decision, participants, expire_time, due_time)
      SELECT id, 'sales', 'audited', '', state, decision, '[]', now() + interval '1 h', now() + interval '1 h' FROM (VALUES
        ('undecided', 'preparing', NULL), ('decided', 'committing', 'committed'), ('conflict', 'conflict', 'committed')
      ) AS added (id, state, decision)`);
    await company.database.query(
      "INSERT INTO sagas (id, kind, subject, input, state, parked) VALUES ('parked', 'audited', '', '{}', 'running', true)",
    );
    const start = await since();
    const { resolveTransaction, retrySaga } = company.transactions;
    await refused(resolveTransaction({ id: 'decided', outcome: ABORTED }), 'FAILED_PRECONDITION');
    await company.database.query(
      `ALTER TABLE audit_events ADD CONSTRAINT sound CHECK (resource !~ '^(transactions|sagas)/')`,
    );
    for (const [id, outcome] of ENDINGS) await refused(resolveTransaction({ id, outcome }), 'INTERNAL');
    await refused(retrySaga({ id: 'parked' }), 'INTERNAL');
    await company.database.query('ALTER TABLE audit_events DROP CONSTRAINT sound');
    for (const [id, outcome] of ENDINGS) await resolveTransaction({ id, outcome });
    await retrySaga({ id: 'parked' });
    expect(lines(await newer(start)).filter((line) => !line.startsWith('Get'))).toEqual([
      ...ENDINGS.map(([id]) => `ResolveTransaction transactions/${id} 0`),
      'RetrySaga sagas/parked 0',
    ]);
    await company.database.query("DELETE FROM sagas WHERE id = 'parked'");
  });

  it('has the refusals of others, whatever subject or actor is refused next to them', async () => {
    const as = callersOf(company);
    const { name: customer } = await ada.customers.createCustomer({
      customer: { displayName: 'G', email: 'g@example.com' },
    });
    const start = await since();
    const odd = ['\ud800x', `${'x'.repeat(254)}😀`, 'a\u001b[2K', 'a\u0001\u202eb'];
    for (const subject of ['mallory', ...odd, 'mallory']) {
      await refused(as(subject, ...RIGHTS).customers.getCustomer({ name: customer }), 'NOT_FOUND');
    }
    await untilWritten(customer);
    const seen = ['mallory', '\ufffdx', `${'x'.repeat(254)}\ufffd`, 'a\ufffd[2K', 'a\ufffd\ufffdb', 'mallory'];
    expect(await subjectsSince(start)).toEqual(seen);
  });

  it('loses of a batch only the events that the database refuses', async () => {
    await company.database.query(
      `ALTER TABLE audit_events ADD CONSTRAINT sound CHECK (subject NOT LIKE 'poison%') NOT VALID`,
    );
    const as = callersOf(company);
    const { name: customer } = await ada.customers.createCustomer({
      customer: { displayName: 'H', email: 'h@example.com' },
    });
    const start = await since();
    const sound = ['m1', 'm2', 'm3', 'm4'];
    for (const subject of ['poison1', 'm1', 'm2', 'poison2', 'm3', 'm4', 'poison3']) {
      await refused(as(subject, ...RIGHTS).customers.getCustomer({ name: customer }), 'NOT_FOUND');
    }
    await untilWritten(customer);
    expect(await subjectsSince(start)).toEqual(sound);
    await company.database.query('ALTER TABLE audit_events DROP CONSTRAINT sound');
  });

  it('is listed by subject, method, resource, code and time, page by page', async () => {
    const { name } = await ada.customers.createCustomer({ customer: { displayName: 'D', email: 'd@example.com' } });
    await ada.customers.deleteCustomer({ name });
    expect(lines(await events(`resource = "${name}"`))).toEqual([
      `DeleteCustomer ${name} 0`,
      `CreateCustomer ${name} 0`,
    ]);
    const method = '/sales.v1.CustomerService/DeleteCustomer';
    expect(lines(await events(`resource = "${name}" AND method = "${method}"`))).toEqual([`DeleteCustomer ${name} 0`]);
    expect(await events(`resource = "${name}" AND code != 0`)).toEqual([]);
    expect(await events(`resource = "${name}" AND code > 70000`)).toEqual([]);
    expect(await events('subject = "nobody"')).toEqual([]);
    expect(await events('create_time > "2999-01-01T00:00:00Z"')).toEqual([]);
    const first = await ada.audit.listAuditEvents({ pageSize: 1, filter: 'subject = "ada"' });
    const next = { pageSize: 1, filter: 'subject = "ada"', pageToken: first.nextPageToken };
    const [second] = (await ada.audit.listAuditEvents(next)).events;
    expect(lines([...first.events, ...(second ? [second] : [])])).toEqual([
      `DeleteCustomer ${name} 0`,
      `CreateCustomer ${name} 0`,
    ]);
    await refused(bob.audit.listAuditEvents(next), 'INVALID_ARGUMENT', 'page_token');
  });

  it('is removed after the time to keep it', async () => {
    const { name } = await ada.customers.createCustomer({ customer: { displayName: 'F', email: 'f@example.com' } });
    const days = (count: number) =>
      company.database.query(
        'UPDATE audit_events SET create_time = now() - make_interval(days => $2) WHERE resource = $1',
        [name, count],
      );
    const audit = createAudit({
      database: company.database,
      enabled: true,
      retentionDays: 90,
      log: silentLogger,
      clock: systemClock,
      wallClock: systemWallClock,
    });
    await days(89);
    await audit.prune();
    expect(await events(`resource = "${name}"`)).toHaveLength(1);
    await days(91);
    await audit.prune();
    expect(await events(`resource = "${name}"`)).toEqual([]);
    await audit.close();
  });

  it('is empty while it is off', async () => {
    const silent = await company.startReplica();
    const start = await since();
    const eve = callersOf(silent)('eve', ...RIGHTS);
    await eve.customers.createCustomer({ customer: { displayName: 'E', email: 'e@example.com' } });
    expect(silent.observers).toEqual([]);
    expect(await subjectsSince(start)).toEqual([]);
    await silent.stop();
  });
});
