/** The errors as one page of Markdown. */
const INTRODUCTION = `# Errors

Every error that Rondo itself makes and a client can see. The errors of a service's own rules are in its contract and its code; the
[guide on errors](../guides/requests-and-errors.md) shows how a service makes them.

A client gets an \`RpcError\`: \`error.code\`, \`error.message\`, and \`error.report\` with the method, the attempts, their instances and
times. \`String(error)\` puts all of that in one line. \`error.origin\` says whether a server answered or the client made the error itself.

In the texts here, \`<name>\` stands for a part that varies. **Effect: none** says that the call has changed nothing, so that it can be
repeated whatever its method, once the cause is gone. **Effect: possible** says that a handler may have run: repeat the call only if the
method is safe or idempotent. Rondo's client does both by itself as [the guide on failures](../guides/failures.md#retries) says.

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
 * @param {import('./read.mjs').ErrorEntry[]} errors
 * @returns {string}
 */
export function renderPage(errors) {
  const inside = byCode(errors.filter(({ by }) => by !== GATEWAY));
  const outside = byCode(errors.filter(({ by }) => by === GATEWAY));
  const contents = inside.map(([code, group]) => `- [${code}](#${code.toLowerCase()}): ${group.length}`);
  const calls = inside.map(
    ([code, group]) => `## ${code}\n\n${CODES[code]}\n\n${group.map((error) => render(error)).join('\n')}`,
  );
  return `${INTRODUCTION}${contents.join('\n')}\n\n${calls.join('\n')}${renderGateway(outside)}`;
}

/** The part that goes with the gateway when that is removed. */
function renderGateway(groups) {
  if (groups.length === 0) return '';
  const parts = groups.flatMap(([code, errors]) => errors.map((error) => render(error, `- Code: \`${code}\``)));
  return `

## The gateway

The gateway passes on what services answer, and makes the following itself, besides the \`INVALID_ARGUMENT\` of fields above, for JSON
that its contract doesn't allow. [Its guide](../guides/gateway.md) has the HTTP status of each code.

${parts.join('\n')}
`;
}

/** The codes by the alphabet, each with its errors by their texts. */
function byCode(errors) {
  const codes = [...new Set(errors.map(({ code }) => code))].sort();
  const sorted = errors.toSorted((one, other) => (one.text < other.text ? -1 : 1));
  return codes.map((code) => [code, sorted.filter((error) => error.code === code)]);
}

/** The longest heading; it is also the anchor. */
const MAX_HEADING_LENGTH = 100;

function render({ text, by, effect, cause, remedy }, ...more) {
  const long = text.length > MAX_HEADING_LENGTH;
  const heading = long ? `${text.slice(0, text.lastIndexOf(' ', MAX_HEADING_LENGTH))} …` : text;
  const lines = [
    ...(long ? [`- Text: \`${text}\``] : []),
    ...more,
    `- Made by ${by}. Effect: ${effect}.`,
    `- Cause: ${cause}`,
    `- Remedy: ${remedy}`,
  ];
  return `### \`${heading}\`\n\n${lines.join('\n')}\n`;
}
