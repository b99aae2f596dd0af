/** Draws the terminal in the README from a real run: `npm run lab -- picture`. The run makes a service, saves its handler and calls it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, run } from '@rondo/tool/workspace';
import { renderTerminal } from './picture/svg.mjs';

const OUT = path.join(root, 'docs/first-service.svg');
const HANDLER = 'services/greeter/src/greeter.ts';
const CALL = ['call', 'Greeter/SayHello', '{"name": "Ada"}'];
const TIMEOUT_MS = 180_000;

/** @returns {Promise<number>} the exit code. */
export async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-picture-'));
  const clone = path.join(folder, 'rondo');
  const { code, output } = await run('git', ['clone', '--quiet', '--no-hardlinks', root, clone]);
  if (code !== 0) throw new Error(output);
  const dev = spawn(process.execPath, ['scripts/rondo.mjs', 'dev'], {
    cwd: clone,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await untilPrinted(dev, 'Rondo is up');
    writeFileSync(OUT, renderTerminal(await record(clone)));
    console.log(`Written: ${path.relative(root, OUT)}`);
    return 0;
  } finally {
    dev.kill('SIGINT');
    await new Promise((resolve) => dev.once('close', resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {Promise<string[]>} the lines of the terminal, with colour codes. */
async function record(clone) {
  const proto = path.join(clone, '../helloworld.proto');
  writeFileSync(proto, blockOf('proto helloworld.proto'));
  const made = await rondo(clone, ['new', 'service', 'greeter', '--proto', proto, '--start']);
  const unwritten = await rondo(clone, CALL);
  const [stub, written] = writeHandler(clone);
  const startedAt = performance.now();
  const answer = await answered(clone);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  return [
    prompt('./rondo new service greeter --proto ~/helloworld.proto --start'),
    ...made.filter((line) => /^.{0,6}ok|runs at/.test(line)),
    '',
    prompt(`./rondo call Greeter/SayHello '{"name": "Ada"}'`),
    ...unwritten.filter((line) => line.includes('UNIMPLEMENTED')),
    '',
    dim(`# ${HANDLER}, saved:`),
    `\x1b[31m- ${stub}\x1b[39m`,
    `\x1b[32m+ ${written}\x1b[39m`,
    '',
    prompt(`./rondo call Greeter/SayHello '{"name": "Ada"}'`) +
      dim(`   # ${seconds} s after saving, with this call's start`),
    ...answer,
  ];
}

/** Saves the handler of the guide. @returns {[string, string]} The generated line, and the line that replaces it. */
function writeHandler(clone) {
  const file = path.join(clone, HANDLER);
  const lineOf = (text) => text.split('\n').find((line) => line.startsWith('  sayHello'));
  const before = lineOf(readFileSync(file, 'utf8'));
  const text = blockOf(`ts ${HANDLER}`);
  writeFileSync(file, text);
  return [before.trim(), lineOf(text).trim()];
}

/** A code block of the guide, by its title. */
function blockOf(title) {
  const guide = readFileSync(path.join(root, 'docs/guides/add-a-service.md'), 'utf8');
  const [, text] = guide.split(`\n\`\`\`${title}\n`);
  return text.slice(0, text.indexOf('```'));
}

async function answered(clone) {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  while (performance.now() < giveUpAt) {
    const lines = await rondo(clone, CALL);
    if (lines.some((line) => line.includes('Hello Ada'))) return lines;
  }
  throw new Error('the handler that was saved has not answered');
}

async function rondo(clone, args) {
  const { output } = await run(path.join(clone, 'rondo'), args, { cwd: clone, env: { FORCE_COLOR: '1' } });
  return output.trimEnd().split('\n');
}

const prompt = (command) => `\x1b[2m$\x1b[22m \x1b[1m${command}\x1b[22m`;
const dim = (text) => `\x1b[2m${text}\x1b[22m`;

function untilPrinted(child, words) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`rondo dev never printed "${words}"`)), TIMEOUT_MS);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more) => {
      text += more;
      if (!text.includes(words)) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('close', () => reject(new Error(`rondo dev has ended: ${text}`)));
  });
}
