import { Refusal } from './errors.js';

/** What an app imports of a plugin: `import { consul } from '@rondo/registry-consul'`. */
export interface PluginImport {
  readonly module: string;
  readonly value: string;
}

/** The call that `rondo new service` writes into main.ts. */
const CALL = /(?<=^await runService\(\{)[\s\S]*?(?=,?\s*\}\);$)/m;
/** Its list of plugins, there or in a constant. */
const LISTS = [/(?<=^const plugins = \[)[\w,\s]*(?=\];$)/m, /(?<=\bplugins: \[)[\w,\s]*(?=\]\s*[,}])/];

/**
 * The text of a main.ts that passes a plugin to `runService`; the same text if it does already.
 *
 * @throws Refusal with the lines to paste, if it has another form than a service is made with.
 */
export function withPlugin(file: string, text: string, { module, value }: PluginImport): string {
  if (text.includes(`'${module}'`)) return text;
  const line = `import { ${value} } from '${module}';\n`;
  return line + changed(file, text, (plugins) => [...plugins, value], `add ${line.trim()} and ${value} to`);
}

/** The text of a main.ts without a plugin and its import. @throws Refusal as {@link withPlugin} does. */
export function withoutPlugin(file: string, text: string, { module, value }: PluginImport): string {
  if (!text.includes(`'${module}'`)) return text;
  const rest = text.replace(`import { ${value} } from '${module}';\n`, '');
  return changed(
    file,
    rest,
    (plugins) => plugins.filter((one) => one !== value),
    `take ${value} and its import out of`,
  );
}

function changed(
  file: string,
  text: string,
  change: (plugins: readonly string[]) => readonly string[],
  what: string,
): string {
  const [call = 'plugins'] = CALL.exec(text) ?? [];
  const list = LISTS.find((one) => /\bplugins\b/.test(call) && one.test(text));
  if (list === undefined && /\bplugins\b/.test(call)) {
    const remedy = `${what} the plugins of runService by hand, and change package.json`;
    throw new Refusal('calls runService in a form of its own', { place: { file }, remedy });
  }
  const plugins = change(list?.exec(text)?.[0].match(/\w+/g) ?? []).join(', ');
  if (list === undefined) return text.replace(CALL, `$&, plugins: [${plugins}]`);
  return text.replace(list, plugins).replace(/, plugins: \[\]/, '');
}
