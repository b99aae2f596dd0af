import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { startFakeRegistry } from './fake-registry.js';
import { instance, instanceAt } from './instance.js';
import { begin, patient, rondo } from './recording-context.js';
import { seen, startAdder, startConformance, startForeignAdder, startGuarded } from './services.js';

const ADD = 'rondo.conformance.v1.AdderService/Add';
const UNARY = 'rondo.conformance.v1.ConformanceService/Unary';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let running: Awaited<ReturnType<typeof startAdder>>[];
let environment: { RONDO_REGISTRY: string };

const call = (...args: readonly string[]) => rondo(['call', ...args], { environment });

beforeAll(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
  const adders = ['adder-1', 'adder-2', 'adder-3'].map((name) => startAdder(name, registry.address));
  running = await Promise.all([...adders, startConformance('conformance-1', registry.address)]);
  await Promise.all(running.map(({ instanceId }) => registry.until(instanceId, 'INSTANCE_STATUS_SERVING')));
});

afterAll(async () => {
  await Promise.all(running.map((service) => service.drain()));
  await registry.stop();
});

describe('rondo call', () => {
  it('calls a service it has never seen, found through the registry', async () => {
    const { exitCode, stdout, stderr } = await call(ADD, '{"a": 2, "b": "3"}');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ result: '5' });
  });

  it.each(['AdderService/add', 'Adder/Add', '/rondo.conformance.v1.AdderService/Add', 'v1.AdderService/Add'])(
    'takes the short name %s',
    async (name) => {
      expect((await call(name, '{"a": 1}', '--json')).stdout).toBe('{"result":"1"}\n');
    },
  );

  it('calls from the zone in RONDO_ZONE, and refuses an invalid zone', async () => {
    const from = (zone: string) => rondo(['call', ADD, '{}'], { environment: { ...environment, RONDO_ZONE: zone } });
    expect((await from('eu-west/a')).exitCode).toBe(0);
    const { exitCode, stderr } = await from('eu-west');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('RONDO_ZONE="eu-west": where a process runs is written region/zone');
  });

  it('lists the methods of a service that is named without a method', async () => {
    const { exitCode, stderr } = await call('ConformanceService');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('name a method: rondo.conformance.v1.ConformanceService has Unary, UnaryUnsafe, ');
    expect(stderr).toContain('rondo describe ConformanceService');
  });

  it('refuses a name that several could be', async () => {
    registry.put(instance('other', ['published.v1.Adder']));
    const { exitCode, stderr } = await call('adder/Add');
    registry.remove('other');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('published.v1.Adder, rondo.conformance.v1.AdderService');
  });

  it('reaches each of three instances three times, the first time it is run', async () => {
    const { exitCode, stdout } = await call(ADD, '{"a": 2, "b": 3}', '--count', '9');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('"result": "5"');
    for (const name of ['adder-1', 'adder-2', 'adder-3']) expect(stdout).toMatch(new RegExp(`${name} +3\n`));
  });

  it('counts the calls at servers that do not name themselves, by the ids that the registry has', async () => {
    const foreign = await startForeignAdder();
    registry.put(instanceAt(foreign.address, 'foreign-1', [ADD.replace('/Add', '')]));
    const counted = async (b: number) => {
      const { stdout } = await call(ADD, `{"b": ${b}}`, '--count', '8', '--json');
      return JSON.parse(stdout).instances;
    };
    const each = { 'adder-1': 2, 'adder-2': 2, 'adder-3': 2, 'foreign-1': 2 };
    expect([await counted(1), await counted(-1)]).toEqual([each, each]);
    registry.remove('foreign-1');
    await foreign.drain(0);
  });

  it('ends a load with one JSON line, failures with their instances included', async () => {
    const load = ['--count', '6', '--concurrency', '2', '--json'];
    const { exitCode, stdout } = await call(ADD, '{"b": -1}', ...load);
    expect(exitCode).toBe(1);
    expect(stdout.endsWith('\n')).toBe(true);
    expect(JSON.parse(stdout)).toEqual({
      calls: 6,
      failed: 6,
      codes: { INVALID_ARGUMENT: 6 },
      instances: { 'adder-1': 2, 'adder-2': 2, 'adder-3': 2 },
      p50Ms: expect.any(Number),
      p99Ms: expect.any(Number),
    });
  });

  it('ends a load at Ctrl-C, and reports its progress each second if it is asked to, or to a terminal', async () => {
    const load = ['call', ADD, '{}', '--rate', '20'];
    const options = { environment, clock: patient(2_000) };
    const silent = begin([...load, '--json'], options);
    const asked = begin([...load, '--json', '--progress'], { ...options, live: true });
    const watched = begin(load, { ...options, live: true });
    await asked.stderr.shows(/^\{"progress":.*\n\{"progress":.*"adder-3":\d+\D.*\n/m);
    await watched.stderr.shows(/\r.*\[K\d+ calls in \d+\.\d s \(.*, none failed; p50/);
    const runs = [silent, asked, watched];
    for (const { interrupt } of runs) interrupt();
    expect(await Promise.all(runs.map(({ exitCode }) => exitCode))).toEqual([0, 0, 0]);
    expect(silent.stdout.text()).toMatch(/^\{.*"failed":0,.*\}\n$/);
    // On a busy machine, a load that ends early may warn of calls that it did not start.
    expect(silent.stderr.text().replace(/rondo: .*\n$/, '')).toBe('');
  });

  it('shows one message for each code of a load that fails, for people', async () => {
    const { stdout } = await call(ADD, '{"b": -1}', '--count', '2');
    expect(stdout).toContain('2 failed');
    expect(stdout).toContain('2 × INVALID_ARGUMENT: b: must not be negative');
  });

  it('sends metadata and a deadline, and never loosens that of the contract', async () => {
    await call(UNARY, '{}', '-H', 'tenant=acme', '--timeout', '4s');
    expect(seen.at(-1)?.tenant).toBe('acme');
    expect(seen.at(-1)?.remainingMs).toBeLessThanOrEqual(4_000);
    const { stderr } = await call(UNARY, '{}', '--timeout', '1h');
    expect(stderr).toContain('the contract allows Unary 5000 ms');
    expect(seen.at(-1)?.remainingMs).toBeLessThanOrEqual(5_000);
  });

  it('sends metadata with the questions by which it learns the contract, too', async () => {
    const guarded = await startGuarded('guarded', '127.0.0.1:1');
    let clock: Clock | undefined;
    const ask = (...args: string[]) =>
      rondo(['call', ADD, '{"a": 2}', '--address', guarded.address, ...args], { ...(clock && { clock }) });
    expect(await ask()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('who are you?') });
    expect(await ask('-H', 'authorization=Bearer ada')).toMatchObject({ exitCode: 0, stderr: '' });
    clock = systemClock; // this one waits for its time to be over
    const ofVersion = await ask('-H', 'authorization=Bearer ada', '-H', 'rondo-version=2.1.0', '--timeout', '2s');
    expect(ofVersion.stderr).toContain('no instance of rondo.conformance.v1.AdderService of version 2.1.0');
    await guarded.drain();
  });

  it('shows the details of a failure and the instance that answered', async () => {
    const request = '{"behaviour": {"code": 9, "message": "not yet", "errorReason": "TOO_SOON"}}';
    const { exitCode, stdout, stderr } = await call(UNARY, request);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain('rondo: FAILED_PRECONDITION: not yet');
    expect(stderr).toContain('ErrorInfo {"reason":"TOO_SOON","domain":"test"}');
    expect(stderr).toContain('served by conformance-1');
    expect(stderr).toMatch(/^ {2}\/rondo\.conformance\.v1\.\w+\/\w+: 1 attempt in \d+\.\d ms$/m);
    expect(stderr).toMatch(/^ {2}see: rondo trace [\da-f]{32}$/m);
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const given = await call(UNARY, request, '--json', '-H', `traceparent=00-${traceId}-00f067aa0ba902b7-01`);
    expect(JSON.parse(given.stderr).error.traceId).toBe(traceId);
    expect(JSON.parse((await call(UNARY, request, '--json')).stderr)).toMatchObject({
      error: {
        code: 'FAILED_PRECONDITION',
        message: 'not yet',
        instance: 'conformance-1',
        details: [{ type: 'google.rpc.ErrorInfo', value: { reason: 'TOO_SOON', domain: 'test' } }],
      },
    });
  });

  it.each([
    [[ADD, '{"c": 1}'], 1, 'INVALID_ARGUMENT: c: is not a field of rondo.conformance.v1.AddRequest; it has a, b'],
    [
      [ADD, '{"a": 9223372036854775808}'],
      1,
      'a: must be a whole number from -9223372036854775808 to 9223372036854775807',
    ],
    [[ADD, '{'], 2, 'the request is not JSON'],
    [[ADD, '{}', '{}'], 2, 'takes one message; 2 were given'],
    [
      ['rondo.conformance.v1.AdderService/Ad', '{}'],
      1,
      'UNIMPLEMENTED: rondo.conformance.v1.AdderService has no method Ad; it has Add',
    ],
    [['rondo.conformance.v1.AdderServic/Add', '{}'], 1, 'Did you mean "rondo.conformance.v1.AdderService"?'],
    [['v1/Service/Add', '{}'], 2, 'must be a service, or service/method'],
    [[], 2, 'name a method'],
    [[ADD, '{}', '--count', '0'], 2, '--count 0: must be a whole number from 1'],
    [[ADD, '{}', '--rate', 'x'], 2, '--rate x: must be a number above 0'],
    [[ADD, '{}', '--timeout', '5'], 2, '--timeout 5: must be a duration, such as 500ms'],
    [[ADD, '{}', '--address', 'here'], 2, '--address "here": must be host:port'],
    [[ADD, '{}', '--address', 'dns:///localhost'], 2, '--address "dns:///localhost" has no port: end it in one from 1'],
    [[ADD, '{}', '--address', 'dns://127.0.0.1:1/a.example:1'], 1, 'the DNS server refuses the connection'],
    [[ADD, '{}', '--registry', '127.0.0.1:1'], 1, "UNAVAILABLE: the registry at 127.0.0.1:1 can't be reached"],
    [[ADD, '{}', '--address', '127.0.0.1:1'], 1, 'UNAVAILABLE: no server at 127.0.0.1:1 can be reached'],
  ])('%j is refused, and says what to do', async (args, exitCode, message) => {
    const result = await call(...args);
    expect(result.stderr).toContain(message);
    expect([result.exitCode, result.stdout]).toEqual([exitCode, '']);
  });

  it('tells where the time went, on standard error', async () => {
    const { exitCode, stdout, stderr } = await call(ADD, '{"a": 2}', '--timing');
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { result: '2' }]);
    const names = [...stderr.matchAll(/^ *([a-z]+) +\d+(?:\.\d+)? ms/gm)].map(([, name]) => name);
    expect(names).toEqual([
      ...['total', 'resolve', 'connect', 'retries', 'queue', 'send', 'propagation', 'process', 'receive'],
    ]);
    expect(stderr).toContain('█');
    const json = await call(ADD, '{"a": 2}', '--timing', '--json');
    const { totalMs, ...phases } = JSON.parse(json.stderr).timing;
    expect(Object.values(phases).reduce((sum: number, ms) => sum + Number(ms), 0)).toBeCloseTo(totalMs, 3);
  });

  it('shows the trace of its call, at addresses or through the registry', async () => {
    const environment = { RONDO_RECENT_BYTES: '81920' };
    const traced = await startAdder('traced-1', registry.address, { environment });
    const { exitCode, stdout, stderr } = await call(ADD, '{"a": 2}', '--trace', '--address', traced.address);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { result: '2' }]);
    // This process has both ends of the call.
    expect(stderr).toMatch(/^trace [\da-f]{32}\n.* SPAN\n *0\.00 .* traced-1 +→ \S+Add at .*\n.* traced-1 +\S+Add\n$/);
    await traced.drain();
    expect(await call(ADD, '{"a": 2}', '--trace', '--json')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no process tells its spans'),
    });
    expect((await call(ADD, '{"a": 2}', '--trace', '--count', '2')).stderr).toContain('--trace is for one call');
  });

  it('tells where the time went of a call that fails', async () => {
    const behaviour = '{"behaviour": {"code": 5, "message": "nothing there"}}';
    const { exitCode, stderr } = await call(UNARY, behaviour, '--timing');
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/nothing there.*process +\d/s)]);
  });

  it.each([
    [['--timing', '--count', '2'], '--timing is for one call'],
    [['--timing'], 'ServerStream streams'],
    [['--concurrency', '5000000000'], 'must be a whole number from 1 to 10000'],
  ])('refuses %j with %s', async (options, reason) => {
    const method = options.length === 1 ? 'ConformanceService/ServerStream' : ADD;
    const { exitCode, stderr } = await call(method, '{}', ...options);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(reason)]);
  });

  it('calls a server directly, without a registry', async () => {
    const address = running[1]?.address ?? '';
    const args = ['call', 'AdderService/Add', '{"a": 4}', '--address', address, '--count', '2', '--json'];
    const { stdout } = await rondo(args, { environment: { RONDO_REGISTRY: '127.0.0.1:1' } });
    expect(JSON.parse(stdout).instances).toEqual({ 'adder-2': 2 });
  });

  it('calls the servers at a DNS name', async () => {
    const target = `dns:///${running[1]?.address.replace('127.0.0.1', 'localhost')}`;
    expect((await call('AdderService/Add', '{"a": 4}', '--address', target, '--json')).stdout).toBe('{"result":"4"}\n');
  });
});

