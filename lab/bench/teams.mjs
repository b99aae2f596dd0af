import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '@rondo/harness/postgres';
import { figure, quantiles, show, table } from './report/figures.mjs';
import { startTeam } from './teams/system.mjs';

const CALLERS = 8;
const CALL_MS = 10_000;
const RENAME_EVERY_MS = 100;
const SMALL = 10;
/** The median of the large team may be this many times that of the small one. */
const MAX_RATIO = 2;

/**
 * What a large team costs AcceptQuote, which reserves time of it, and what UpdateMember of one display name takes meanwhile:
 * a team of ten and one of two thousand, over the real services.
 */
export const benchmark = {
  name: 'teams',
  summary: 'AcceptQuote and UpdateMember with a team of 2,000 against one of 10',
  options: {
    members: { type: 'count', default: 2_000, help: 'how many members the large team has' },
    quotes: { type: 'count', default: 200, help: 'how many quotes are accepted, of each team' },
  },
  async run({ members, quotes }, { folder, onClose }) {
    const postgres = await startPostgres(folder, { settings: { fsync: false } });
    onClose(() => postgres.stop());
    const rows = [];
    const medians = [];
    let failures = 0;
    for (const size of [SMALL, members]) {
      const team = await startTeam(size, { quotes: quotes + 1, postgres, folder, onClose });
      await team.quoteService.acceptQuote({ name: `quotes/q${quotes + 1}` }, { timeoutMs: CALL_MS });
      const { accepted, updated, failed, seconds } = await accept(team, quotes);
      const [accepting, updating] = [quantiles(accepted), quantiles(updated)];
      rows.push([
        size,
        figure(accepted.length / seconds),
        figure(accepting.p50),
        figure(accepting.p99),
        failed,
        figure(updating.p50),
        figure(updating.max),
      ]);
      medians.push(accepting.p50);
      failures += failed;
      await team.close();
    }
    show(`AcceptQuote by ${CALLERS} callers, and UpdateMember of a display name, ms`);
    show(table(['members', 'accepted/s', 'p50', 'p99', 'failed', 'UpdateMember p50', 'max'], rows));
    return failures === 0 && medians[1] <= MAX_RATIO * medians[0];
  },
};

async function accept({ quoteService, teamService }, quotes) {
  const accepted = [];
  const updated = [];
  let failed = 0;
  let left = quotes;
  const timed = async (times, call) => {
    const beganAt = performance.now();
    try {
      await call();
      times.push(performance.now() - beganAt);
    } catch {
      failed += 1;
    }
  };
  const caller = async () => {
    while (left > 0) {
      const name = `quotes/q${left}`;
      left -= 1;
      await timed(accepted, () => quoteService.acceptQuote({ name }, { timeoutMs: CALL_MS }));
    }
  };
  const renamer = async () => {
    for (let change = 0; left > 0; change += 1) {
      await sleep(RENAME_EVERY_MS);
      const member = { name: 'members/m1', displayName: `Member ${change}` };
      await timed(updated, () =>
        teamService.updateMember({ member, updateMask: ['display_name'] }, { timeoutMs: CALL_MS }),
      );
    }
  };
  const beganAt = performance.now();
  await Promise.all([...Array.from({ length: CALLERS }, caller), renamer()]);
  return { accepted, updated, failed, seconds: (performance.now() - beganAt) / 1_000 };
}
