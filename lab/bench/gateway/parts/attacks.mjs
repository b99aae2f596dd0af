import { cpuMs, memoryMiB, startWorker } from '@rondo/harness';
import { paced } from '../../attacks/beside.mjs';
import { figure, show, table } from '../../report/figures.mjs';
import { openConnection } from '../http-connection.mjs';

/** How many rounds of an attack there are at once, and the pause after each. */
const INTENSITY = { atOnce: 2, pauseMs: 50 };
/** What the gateway may use beyond the memory that it had before. */
const GROWTH_MIB = 300;
/** Calls a second of the honest client. */
const CALLS_PER_SECOND = 50;

/**
 * What an attack costs another client. Each attack goes on for some seconds, while the honest client calls `POST /add`. The same
 * client then calls while a worker uses as much of a processor as the attacker and the gateway did together.
 *
 * @returns whether the gateway lives, and its memory is bounded.
 */
export async function attack({ gateway }, { seconds }, { onClose }) {
  const attacker = startWorker(new URL('../attacker.mjs', import.meta.url));
  onClose(() => attacker.close());
  const honest = await openConnection(gateway.port);
  onClose(() => honest.close());
  const duration = Math.max(3, seconds);
  const honestCalls = (lasting) => paced(() => honest.call(), { seconds: lasting, callsPerSecond: CALLS_PER_SECOND });
  const rows = [];
  let holds = true;
  await honestCalls(2);
  for (const name of await attacker.ask('names')) {
    const startMiB = memoryMiB(gateway.pid).resident;
    const before = [gateway.pid, attacker.pid].map((pid) => cpuMs(pid));
    await attacker.ask('begin', { target: gateway.port, name, ...INTENSITY });
    const attacked = await honestCalls(duration);
    const used = [gateway.pid, attacker.pid].map((pid, index) => (cpuMs(pid) - before[index]) / (duration * 1_000));
    await attacker.ask('stop');
    const share = Math.min(1, used[0] + used[1]);
    const [burnt] = await Promise.all([honestCalls(duration), attacker.ask('burn', { share, seconds: duration })]);
    const { resident, peak } = memoryMiB(gateway.pid);
    holds &&= attacked.failures.length === 0 && !gateway.hasEnded() && peak < startMiB + GROWTH_MIB;
    rows.push([
      name,
      ...[attacked.p50, attacked.p99, burnt.p50, burnt.p99].map(figure),
      attacked.failures.length,
      ...used.map((one) => figure(one * 100)),
      figure(resident),
      figure(peak),
    ]);
  }
  const head = ['attack', 'p50 ms', 'p99 ms', 'burner p50', 'burner p99', 'failed', 'gateway CPU %', 'attacker CPU %'];
  show(`\nAn honest client under attack for ${duration} s, against the same beside a burner of as much processor time`);
  show(table([...head, 'MiB', 'peak MiB'], rows));
  return holds;
}