describe('requests from standard input', () => {
  it('are one message if the method takes one', async () => {
    const latin = await rondo(['call', ADD], { environment, stdin: [Buffer.from('{"a": "\xe9"}', 'latin1')] });
    expect(latin.stderr).toContain('standard input is not UTF-8');
    const result = await rondo(['call', ADD, '--json'], { environment, stdin: ['{"a":', ' 7}'] });
    expect(result.stdout).toBe('{"result":"7"}\n');
    expect((await rondo(['call', ADD, '-', '--json'], { environment, stdin: [] })).stdout).toBe('{"result":"0"}\n');
  });

  it('are a stream if the method takes one, as arguments are', async () => {
    const collect = 'ConformanceService/ClientStream';
    const piped = await rondo(['call', collect, '--json'], {
      environment,
      stdin: ['{"text": "a"}\n{"text"', ': "b"}{"text": "c"}'],
    });
    const collected = '{"texts":["a","b","c"]}\n';
    expect(piped.stdout).toBe(collected);
    expect((await call(collect, '{"text": "a"}', '{"text": "b"}{"text": "c"}', '--json')).stdout).toBe(collected);
    const load = await call(collect, '{"text": "a"}', '{"text": "b"}', '--count', '2', '--json');
    expect(load.stdout).toContain('"failed":0');
  });

  it('go out as they come in, and replies come back meanwhile', async () => {
    let type = (_line: string) => {};
    const typed = async function* () {
      yield '{"text": "one"}\n';
      yield await new Promise<string>((resolve) => {
        type = resolve;
      });
    };
    const args = ['call', 'ConformanceService/BidiStream', '--json'];
    const { stdout, exitCode } = begin(args, { environment, stdin: typed() });
    await stdout.shows(/"text":"ONE"/);
    type('{"text": "two"}');
    expect(await exitCode).toBe(0);
    expect(stdout.text()).toMatch(/"TWO"/);
  });

  it('are checked as they come in', async () => {
    const stdin = ['{"text": "one"}', '{"txt": "two"}'];
    const { exitCode, stderr } = await rondo(['call', 'ConformanceService/BidiStream'], { environment, stdin });
    expect(stderr).toContain('INVALID_ARGUMENT: txt: is not a field');
    expect(exitCode).toBe(1);
  });
});

