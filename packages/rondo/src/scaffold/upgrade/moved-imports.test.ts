import { expect, it } from '@jest/globals';
import { withMovedImports } from './migration.js';

it.each([
  [
    "import { type Client, scatterStream } from '@rondo/rpc/client';\n",
    "import { scatterStream } from '@rondo/balancing/scatter';\nimport type { Client } from '@rondo/rpc/client';\n",
  ],
  [
    "import {\n  broadcast,\n  type PartResult,\n} from '@rondo/rpc/client';\n",
    "import { broadcast, type PartResult } from '@rondo/balancing/scatter';\n",
  ],
  [
    "import type { Client, PartResults } from '@rondo/rpc/client';\n",
    "import type { PartResults } from '@rondo/balancing/scatter';\nimport type { Client } from '@rondo/rpc/client';\n",
  ],
])('an app of 0.2 imports scatter-gather from the plugin: %j', (before, after) => {
  expect(withMovedImports(before)).toBe(after);
});

it.each(["import { createClient } from '@rondo/rpc/client';\n", "import { broadcast } from './own.js';\n"])(
  'what has not moved stays: %j',
  (text) => {
    expect(withMovedImports(text)).toBe(text);
  },
);
