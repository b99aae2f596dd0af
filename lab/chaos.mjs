/** The outage table over real processes: `npm run lab -- chaos [--only NAME] [--short] [--controls] [--tls] [--list]`. */
import { build, compile } from '@rondo/tool/workspace';
import { readOptions } from './options.mjs';

const command = {
  name: 'chaos',
  summary: 'faults in real processes under load, each with its bound',
  options: {
    only: { type: 'text', value: 'NAMES', help: 'these scenarios alone, as kill,freeze' },
    short: { type: 'flag', help: 'three scenarios, faults of seconds, 100 calls a second: what CI runs' },
    controls: { type: 'flag', help: 'each scenario once more with its guard off: that run has to show failures' },
    tls: { type: 'flag', help: 'mutual TLS between all processes, also PostgreSQL and etcd' },
    list: { type: 'flag', help: 'what there is' },
  },
};

/**
 * Builds, then runs the scenarios of `chaos/`.
 * @param {string[]} args
 */
export async function main(args) {
  const options = readOptions(args, command);
  if (typeof options === 'number') return options;
  if (!(await build())) return 1;
  const { code, output } = await compile(['lab']);
  if (code !== 0) console.error(output);
  if (code !== 0) return code;
  const compiled = new URL('./dist/chaos/main.js', import.meta.url).href;
  return await (await import(compiled)).runScenarios(options);
}
