/** The outage table over real processes: `npm run lab -- chaos [--only NAME] [--short] [--controls] [--tls] [--list]`. */
import { built } from './built.mjs';
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

/** Builds, then runs the scenarios of `chaos/`. */
export async function main(args) {
  const options = readOptions(args, command);
  if (typeof options === 'number') return options;
  return (await built('chaos/main.js'))?.runScenarios(options) ?? 1;
}
