// Sets a breakpoint as an editor does: in a line of a TypeScript source, of a process that runs under `node --inspect`, or that
// waits under `node --inspect-brk` until the breakpoint is set. Prints `set` when the script with that line is known, and
// `hit FILE:LINE` when the process stops there; then the process goes on.
// Arguments: the inspector's WebSocket URL, the source, the line's text, and for how many milliseconds to stop there.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [inspector = '', source = '', text = '', stopMs = '0'] = process.argv.slice(2);
const line = readFileSync(source, 'utf8')
  .split('\n')
  .findIndex((code) => code.includes(text));
const socket = new WebSocket(inspector);
const waiting = new Map();
/** By id: the URL of each script that has a source map, and that of the map. */
const scripts = new Map();
let found;

function send(method, params = {}) {
  const id = waiting.size + 1;
  socket.send(JSON.stringify({ id, method, params }));
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

socket.addEventListener('message', ({ data }) => {
  const { id, result, error, method, params } = JSON.parse(data);
  if (error !== undefined) waiting.get(id).reject(new Error(error.message));
  else if (id !== undefined) waiting.get(id).resolve(result);
  else if (method === 'Debugger.scriptParsed' && params.sourceMapURL !== '') scripts.set(params.scriptId, params);
  else if (method === 'Debugger.paused') void paused(params);
});

/** The source map of a script, if it is one of the source: inline, or a file next to the script. */
function mapOf({ url, sourceMapURL }) {
  const base = url.startsWith('/') ? pathToFileURL(url).href : url;
  if (!base.startsWith('file:')) return undefined;
  const at = new URL(sourceMapURL, base);
  const payload = at.protocol === 'data:' ? decode(at.href) : readFileSync(at, 'utf8');
  const map = JSON.parse(payload);
  const from = new URL(map.sourceRoot ?? '', at.protocol === 'data:' ? base : at);
  // A path may have any name: as a URL it would end at its "#".
  const toPath = (one) => (one.startsWith('/') ? one : fileURLToPath(new URL(one, from)));
  return map.sources.some((one) => toPath(one) === source) ? new SourceMap(map) : undefined;
}

function decode(dataUrl) {
  return Buffer.from(dataUrl.slice(dataUrl.indexOf(',') + 1), 'base64').toString('utf8');
}

/** The first place of a script that comes from the line. */
function placeOf(code, map) {
  for (const [lineNumber, generated] of code.split('\n').entries()) {
    for (let columnNumber = 0; columnNumber < generated.length; columnNumber += 1) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if (entry.originalLine !== line || entry.generatedLine !== lineNumber) continue;
      if (entry.generatedColumn === columnNumber) return { lineNumber, columnNumber };
    }
  }
  throw new Error(`nothing comes from line ${line + 1} of ${source}`);
}

/** Sets the breakpoint in a script if that is compiled from the source. */
async function setIn(scriptId) {
  const script = scripts.get(scriptId);
  const map = found === undefined && script !== undefined ? mapOf(script) : undefined;
  if (map === undefined) return;
  found = { scriptId, map };
  const { scriptSource } = await send('Debugger.getScriptSource', { scriptId });
  await send('Debugger.setBreakpoint', { location: { scriptId, ...placeOf(scriptSource, map) } });
  process.stdout.write('set\n');
}

/** The process has stopped: in the breakpoint, before its first line, or before a script with a source map runs. */
async function paused({ callFrames: [{ location }], hitBreakpoints = [] }) {
  const isHit = found !== undefined && location.scriptId === found.scriptId && hitBreakpoints.length > 0;
  if (isHit && found.map.findEntry(location.lineNumber, location.columnNumber).originalLine === line) {
    process.stdout.write(`hit ${source}:${line + 1}\n`);
    await new Promise((resolve) => setTimeout(resolve, Number(stopMs)));
    await send('Debugger.resume');
    socket.close();
    return;
  }
  await setIn(location.scriptId);
  await send('Debugger.resume');
}

socket.addEventListener('open', async () => {
  await send('Debugger.enable');
  await send('Debugger.setInstrumentationBreakpoint', { instrumentation: 'beforeScriptWithSourceMapExecution' });
  for (const scriptId of [...scripts.keys()]) await setIn(scriptId);
  await send('Runtime.runIfWaitingForDebugger');
});
