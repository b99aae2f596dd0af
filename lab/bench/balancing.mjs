import { mkdirSync, writeFileSync } from 'node:fs';
import { allFailing, internal, notFound } from './balancing/parts/faults.mjs';
import { newcomer } from './balancing/parts/newcomer.mjs';
import { slow, slowMethod, slowOfTwo } from './balancing/parts/slow.mjs';
import { zones } from './balancing/parts/zones.mjs';
import { draw, PICTURES } from './balancing/pictures.mjs';
import { createTestbed } from './balancing/testbed.mjs';
import { show, table } from './report/figures.mjs';

/** What is measured, each with the bounds that must hold. The exactness of each policy is tested next to its code. */
const PARTS = [slow, slowOfTwo, slowMethod, zones, internal, notFound, allFailing, newcomer];
const FOLDER = new URL('../../docs/guides/balancing/', import.meta.url);

/**
 * What each policy does to slow, failing and new replicas, over real processes: a registry, replicas that become slow, fail or
 * die on command, and clients that call at a rate, whether or not earlier calls were answered (an open loop).
 */
export const benchmark = {
  name: 'balancing',
  summary: 'what each policy does to slow, failing and new replicas, beside what must hold',
  options: {
    part: { type: 'text', value: 'NAME,…', help: 'only these; --list names them' },
    quick: { type: 'flag', help: 'fewer calls and shorter times: whether it works, not how well' },
    controls: { type: 'flag', help: 'each part once more without what it measures: it must miss its bounds' },
    write: { type: 'flag', help: 'draw the pictures of docs/guides/balancing instead; --part names some of them' },
    list: { type: 'flag', help: 'what there is' },
  },
  check({ part, write }) {
    const known = write ? Object.keys(PICTURES) : PARTS.map(({ name }) => name);
    const unknown = part?.split(',').find((name) => !known.includes(name));
    return unknown && `--part ${unknown}: there are ${known.join(', ')}`;
  },
  async run({ part, quick, controls, write, list }) {
    const isWanted = (name) => part === undefined || part.split(',').includes(name);
    if (list) return show(listOfParts());
    if (write) return await writePictures(isWanted);
    const surprises = [];
    for (const one of PARTS.filter(({ name }) => isWanted(name))) {
      surprises.push(...(await measure(one, { quick, control: false })));
      if (controls) surprises.push(...(await measure(one, { quick, control: true })));
    }
    show(surprises.length === 0 ? 'all as it must be' : `not as it must be:\n  ${surprises.join('\n  ')}`);
    return surprises.length === 0;
  },
};

/** Prints what a part measured; gives each figure that misses its bound, or that a control run doesn't miss. */
async function measure(part, { quick, control }) {
  const { rows, load } = await inTestbed(async (testbed) => ({
    rows: await part.run(testbed, { quick, control }),
    load: testbed.load,
  }));
  const title = control ? `${part.name}, control: ${part.control}` : `${part.name}: ${part.about}`;
  const verdict = ({ holds, bound }) => (bound === '' ? '' : holds ? 'holds' : 'MISSED');
  const lines = rows.map((row) => [row.what, row.measured, row.bound, verdict(row)]);
  show(`${table([title, 'measured', 'bound', ''], lines)}\n${busy(load)}`);
  const surprising = rows.filter(({ holds, guarded }) => (control ? guarded && holds : !holds));
  return surprising.map(({ what }) => `${title}: ${what}`);
}

/** If clients stood still, their times are the machine's. */
function busy({ made, skipped }) {
  if (skipped <= 0.01 * made) return '';
  return `Clients stood still while ${skipped} of ${made + skipped} calls were due: the machine had other work.\n`;
}

async function writePictures(isWanted) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, picture] of Object.entries(PICTURES).filter(([one]) => isWanted(one))) {
    writeFileSync(new URL(`${name}.svg`, FOLDER), await inTestbed((testbed) => draw(testbed, picture)));
    show(`docs/guides/balancing/${name}.svg`);
  }
}

async function inTestbed(work) {
  const testbed = await createTestbed();
  try {
    return await work(testbed);
  } finally {
    await testbed.close();
  }
}

function listOfParts() {
  const lines = PARTS.map(({ name, about, control }) => [name, about, control]);
  return `${table(['part', 'what', 'control'], lines)}\n\npictures: ${Object.keys(PICTURES).join(', ')}`;
}
