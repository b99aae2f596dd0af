/** Runs the tests that read a calendar on other days than today, with a clock that libfaketime shifts: `npm run lab -- calendar`. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build, root, run, step } from '@rondo/tool/workspace';
import { readOptions } from './options.mjs';

const command = {
  name: 'calendar',
  summary: 'the tests that read a calendar, on each weekday and special day (needs libfaketime)',
  options: {
    at: { type: 'text', value: 'NAME', help: 'run at one of the moments only' },
    all: { type: 'flag', help: 'run all tests, of every ring, instead of those that read a calendar' },
  },
  check: ({ at }) =>
    at === undefined || MOMENTS.some(({ name }) => name === at)
      ? undefined
      : `--at must be one of ${MOMENTS.map(({ name }) => name).join(', ')}`,
};

/** Of ring test. */
const OF_TEST = '.*(?<!\\.(?:ci|long))\\.test\\.ts$';
/** The tests that depend on days: of the services, the packages that they share, the CLI, and the data of npm run seed. */
const TESTS = [
  `services/(?!registry)${OF_TEST}`,
  `packages/(resources|transactions)/${OF_TEST}`,
  'services/sales/test/seed.ci',
  'lab/e2e/calendar.long',
];

/** The folders of Debian's and Fedora's packages. `MT` is the variant for programs with several threads. */
const FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64'];
const LIBRARY = 'faketime/libfaketimeMT.so.1';
const SHARED_MEMORY = '/dev/shm';
const SWEEP_MS = 500;

/** Resolves to the exit code: 1 if a test failed, 2 if the command line is wrong or libfaketime is missing. */
export async function main(args) {
  const options = readOptions(args, command);
  if (typeof options === 'number') return options;
  const { at, all } = options;
  const library = FOLDERS.map((folder) => path.join(folder, LIBRARY)).find((file) => existsSync(file));
  if (library === undefined) {
    console.error('npm run lab -- calendar: libfaketime is not installed (Debian: apt-get install faketime)');
    return 2;
  }
  if (!(await build())) return 1;
  const moments = MOMENTS.filter(({ name }) => at === undefined || name === at);
  let failed = 0;
  for (const moment of moments) {
    const { name, time, zone, what } = moment;
    console.log(`${name.padEnd(14)} ${time}  ${zone.padEnd(17)} ${what}`);
    const environment = () => shifted(moment, library);
    const { code } = await step(name, () => testsBy(environment, { moment, all }));
    if (code !== 0) failed += 1;
  }
  console.log(`${moments.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Shifts the clock of every process by the same offset, and sets its zone. The monotonic clock isn't shifted. */
function shifted({ time, zone }, library) {
  const seconds = Math.ceil((Date.parse(time) - Date.now()) / 1000);
  return {
    LD_PRELOAD: [library, process.env.LD_PRELOAD ?? ''].join(' ').trim(),
    FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
    TZ: zone,
  };
}

async function testsBy(environment, { moment: { time }, all }) {
  const { output } = await run(process.execPath, ['--print', 'new Date().toISOString()'], { env: environment() });
  if (output.slice(0, 'YYYY-MM-DDTHH'.length) !== time.slice(0, 'YYYY-MM-DDTHH'.length)) {
    return { code: 1, output: `the clock can't be shifted to ${time}: it shows ${output}` };
  }
  const task = [path.join(root, 'scripts/rondo.mjs'), 'test', ...(all ? ['--ring', 'any'] : TESTS)];
  const sweep = setInterval(removeLeftovers, SWEEP_MS);
  try {
    removeLeftovers();
    return await run(process.execPath, task, { env: environment(), show: true });
  } finally {
    clearInterval(sweep);
    removeLeftovers();
  }
}

/**
 * Removes the semaphores and shared memory that libfaketime keeps by process id, and that killed processes leave behind. A
 * process of another user, such as PostgreSQL if this runs as root, can't start if its id is one of them.
 */
function removeLeftovers() {
  if (!existsSync(SHARED_MEMORY)) return;
  for (const file of readdirSync(SHARED_MEMORY)) {
    const [, pid] = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(file) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(path.join(SHARED_MEMORY, file), { force: true });
  }
}

/**
 * The times and zones to run tests in: every weekday, the ends of months and years, a leap day, days of 23 and of 25 hours, and
 * zones whose day differs from that of UTC. At the moments 30 seconds before an event, the event happens while the tests run. No
 * moment is earlier than the days that tests use as past.
 */
const MOMENTS = [
  { name: 'monday', time: '2029-12-31T12:00:00Z', zone: 'UTC', what: 'a Monday of 2029, in the first week of 2030' },
  { name: 'leap-day', time: '2028-02-29T12:00:00Z', zone: 'Europe/Berlin', what: 'a leap day, a Tuesday' },
  {
    name: 'wednesday',
    time: '2027-06-30T12:00:00Z',
    zone: 'Pacific/Apia',
    what: 'a Wednesday; Thursday, and July, there',
  },
  { name: 'new-years-eve', time: '2026-12-31T23:59:30Z', zone: 'UTC', what: 'a Thursday, before a year begins' },
  { name: 'new-year', time: '2027-01-01T02:00:00Z', zone: 'America/New_York', what: 'a Friday in week 53; there 2026' },
  {
    name: 'saturday',
    time: '2028-01-01T12:00:00Z',
    zone: 'Europe/Berlin',
    what: 'a Saturday, in the last week of 2027',
  },
  { name: 'spring', time: '2027-03-28T00:59:30Z', zone: 'Europe/Berlin', what: 'a Sunday, before it loses an hour' },
  {
    name: 'autumn',
    time: '2027-11-07T05:59:30Z',
    zone: 'America/New_York',
    what: 'a Sunday, before it has an hour again',
  },
  { name: 'sunday-night', time: '2027-06-13T23:59:30Z', zone: 'UTC', what: 'before a Monday begins' },
];
