/**
 * Balancing over real processes: a registry, replicas that become slow, fail or die as they are told, and clients that call
 * at a rate, whether or not those before were answered. Each part prints what was measured beside what must hold.
 *
 * `npm run bench:balancing -- --help` tells what it can be told.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PARTS } from './balancing/parts/index.mjs';
import { draw, PICTURES } from './balancing/pictures.mjs';
import { createScene } from './balancing/scene.mjs';
import { table } from './report/table.mjs';

const USAGE = `npm run bench:balancing -- [options]
  --part NAME,…     those alone (all)
  --quick           fewer calls and shorter times: whether it works, not how well
  --controls        each part once more without what it measures: the bounds have to be missed
  --write           draw the pictures of docs/guides/balancing instead; --part names some of them
  --list            what there is`;
const FOLDER = new URL('../docs/guides/balancing/', import.meta.url);
const { values } = understand();
const parts = PARTS.filter(({ name }) => values.part === undefined || values.part.split(',').includes(name));

if (values.help) show(USAGE);
else if (values.list) show(list());
else if (values.write) await writePictures();
else process.exitCode = await measure();

async function measure() {
  const surprises = [];
  for (const part of parts) {
    surprises.push(...(await measurePart(part, false)));
    if (values.controls) surprises.push(...(await measurePart(part, true)));
  }
  show(surprises.length === 0 ? 'all as it must be' : `not as it must be:\n  ${surprises.join('\n  ')}`);
  return surprises.length === 0 ? 0 : 1;
}

/** @returns What should hold and doesn't, or holds where it shouldn't. */
async function measurePart(part, control) {
  const { rows, load } = await inScene(async (scene) => ({
    rows: await part.run(scene, { quick: values.quick, control }),
    load: scene.load,
  }));
  const title = control ? `${part.name}, control: ${part.control}` : `${part.name}: ${part.about}`;
  const verdict = ({ holds, bound }) => (bound === '' ? '' : holds ? 'holds' : 'MISSED');
  const lines = rows.map((row) => [row.what, row.measured, row.bound, verdict(row)]);
  show(`${table([title, 'measured', 'bound', ''], lines)}\n${busy(load)}`);
  const surprising = rows.filter(({ holds, guarded }) => (control ? guarded && holds : !holds));
  return surprising.map(({ what }) => `${title}: ${what}`);
}

/** Where clients stood still, their times are the machine's. */
function busy({ made, skipped }) {
  if (skipped <= 0.01 * made) return '';
  return `Clients stood still while ${skipped} of ${made + skipped} calls were due: the machine had other work.\n`;
}

async function writePictures() {
  mkdirSync(FOLDER, { recursive: true });
  const names = Object.keys(PICTURES).filter(
    (name) => values.part === undefined || values.part.split(',').includes(name),
  );
  for (const name of names) {
    writeFileSync(new URL(`${name}.svg`, FOLDER), await inScene((scene) => draw(scene, PICTURES[name])));
    show(`docs/guides/balancing/${name}.svg`);
  }
}

async function inScene(work) {
  const scene = await createScene();
  try {
    return await work(scene);
  } finally {
    await scene.close();
  }
}

function list() {
  const lines = PARTS.map(({ name, about, control }) => [name, about, control]);
  return `${table(['part', 'what', 'control'], lines)}\n\npictures: ${Object.keys(PICTURES).join(', ')}`;
}

function understand() {
  const flag = { type: 'boolean', default: false };
  try {
    const understood = parseArgs({
      options: { part: { type: 'string' }, quick: flag, controls: flag, write: flag, list: flag, help: flag },
    });
    const { part, write } = understood.values;
    const known = write ? Object.keys(PICTURES) : PARTS.map(({ name }) => name);
    const unknown = part?.split(',').find((name) => !known.includes(name));
    if (unknown !== undefined) throw new Error(`--part ${unknown}: there are ${known.join(', ')}`);
    return understood;
  } catch (error) {
    process.stderr.write(`npm run bench:balancing: ${error.message.split(/\.\s/)[0]}\n${USAGE}\n`);
    process.exit(2);
  }
}

function show(text) {
  process.stdout.write(`${text}\n`);
}
