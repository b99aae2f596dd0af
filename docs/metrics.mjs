/** The page of the metrics, from the instruments that the sources make. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '@rondo/tool/workspace';

// A meter that passes its calls on to another one, by `name` or `...`, makes no instrument of its own.
const INSTRUMENT =
  /\.create(?:Observable)?(Counter|UpDownCounter|Gauge|Histogram)\((?!name,|\.\.\.)([\s\S]*?)\n? *\}\);?/g;
const NAME = /^\s*['`]([\w.${}]+)['`]/;
const UNIT = /unit: '([^']*)'/;
const DESCRIPTION = /description:\s*(?:'([^']*)'|"([^"]*)")/;

const INTRODUCTION = `# Metrics

A process with \`RONDO_METRICS\` serves these metrics at \`/metrics\`, in Prometheus's text format, with their descriptions. There, dots
become underscores, and the unit and \`total\` are at the end of the name, such as \`rpc_server_call_duration_seconds\`. \`<side>\` is
\`server\` or \`client\`.

| metric | kind | unit | meaning |
| --- | --- | --- | --- |
`;

/** @returns {string} Markdown. */
export function metricsPage() {
  const listed = execFileSync('git', ['ls-files', 'packages/*/src/*.ts', 'plugins/*/src/*.ts', 'services/*/src/*.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = listed.split('\n').filter((file) => !file.endsWith('.test.ts') && file !== '');
  const rows = files.flatMap((file) => instrumentsOf(readFileSync(path.join(root, file), 'utf8'), file));
  return `${INTRODUCTION}${rows.sort().join('\n')}\n`;
}

function instrumentsOf(source, file) {
  return [...source.matchAll(INSTRUMENT)].map(([, kind, call]) => {
    const [, name] = NAME.exec(call) ?? [];
    const [, ...descriptions] = DESCRIPTION.exec(call) ?? [];
    const description = descriptions.find((one) => one !== undefined);
    if (name === undefined || description === undefined)
      throw new Error(`${file}: a metric without a name or a description`);
    const unit = UNIT.exec(call)?.[1].replace(/[{}]/g, '') ?? '';
    return `| \`${name.replace(/\$\{(\w+)\}/, '<$1>')}\` | ${kind.toLowerCase()} | ${unit} | ${description} |`;
  });
}
