/**
 * `google.api.http` annotations: path templates, rules and their conflicts. The gateway routes by them, and `npm run
 * generate` checks them with the same code.
 *
 * Source: https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
 */

export type { HttpBinding } from '../http/binding.js';
export { createRoutes } from '../http/routes.js';
export { httpRuleOf } from '../http/rule.js';
export { parseTemplate } from '../http/template.js';
