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
  const byHand = `add ${line.trim()} and ${value} to`;
  return line + changed(file, { text, plugins: (given) => [...given, value], byHand });
}

/** The text of a main.ts without a plugin and its import. @throws Refusal as {@link withPlugin} does. */
export function withoutPlugin(file: string, text: string, { module, value }: PluginImport): string {
  if (!text.includes(`'${module}'`)) return text;
  const rest = text.replace(`import { ${value} } from '${module}';\n`, '');
  const byHand = `take ${value} and its import out of`;
  return changed(file, { text: rest, plugins: (given) => given.filter((one) => one !== value), byHand });
}

interface Change {
  readonly text: string;
  readonly plugins: (given: readonly string[]) => readonly string[];
  /** What an author does, if the call has another form. */
  readonly byHand: string;
}

function changed(file: string, { text, plugins: change, byHand }: Change): string {
  const [call = 'plugins'] = CALL.exec(text) ?? [];
  const list = LISTS.find((one) => /\bplugins\b/.test(call) && one.test(text));
  if (list === undefined && /\bplugins\b/.test(call)) {
    const remedy = `${byHand} the plugins of runService by hand, and change package.json`;
    throw new Refusal('calls runService in a form of its own', { place: { file }, remedy });
  }
  const plugins = change(list?.exec(text)?.[0].match(/\w+/g) ?? []).join(', ');
  if (list === undefined) return text.replace(CALL, `$&, plugins: [${plugins}]`);
  return text.replace(list, plugins).replace(/, plugins: \[\]/, '');
}
