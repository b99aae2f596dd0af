/** What a form shows of a contract: comments, rules and examples. It needs nothing of Node, for pages in a browser. */

export { commentOf, splitComment } from '../comments.js';
export { exampleOf, exampleOfField } from '../example.js';
export { behaviorsOf } from '../field-behavior.js';
export { formatRules, type Rule, rulesOfField, rulesOfMessage, rulesOfOneof } from '../rules.js';