describe('a call without an answer', () => {
  it('ends quietly at Ctrl-C, also while its request is awaited', async () => {
    const silent = async function* () {
      await new Promise((_resolve, reject) => {
        wake = reject;
      });
      yield '';
    };
    let wake = (_reason: Error) => {};
    // The message comes after two seconds.
    const run = begin(['call', ADD], { environment, clock: patient(2_001), stdin: silent() });
    await run.stderr.shows(/reading the request from standard input/);
    run.interrupt();
    wake(new Error('aborted'));
    expect(await run.exitCode).toBe(130);
    expect(run.stderr.text()).not.toContain('aborted');
  });
});

describe('a stream of replies', () => {
  it('shows the details of a nested status', async () => {
    const { exitCode, stdout, stderr } = await call('ConformanceService/ServerStream', '{"count": 1}');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      status: { details: [{ fieldViolations: [{ field: 'count', description: 'is too small' }] }] },
    });
  });

  it('is resumed if it breaks and its contract says how; a load counts a break as a failure', async () => {
    const request = ['ConformanceService/Follow', '{"count": 4, "breakAfter": 2}'];
    const { exitCode, stdout, stderr } = await call(...request, '--json');
    expect(stdout).toBe(
      [
        '{"index":0,"resumeToken":"1"}',
        '{"index":1,"resumeToken":"2"}',
        '{"index":2,"resumeToken":"3"}',
        '{"index":3,"resumeToken":"4"}',
        '',
      ].join('\n'),
    );
    expect(stderr).toBe('rondo: the stream broke, and is resumed: UNAVAILABLE: this instance is shutting down\n');
    expect(exitCode).toBe(0);
    expect(JSON.parse((await call(...request, '--count', '1', '--json')).stdout)).toMatchObject({ failed: 1 });
  });

  it('is printed as it comes, until Ctrl-C', async () => {
    const { stdout, exitCode, interrupt } = begin(['call', 'ConformanceService/ServerStream', '{}'], { environment });
    await stdout.shows(/"index": 1/);
    interrupt();
    expect(await exitCode).toBe(130);
  });
});
