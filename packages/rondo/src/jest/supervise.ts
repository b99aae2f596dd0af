/** Runs jest, and ends it if it hangs. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { console } from '../terminal/console.js';
import { codeOf } from '../workspace/errors.js';
import { root } from '../workspace/paths.js';

export const JEST = path.join(root, 'node_modules/jest/bin/jest.js');

/** Only a hang takes so long without a test that begins or ends. It is more than jest's bound of one test, which tells better. */
const HANG_MS = 660_000;
const REPORTS_MS = 10_000;
const HUNG = 124;

/** Resolves to jest's exit code; to 124 if it hung: then what ran, with its open handles, is on standard error. */
export async function supervise(args: readonly string[]): Promise<number> {
  const reports = mkdtempSync(path.join(tmpdir(), 'rondo-hang-'));
  // As arguments and not by NODE_OPTIONS: jest's workers inherit them, and the services that a test starts don't.
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '--report-on-signal'];
  const child = spawn(process.execPath, [...node, `--report-directory=${reports}`, JEST, ...args], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  let running: unknown;
  let hung = false;
  const end = async (pid: number) => {
    hung = true;
    await explain(pid, running, reports);
    for (const one of descendants(pid)) signal(one.pid, 'SIGKILL');
  };
  const timer = setTimeout(() => child.pid && void end(child.pid), HANG_MS);
  child.on('message', (files) => {
    running = files;
    timer.refresh();
  });
  const forward = (name: NodeJS.Signals) => void child.kill(name);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    const code = await new Promise<number>((resolve) => {
      child.once('error', () => resolve(127)).once('close', (status) => resolve(status ?? 1));
    });
    return hung ? HUNG : code;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', forward).off('SIGTERM', forward);
    rmSync(reports, { recursive: true, force: true });
  }
}

/** Prints what runs, and for each process of jest its stack and open handles, unless it computes and so can't answer. */
async function explain(pid: number, running: unknown, reports: string): Promise<void> {
  console.error(`\nNo test began or ended for ${HANG_MS / 60_000} minutes. What ran:`);
  for (const line of [running].flat()) console.error(`  ${line}`);
  const asked = descendants(pid).filter(({ args }) => args.includes('jest'));
  for (const { pid: each } of asked) signal(each, 'SIGUSR2');
  await sleep(REPORTS_MS);
  const files = readdirSync(reports).map((file) => readFileSync(path.join(reports, file), 'utf8'));
  console.error(`${files.length} of ${asked.length} processes answer; the others compute without end.`);
  for (const text of files) console.error(summary(JSON.parse(text)));
}

/** What `process.report` writes. */
interface Report {
  readonly header: { readonly processId: number };
  readonly libuv: readonly { readonly type: string; readonly is_active: boolean; readonly is_referenced: boolean }[];
}

function summary({ header, libuv }: Report): string {
  const handles = libuv.filter((one) => one.is_active && one.is_referenced && one.type !== 'loop');
  return [`process ${header.processId} holds open:`, ...handles.map((one) => `  ${JSON.stringify(one)}`)].join('\n');
}

/** The process and all below it. */
function descendants(pid: number): readonly { readonly pid: number; readonly parent: number; readonly args: string }[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
    .map(([, own, parent, args = '']) => ({ pid: Number(own), parent: Number(parent), args }));
  const found = all.filter((one) => one.pid === pid);
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error; // It has ended by now.
  }
}
