/** What `@rondo/rpc/client` had in version 0.2, and `@rondo/balancing/scatter` has now. */
const MOVED = /^(?:type )?(?:broadcast|scatterStream|BroadcastOptions|PartResults?|ScatterStreamOptions)\b/;
const IMPORT = /^import (type )?\{([^}]*)\} from '@rondo\/rpc\/client';$/gm;

/** A source of an app of version 0.2 that imports scatter-gather from where it is now; the same text if it imports none. */
export function withMovedImports(text: string): string {
  return text.replace(IMPORT, (whole, type = '', list: string) => {
    const names = list.split(',').flatMap((name) => name.trim() || []);
    const moved = names.filter((name) => MOVED.test(name));
    if (moved.length === 0) return whole;
    const others = names.filter((name) => !moved.includes(name));
    const imported = (from: readonly string[], module: string) => {
      const isTypes = type !== '' || from.every((name) => name.startsWith('type '));
      const named = isTypes ? from.map((name) => name.replace('type ', '')) : from;
      return from.length === 0 ? [] : `import ${isTypes ? 'type ' : ''}{ ${named.join(', ')} } from '${module}';`;
    };
    return [imported(moved, '@rondo/balancing/scatter'), imported(others, '@rondo/rpc/client')].flat().join('\n');
  });
}
