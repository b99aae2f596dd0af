/** The conformance suite of the Model Context Protocol against a gateway that runs: `npm run lab -- mcp [URL]`. */
import path from 'node:path';
import { root, run } from '@rondo/tool/workspace';

/** The suite needs Node 22. */
const PACKAGES = ['--package=node@22.23.3', '--package=@modelcontextprotocol/conformance@0.2.0-alpha.12'];
/** Of what 2026-07-28 requires of a server: the other scenarios are about tools of the suite's own server, prompts and resources. */
const SCENARIOS = ['server-stateless', 'tools-list', 'caching', 'dns-rebinding-protection'];

/**
 * Needs `RONDO_GATEWAY_MCP=on npm start`, and npm's registry for the suite.
 * @param {string[]} args
 */
export async function main([url = 'http://127.0.0.1:8080/mcp']) {
  const results = path.join(root, '.rondo/mcp');
  const expected = path.join(root, 'lab/mcp.yaml');
  const given = `--url ${url} --spec-version 2026-07-28 --expected-failures ${expected} --output-dir ${results}`;
  let failed = 0;
  for (const scenario of SCENARIOS) {
    const call = `conformance server --scenario ${scenario} ${given}`;
    const { code } = await run('npx', ['--yes', ...PACKAGES, '--call', call], { show: true });
    if (code !== 0) failed += 1;
  }
  return failed === 0 ? 0 : 1;
}
