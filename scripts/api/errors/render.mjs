/** The errors as one page of Markdown. */
import { keyOf } from './read.mjs';

const INTRODUCTION = `# Errors

<!-- Generated from the places that make the errors by \`npm run api\`. Don't edit. -->

Every error that Rondo itself makes and a client can see. The errors of a service's own rules are in its contract and its code; the
[cookbook](../cookbook/errors.md) shows how a service makes them.

A client gets an \`RpcError\`: \`error.code\`, \`error.message\`, and \`error.report\` with the method, the attempts, their instances and
times. \`String(error)\` puts all of that in one line. \`error.origin\` says whether a server answered or the client made the error itself.

In the texts here, \`<name>\` stands for a part that varies, and \`[a | b]\` for one of several parts. **Effect: none** says that the call
has changed nothing, so that it can be repeated whatever its method, once the cause is gone. **Effect: possible** says that a handler may
have run: repeat the call only if the method is safe or idempotent. Rondo's client does both by itself as
[the guide on retries](../guides/retries.md) says.

`;

/** What each code says, for a client that considers to call again. */
const CODES = {
  CANCELLED: 'The call was given up before its end. Repeat it if the answer is still needed.',
  UNKNOWN: 'The answer is no status of gRPC. A repeated call fails in the same way until the cause is gone.',
  INVALID_ARGUMENT: 'The request breaks a rule. A repeated call fails in the same way: correct the request.',
  DEADLINE_EXCEEDED: "The call's time is over. The server may have done the work nevertheless.",
  NOT_FOUND: 'What the request names is not there.',
  ALREADY_EXISTS: 'What the request wants to create is there already.',
  PERMISSION_DENIED: 'The caller may not make the call. A repeated call fails in the same way.',
  RESOURCE_EXHAUSTED: 'A limit is reached. If it is one of size, send less; if it is one of number, call again later.',
  FAILED_PRECONDITION: 'The present state forbids the call. Change the state before you call again.',
  ABORTED: 'Concurrent work won, and nothing was done. Repeat all of it: the reads, the decision and the call.',
  OUT_OF_RANGE: 'A value is outside of the range that the answer can have.',
  UNIMPLEMENTED: 'The server does not have the method, or does not follow its contract.',
  UNAUTHENTICATED: 'The call has no credentials, or none that are accepted. Call again with others.',
  INTERNAL: 'A fault of a program. The log of the side that made the error says more.',
  UNAVAILABLE: 'The call could not be made now, or its connection broke. Call again after a pause.',
};

const GATEWAY = 'the gateway';

/**
 * @param {import('./read.mjs').ErrorSite[]} sites
 * @returns {string}
 */
export function renderPage(sites) {
  const inside = byCode(sites.filter(({ side }) => side !== GATEWAY));
  const outside = byCode(sites.filter(({ side }) => side === GATEWAY));
  const contents = inside.map(([code, errors]) => `- [${code}](#${code.toLowerCase()}): ${errors.length}`);
  const calls = inside.map(([code, errors]) => `## ${code}\n\n${CODES[code]}\n\n${errors.map(renderError).join('\n')}`);
  return `${INTRODUCTION}${contents.join('\n')}\n\n${calls.join('\n')}${renderGateway(outside)}`;
}

/** The part that goes with the gateway when that is removed. */
function renderGateway(groups) {
  if (groups.length === 0) return '';
  const parts = groups.flatMap(([code, errors]) => errors.map((error) => renderError({ ...error, code })));
  return `
<!-- sample: gateway -->

## The gateway

The gateway passes on what services answer, and makes the following itself, beside the \`INVALID_ARGUMENT\` of fields above, for JSON
that its contract doesn't allow. [Its guide](../guides/gateway.md) has the HTTP status of each code.

${parts.join('\n')}
<!-- /sample -->
`;
}

/** The codes by the alphabet, each with its errors; sites of the same error are one. */
function byCode(sites) {
  const codes = [...new Set(sites.map(({ code }) => code))].sort();
  return codes.map((code) => [code, errorsOf(sites.filter((site) => site.code === code))]);
}

function errorsOf(sites) {
  const keys = [...new Set(sites.map(keyOf))].sort();
  return keys.map((key) => {
    const same = sites.filter((site) => keyOf(site) === key);
    const told = same.find(({ cause }) => cause !== undefined);
    const sides = [...new Set(same.map(({ side }) => side))];
    return { ...told, code: undefined, sides };
  });
}

const listOf = (names) => [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' and ');

/** The longest heading; it is also the anchor. */
const MAX_HEADING_LENGTH = 100;

function renderError({ code, text, sides, effect, cause, remedy }) {
  const texts = text.split(/ \| (?![^[]*\])/);
  const [first] = texts;
  const long = first.length > MAX_HEADING_LENGTH;
  const heading = long ? `${first.slice(0, first.lastIndexOf(' ', MAX_HEADING_LENGTH))} …` : first;
  const lines = [
    ...(long || texts.length > 1 ? [`- Text: ${texts.map((one) => `\`${one}\``).join(' or ')}`] : []),
    ...(code === undefined ? [] : [`- Code: \`${code}\``]),
    `- Made by ${listOf(sides)}. Effect: ${effect}.`,
    `- Cause: ${cause}`,
    `- Remedy: ${remedy}`,
  ];
  return `### \`${heading}\`\n\n${lines.join('\n')}\n`;
}
