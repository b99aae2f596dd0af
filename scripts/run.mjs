/**
 * What the root npm scripts run: `node scripts/run.mjs <task> [arguments]`. It needs Node and npm alone: it installs what
 * is missing, then runs `scripts/<task>.mjs`. Imports follow the check, so that an old Node gets a line, not a stack.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Rondo needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

const { existsSync, readFileSync } = await import('node:fs');
const [task = '', ...rest] = process.argv.slice(2);
const script = new URL(`./${task}.mjs`, import.meta.url);
// What ends in `main` is a task; the other files are their parts.
if (
  !/^[a-z]+$/.test(task) ||
  !existsSync(script) ||
  !/^export async function main\(/m.test(readFileSync(script, 'utf8'))
) {
  console.error(`There is no task "${task}": npm run lists them.`);
  process.exit(1);
}

const { install } = await import('./install.mjs');
if (await install()) {
  const { main } = await import(script.href);
  process.exitCode = await main(rest);
} else {
  process.exitCode = 1;
}
