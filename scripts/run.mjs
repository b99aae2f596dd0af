/**
 * The entry of the root's npm scripts: `node scripts/run.mjs <task> [arguments]`. It needs only Node and npm: it installs missing
 * packages, then runs `scripts/<task>.mjs`. Imports follow the version check, so that an old Node prints a line and not a stack.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Rondo needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

await import('./environment.mjs');
const { existsSync, readFileSync } = await import('node:fs');
const [task = '', ...rest] = process.argv.slice(2);
const script = new URL(`./${task}.mjs`, import.meta.url);
// A file that exports `main` is a task; the others are parts of tasks.
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
